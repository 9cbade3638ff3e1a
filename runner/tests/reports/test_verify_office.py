"""`verify` on reports that LibreOffice has opened and saved."""

from pathlib import Path

import pytest
from office import convert
from report_files import ENDINGS, ROWS, write_report_file
from verify_support import receipt_of

from exhaust.reports.verify import verify

pytestmark = [pytest.mark.not_on_spark, pytest.mark.office]

ONLY_FORM = "no value was changed, only the form of the file"


def saved(tmp_path: Path, format: str, ending: str) -> list[str]:
    """Returns the changes of a report that LibreOffice has saved with this ending."""
    file = tmp_path / f"report{ENDINGS[format]}"
    write_report_file(file, format, ROWS)
    (tmp_path / "saved").mkdir()
    return verify(convert(file, ending, tmp_path / "saved"), receipt_of(file)).changes


@pytest.mark.parametrize("ending", ["xlsx", "csv"])
@pytest.mark.parametrize("format", ["xlsx", "csv-excel"])
def test_formats_for_spreadsheets_survive(tmp_path: Path, format: str, ending: str) -> None:
    assert saved(tmp_path, format, ending)[-1] == ONLY_FORM


def test_what_it_does_to_plain_csv_is_named(tmp_path: Path) -> None:
    changes = "\n".join(saved(tmp_path, "csv", "xlsx"))
    assert "an ID that became a number" in changes or "an ID that lost its leading zeros" in changes
    assert "a school ID of ten digits, perhaps without its leading zero" in changes
