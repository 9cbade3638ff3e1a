"""A sibling of the progress report: marts and an entry in KINDS are all that it needs."""

import json
from pathlib import Path

import pytest
from handmade_marts import CREATOR, MATHS, MENTOR
from requests_support import DAY, download_files, execute, process_requests
from support import NO_MESSAGES, ManualClock

from exhaust.marts.state import open_marts
from exhaust.project.settings import Settings
from exhaust.reports.export import export
from exhaust.reports.kinds import KINDS, Kind
from exhaust.reports.selection import Criteria, Destination
from exhaust.requests.desk import submit
from exhaust.requests.ledger import Ledger

pytestmark = pytest.mark.not_on_spark

CERTIFICATES = Kind(
    name="certificates",
    dataset="certificate-exhaust",
    rows="course_certificates",
    header_plan="certificate_columns",
    macro="report_of",
)
MARTS = """
create table {schema}.course_certificates
(course_id text, batch_id text, user_id text, root_org_id text, issued_on date);
insert into {schema}.course_certificates values
('do_1', '001', 'u1', 't', date '2026-03-01'),
('do_1', '001', 'u2', 'k', null),
('do_1', '002', 'u3', null, date '2026-04-02');
create table {schema}.certificate_columns
(course_id text, ordinal int, column_name text, label text, kind text,
 assessment_ordinal int, assessment_name text);
insert into {schema}.built_marts
select
    built.invocation_id, sibling.mart, null, built.schema_name, sibling.mart,
    built.started_at, built.replaced_at
from {schema}.built_marts as built
cross join (values ('course_certificates'), ('certificate_columns')) as sibling(mart)
where built.mart = 'courses';
insert into {schema}.certificate_columns values
('do_1', 2, 'issued_on', 'Issued On', 'date', null, null),
('do_1', 1, 'user_id', 'User UUID', 'text', null, null)
"""
FIRST = "User UUID,Issued On\nu1,01/03/2026\nu2,\n"


@pytest.fixture
def sibling(project: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The marts made by hand, with those of the sibling."""
    monkeypatch.setitem(KINDS, CERTIFICATES.dataset, CERTIFICATES)
    for statement in MARTS.split(";"):
        execute(project, statement)
    return project


def test_export_writes_a_sibling_report(sibling: Settings, tmp_path: Path) -> None:
    criteria = Criteria([MATHS], kind=CERTIFICATES)
    with open_marts(sibling) as marts:
        export(marts, criteria, Destination(folder=tmp_path / "out"), clock=ManualClock(DAY))
    texts = {file.name: file.read_text("utf-8") for file in (tmp_path / "out").glob("*.csv")}
    assert texts == {
        "001_certificates_20261123.csv": FIRST,
        "002_certificates_20261123.csv": "User UUID,Issued On\nu3,02/04/2026\n",
    }


def test_a_sibling_report_can_be_requested(sibling: Settings) -> None:
    criteria = Criteria([MATHS], batches=["001"], user_id=CREATOR, kind=CERTIFICATES)
    with open_marts(sibling) as marts, Ledger.open(sibling.profile) as ledger:
        submit(marts, ledger, criteria, ManualClock(DAY))
        # The same batch, as another report: neither waits for the other.
        submit(marts, ledger, Criteria([MATHS], batches=["001"], user_id=CREATOR))
    requests = {one.dataset: one for one in process_requests(sibling)}
    assert set(requests) == {"certificate-exhaust", "progress-exhaust"}
    sibling_request = requests["certificate-exhaust"]
    (file,) = map(Path, sibling_request.files.values())
    assert file.parent.parent == sibling.results_dir / "certificate-exhaust"
    assert file.read_text("utf-8") == FIRST
    receipt = json.loads(Path(f"{file}.receipt.json").read_text("utf-8"))
    assert [column["label"] for column in receipt["columns"]] == ["User UUID", "Issued On"]
    (copy,) = download_files(sibling, sibling_request)
    assert copy.read_text("utf-8") == FIRST


def test_a_requester_sees_the_same_learners_in_a_sibling_report(sibling: Settings) -> None:
    criteria = Criteria([MATHS], user_id=MENTOR, kind=CERTIFICATES)
    with open_marts(sibling) as marts:
        report = export(marts, criteria, Destination(), NO_MESSAGES, ManualClock(DAY))
    assert Path(report.files[0].file).read_text("utf-8") == "User UUID,Issued On\nu2,\n"
