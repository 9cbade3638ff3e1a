"""The report files of the small extracts, byte for byte, and the counts of enrolments left out."""

from datetime import date
from pathlib import Path

import pytest
from oracle import file_name, make_reports
from support import GOLDEN, SCENARIOS, Built, export_all

from exhaust.marts.courses import batches
from exhaust.marts.header_plan import additions, read_header_plan, with_additions
from exhaust.marts.state import Marts, open_marts
from exhaust.project import sql
from exhaust.project.settings import Settings
from exhaust.reports.formats.csv import csv_line
from exhaust.reports.kinds import PROGRESS


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_report_equals_its_golden_file(built: Built, scenario: str, tmp_path: Path) -> None:
    settings = built(SCENARIOS[scenario])

    export_all(settings, tmp_path, day=date(2024, 7, 1))

    written = {
        file.name.removesuffix("_progress_20240701.csv"): file.read_bytes()
        for file in tmp_path.glob("*.csv")
    }
    golden = {file.stem: file.read_bytes() for file in (GOLDEN / scenario).iterdir()}
    assert set(written) == set(golden)
    for name, content in golden.items():
        assert written[name] == content, name


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_report_with_all_additions_equals_its_golden_file(
    built: Built, scenario: str
) -> None:
    written = reports_with_additions(built(SCENARIOS[scenario]))

    folder = GOLDEN / "additions" / scenario
    golden = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert set(golden) <= set(written)
    for name, content in golden.items():
        assert written[name] == content, name


def reports_with_additions(settings: Settings) -> dict[str, bytes]:
    """Returns the reports of all batches with a known course, by the name of the golden file."""
    with open_marts(settings) as marts, marts.state(PROGRESS.marts):
        return {
            file_name(batch.batch_id): report_with_additions(marts, batch.course_id, batch.batch_id)
            for batch in batches(marts)
        }


def report_with_additions(marts: Marts, course_id: str, batch_id: str) -> bytes:
    warehouse = marts.warehouse
    plan = read_header_plan(marts, PROGRESS.header_plan, course_id)
    columns = with_additions(plan, list(additions()))
    chunks = [csv_line([column["label"] for column in columns])]
    select = sql.report(
        PROGRESS.macro,
        engine=warehouse.engine,
        relation=marts.relation(PROGRESS.rows),
        columns=columns,
        course_id=course_id,
        batch_ids=[batch_id],
        details=marts.relation("course_progress_details"),
    )
    warehouse.copy_out(select, chunks.append)
    return b"".join(chunks)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_enrolments_left_out_are_counted_by_reason(
    built: Built, scenario: str, tmp_path: Path
) -> None:
    settings = built(SCENARIOS[scenario])

    report = export_all(settings, tmp_path, day=date(2024, 7, 1))

    counted = {
        (file.course_id, batch_id): {reason: n for reason, n in file.left_out.items() if n}
        for file in report.files
        for batch_id in file.batches
    }
    expected = make_reports(SCENARIOS[scenario])
    assert counted == {batch: expected.left_out.get(batch, {}) for batch in expected.files}
