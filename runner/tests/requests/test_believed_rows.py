"""Rows of the ledger that somebody else wrote: they are input, and end nothing but themselves."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from handmade_marts import CREATOR, MATHS, MATHS_2, MENTOR
from ledger_support import claim_of, new_request
from requests_support import download_files, process_requests, reload, report_text, submit_request

from exhaust import api
from exhaust.errors import ExhaustError, NotFound, PermissionDenied
from exhaust.project.settings import Settings
from exhaust.reports.receipt import receipt_path
from exhaust.requests import store
from exhaust.requests.entities import Request, Status
from exhaust.requests.ledger import Ledger

pytestmark = pytest.mark.not_on_spark

DEEP = "[" * 5000 + "]" * 5000
BAD_ON_EVERY_ENGINE = {
    "status": "status = 'DONE'",
    "status of another case": "status = 'submitted'",
    "dataset": "job_id = '../..'",
    "no requester": "requested_by = ''",
    "no course": "course_id = ''",
    "tries before the first": "iteration = -2000000000",
    "tries after the last": "iteration = 2147483647",
    "rows done": "rows_done = -9223372036854775808",
    "rows expected": "rows_expected = -1",
    "JSON is an array": "request_data = '[]'",
    "JSON is null": "request_data = 'null'",
    "JSON is deep": f"request_data = '{DEEP}'",
    "JSON has a long number": f"request_data = '{'9' * 5000}'",
    "no layout": """request_data = '{{"allLearners": true}}'""",
    "another layout": """request_data = '{{"allLearners": true, "layout": "wide"}}'""",
    "learners": """request_data = '{{"allLearners": "yes", "layout": "exhaust"}}'""",
    "names": """request_data = '{{"allLearners": true, "layout": "exhaust", "batchNames": [1]}}'""",
    "roles": """request_data =
        '{{"allLearners": true, "layout": "exhaust", "roles": {{"1": 2}}}}'""",
    "half a character": """request_data =
        '{{"allLearners": true, "layout": "exhaust", "batchNames": {{"001": "\\ud800"}}}}'""",
}
BAD_ON_POSTGRES = {
    "submitted never": "dt_job_submitted = 'infinity'",
    "submitted before Christ": "dt_job_submitted = '0044-03-15 BC'",
    "claimed never": "iteration = -1, claimed_at = 'infinity'",
    "completed never": "dt_job_completed = '-infinity'",
}
BAD_ON_SQLITE = {
    "a time that is none": "dt_job_submitted = 'yesterday'",
    "a time with a zone": "dt_job_submitted = '2026-11-23T10:00:00+05:30'",
    "bytes": "requested_by = x'ff00fe'",
    "a number as text": "rows_done = 'many'",
    "a number with a fraction": "rows_expected = 1.5",
    "no JSON": "request_data = '{{'",
    "JSON with a constant": "request_data = 'NaN'",
    "a null character": "course_id = 'do_1' || char(0)",
}
BAD_ON = {
    "postgres": BAD_ON_EVERY_ENGINE | BAD_ON_POSTGRES,
    "duckdb": BAD_ON_EVERY_ENGINE | BAD_ON_SQLITE,
}


def change(settings: Settings, sql: str) -> None:
    """Runs a statement as the owner of the ledger, whose tables it has in braces."""
    with Ledger.open(settings.profile) as ledger, ledger._store.begin() as connection:
        schema = f'"{ledger._store._schema}".' if ledger._store._schema else ""
        tables = {name: schema + name for name in ("job_request", "job_request_batch", "worker")}
        connection.exec_driver_sql(sql.format(**tables), execution_options={"no_parameters": True})


def replace_row(settings: Settings, request: Request, **values: object) -> None:
    """Replaces the row of a request by one that is changed, and those of its batches."""
    has_id = store.REQUESTS.c.request_id == request.request_id
    with Ledger.open(settings.profile) as ledger, ledger._store.begin() as connection:
        row = connection.execute(sa.select(store.REQUESTS).where(has_id)).one()._asdict()
        batches = connection.execute(
            sa.select(store.BATCHES).where(store.BATCHES.c.request_id == request.request_id)
        )
        rows: list[dict[str, Any]] = [one._asdict() for one in batches]
        connection.execute(sa.delete(store.REQUESTS).where(has_id))
        connection.execute(sa.insert(store.REQUESTS).values({**row, **values}))
        new_id = values.get("request_id", request.request_id)
        connection.execute(
            sa.insert(store.BATCHES), [{**one, "request_id": new_id} for one in rows]
        )


def outside(settings: Settings) -> set[Path]:
    """Returns the files next to the folder of results."""
    folder = settings.results_dir.parent
    return {
        file
        for file in folder.rglob("*")
        if file.is_file() and settings.results_dir not in file.parents
    }


@pytest.mark.parametrize("name", ["../../outside", "{root}/outside", "x/../../../outside", ".", ""])
def test_an_id_that_is_a_path_makes_no_file(project: Settings, name: str) -> None:
    new = submit_request(project)
    before = outside(project)
    replace_row(project, new, request_id=name.format(root=project.results_dir.parent))
    assert process_requests(project) == []
    (failed,) = api.requests(project)
    assert (failed.status, failed.error) == (
        Status.FAILED,
        "The ledger has no valid ID for this request.",
    )
    assert outside(project) == before
    assert not list(project.results_dir.rglob("*.csv"))
    assert submit_request(project).status == Status.SUBMITTED


def test_download_hands_out_no_other_file(project: Settings, tmp_path: Path) -> None:
    new = submit_request(project, batches=["002"])
    (done,) = process_requests(project)
    secret = tmp_path / "secret.csv"
    secret.write_text("root:x:0:0")
    receipt_path(secret).write_bytes(receipt_path(Path(done.files["002"])).read_bytes())
    change(project, f"update {{job_request_batch}} set file = '{secret}'")
    (file,) = download_files(project, new)
    assert file.read_text("utf-8") == report_text("002")
    Path(done.files["002"]).unlink()
    for user in (CREATOR, None):
        with pytest.raises(NotFound):
            download_files(project, new, user)


class TestRightsOfOneFileOfAnother:
    """The rows say what their reader may have; the files are others'."""

    def check(self, project: Settings, request: Request, user: str | None) -> None:
        before = set(Path().iterdir())
        with pytest.raises(ExhaustError) as raised:
            download_files(project, request, user)
        assert isinstance(raised.value, PermissionDenied | NotFound)
        assert set(Path().iterdir()) == before

    def test_the_requester_and_the_learners_are_changed(self, project: Settings) -> None:
        new = submit_request(project, batches=["001"])
        process_requests(project)
        data = {**new.request_data, "allLearners": False}
        replace_row(project, new, requested_by=MENTOR, requested_channel="k", request_data=data)
        self.check(project, new, MENTOR)
        self.check(project, new, None)

    def test_the_learners_are_changed(self, project: Settings) -> None:
        new = submit_request(project, user=MENTOR)
        process_requests(project)
        replace_row(project, new, requested_by=CREATOR, requested_channel="t")
        self.check(project, new, CREATOR)

    def test_the_course_is_changed(self, project: Settings) -> None:
        new = submit_request(project, batches=["001"])
        process_requests(project)
        replace_row(project, new, course_id=MATHS_2)
        self.check(project, new, CREATOR)

    def test_the_batch_is_changed(self, project: Settings) -> None:
        new = submit_request(project, batches=["001"])
        process_requests(project)
        change(project, "update {job_request_batch} set batch_id = '002'")
        self.check(project, new, CREATOR)

    def test_the_files_are_of_another_request(self, project: Settings) -> None:
        new = submit_request(project, batches=["001"])
        (done,) = process_requests(project)
        other = submit_request(project, batches=["001"])
        replace_row(project, other, status="SUCCESS")
        folder = Path(done.files["001"]).parent
        folder.rename(folder.with_name(other.request_id))
        self.check(project, other, CREATOR)
        assert reload(project, new).status == Status.SUCCESS


def test_bad_rows_fail_alone(project: Settings) -> None:
    bad = BAD_ON[project.profile.engine]
    with Ledger.open(project.profile) as ledger:
        ids = {
            name: ledger.submit(new_request(course_id=f"do_{number}")).request_id
            for number, name in enumerate(bad)
        }
    good = submit_request(project)
    for name, values in bad.items():
        change(project, f"update {{job_request}} set {values} where request_id = '{ids[name]}'")

    shown = {one.request_id: one for one in api.requests(project)}
    assert [name for name in bad if not is_refused(shown[ids[name]])] == []
    assert shown[good.request_id].status == Status.SUBMITTED
    assert api.info(project).requests == {"SUBMITTED": 1, "PROCESSING": 0}
    with pytest.raises(NotFound, match="The ledger has no valid status"):
        download_files(project, shown[ids["status"]], None)

    (done,) = process_requests(project)
    assert (done.request_id, done.status) == (good.request_id, Status.SUCCESS)
    shown = {one.request_id: one for one in api.requests(project)}
    assert [name for name in bad if not is_refused(shown[ids[name]])] == []
    with Ledger.open(project.profile) as ledger:
        for number, _ in enumerate(bad):
            ledger.submit(new_request(course_id=f"do_{number}"))


def is_refused(request: Request) -> bool:
    return (
        request.status == Status.FAILED
        and "The ledger has no valid" in str(request.error)
        and request.position is None
    )


@pytest.mark.parametrize(
    "bad", ["batch_id = ''", "rows = -1", "rows = 9223372036854775807", "file = ''"]
)
def test_a_bad_row_of_a_batch_fails_alone(settings: Settings, ledger: Ledger, bad: str) -> None:
    new = ledger.submit(new_request())
    change(settings, f"update {{job_request_batch}} set {bad} where batch_id = '001'")
    assert is_refused(ledger.request(new.request_id))
    assert ledger.claim("worker") is None
    assert is_refused(ledger.request(new.request_id))
    assert ledger.submit(new_request()).status == Status.SUBMITTED


def test_a_request_without_batches_fails_alone(settings: Settings, ledger: Ledger) -> None:
    new = ledger.submit(new_request())
    change(settings, "delete from {job_request_batch}")
    assert is_refused(ledger.request(new.request_id))
    assert ledger.claim("worker") is None


class TestABlockedReport:
    """A row blocks the report of a batch only while its request waits, or has a real lease."""

    @pytest.mark.parametrize("lease", ["null", "'9999-12-31 23:59:59'"])
    def test_a_lease_that_no_worker_takes_has_ended(
        self, settings: Settings, ledger: Ledger, lease: str
    ) -> None:
        new = ledger.submit(new_request())
        change(
            settings,
            "update {job_request} set status = 'PROCESSING', lease_owner = 'nobody', "
            f"lease_until = {lease}",
        )
        assert claim_of(ledger).request.request_id == new.request_id

    @pytest.mark.parametrize("status", ["SUCCESS", "FAILED", "CANCELLED", "DONE"])
    def test_a_request_that_has_ended_blocks_nothing(
        self, settings: Settings, ledger: Ledger, status: str
    ) -> None:
        ledger.submit(new_request())
        change(settings, f"update {{job_request}} set status = '{status}'")
        assert ledger.submit(new_request()).status == Status.SUBMITTED

    def test_a_damaged_one_blocks_nothing(self, settings: Settings, ledger: Ledger) -> None:
        ledger.submit(new_request())
        change(settings, "update {job_request} set request_data = '7'")
        assert ledger.submit(new_request()).status == Status.SUBMITTED

    def test_batches_without_a_request_block_nothing(self, settings_duckdb: Settings) -> None:
        with Ledger.open(settings_duckdb.profile) as ledger:
            ledger.submit(new_request())
            path = Path(settings_duckdb.profile.options["path"])
            with closing(sqlite3.connect(path.with_name(f"{path.name}.requests"))) as other:
                other.execute("delete from job_request")
                other.commit()
            assert ledger.submit(new_request()).status == Status.SUBMITTED

    @pytest.mark.parametrize("ending", ["-x", "-99999999999999999999", "2", "-", "-0"])
    def test_an_id_next_to_ours_blocks_nothing(
        self, settings: Settings, ledger: Ledger, ending: str
    ) -> None:
        new = ledger.submit(new_request())
        ledger.cancel(new.request_id)
        replace_row(settings, new, request_id=new.request_id + ending)
        assert ledger.submit(new_request()).request_id == new.request_id
        ledger.cancel(new.request_id)
        assert ledger.submit(new_request()).request_id == f"{new.request_id}-2"


def test_a_worker_that_was_never_seen_ends_nothing(settings_postgres: Settings) -> None:
    Ledger.open(settings_postgres.profile).close()
    change(
        settings_postgres,
        "insert into {worker} values ('a', 'infinity'), ('b', '-infinity'), ('c', '9999-01-01')",
    )
    assert api.workers(settings_postgres) == []
    assert api.info(settings_postgres).workers == []


def test_the_files_of_an_export_cannot_be_downloaded(project: Settings, tmp_path: Path) -> None:
    written = tmp_path / "mine.csv"
    api.export(project, [MATHS], batches=["002"], output=written, user_id=CREATOR)
    (request,) = api.requests(project)
    with pytest.raises(NotFound) as raised:
        download_files(project, request)
    assert str(written) in str(raised.value.hint)
    with pytest.raises(NotFound) as raised:
        download_files(project, request, MENTOR)
    assert str(written) not in f"{raised.value.message}{raised.value.hint}"
