"""The report files of the small extracts, byte for byte, and the counts of enrolments left out."""

from datetime import date
from pathlib import Path

import pytest
from oracle import make_reports
from support import GOLDEN, SCENARIOS, Built, export_all


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
