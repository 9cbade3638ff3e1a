"""`verify` on reports in every format, and on what was done to them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from report_files import ENDINGS, LABELS, ROWS, WRITERS, Row, csv_text, receipt, write_report_file
from verify_support import change_receipt, receipt_of

from exhaust.errors import PasswordNeeded
from exhaust.reports.formats import Format
from exhaust.reports.protection import protect
from exhaust.reports.signature import SignatureState
from exhaust.reports.verify import verify

pytestmark = pytest.mark.not_on_spark

ONLY_FORM = "no value was changed, only the form of the file"
PASSWORD = "correct horse"

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Returns a function that writes a report in a format, with its receipt."""

    def write(format: str) -> Path:
        file = tmp_path / f"report{ENDINGS[format]}"
        write_report_file(file, format, ROWS)
        return file

    return write


def changed(row: int, column: int, value: str) -> list[Row]:
    rows = [list(row) for row in ROWS]
    rows[row][column] = value
    return rows


@pytest.mark.parametrize("format", WRITERS)
def test_an_unchanged_file_passes(write: Write, format: str) -> None:
    found = verify(write(format))
    assert (found.is_unchanged, found.rows, found.changes) == (True, len(ROWS), [])


@pytest.mark.parametrize(
    ("format", "other"),
    [("csv-excel", "csv"), ("xlsx", "csv"), ("xlsx", "csv-excel"), ("xlsx", "xlsx")],
)
def test_another_format_is_another_form(write: Write, format: str, other: str) -> None:
    """As if a program had saved the file so, without any loss."""
    file = write(format)
    WRITERS[other](file, ROWS)
    file.write_bytes(file.read_bytes() + b"\n")
    assert verify(file).changes[-1] == ONLY_FORM


@pytest.mark.parametrize("format", WRITERS)
@pytest.mark.parametrize(
    ("row", "column", "value", "expected"),
    [
        (
            0,
            1,
            "1.303E+17",
            "an ID that became a number in scientific notation: 1 time, first in "
            "row 2, Batch ID: `1.303E+17`",
        ),
        (
            1,
            3,
            "9270101002",
            "a school ID of ten digits, perhaps without its leading zero: 1 time, "
            "first in row 3, School ID: `9270101002`",
        ),
        (3, 8, "58", "values were changed, but the file does not show which"),
        (2, 2, "u2", "a learner who is in a batch twice: 1 time, first in row 4, User UUID: `u2`"),
    ],
)
def test_changed_values_are_named(
    write: Write, format: str, row: int, column: int, value: str, expected: str
) -> None:
    file = write(format)
    WRITERS[format](file, changed(row, column, value))
    (change,) = verify(file).changes
    assert change.startswith(expected)


@pytest.mark.parametrize("format", WRITERS)
def test_sorted_and_missing_rows_are_named(write: Write, format: str) -> None:
    file = write(format)
    WRITERS[format](file, ROWS[::-1])
    assert verify(file).changes == ["the rows are in another order, no value was changed"]
    WRITERS[format](file, ROWS[:-1])
    assert verify(file).changes == [f"it has 5 rows; the receipt says {len(ROWS)}"]


@pytest.mark.parametrize("format", ["csv-excel", "xlsx"])
def test_a_forged_receipt_is_found_out(write: Write, format: str) -> None:
    file = write(format)
    WRITERS[format](file, [[*row[:1], ROWS[0][1], *row[2:]] for row in ROWS])
    forged = receipt(file, format, ROWS)
    change_receipt(file, sha256=forged["sha256"], bytes=forged["bytes"])
    first, second = verify(file).changes
    assert first.startswith("the receipt was changed: the file has 6 rows of course `do_1`, batch")
    assert second.startswith("the receipt was changed: the file has no rows of course")


def test_line_breaks_and_blanks_are_only_form(write: Write) -> None:
    """The receipt's hash is of what spreadsheet programs keep."""
    file = write("xlsx")
    text = csv_text(ROWS, LABELS).replace('""b""\nc', '""b""\r\nc')
    file.write_text(text.replace(",u5,,", ',u5,"",'), newline="")
    assert verify(file).changes[-1] == ONLY_FORM


@pytest.mark.parametrize("format", WRITERS)
def test_a_file_with_a_password_is_opened(write: Write, tmp_path: Path, format: str) -> None:
    file = write(format)
    other = changed(0, 4, "another")
    for rows, expected in ((ROWS, []), (other, ["values were changed"])):
        WRITERS[format](tmp_path / "plain", rows)
        with file.open("wb") as protected:
            protect(tmp_path / "plain", Format(format), PASSWORD, protected)
        if rows is ROWS:
            digests = receipt(file, format, ROWS)
            receipt_of(file).write_text(receipt_of(file).read_text())
            change_receipt(file, **{name: digests[name] for name in ("sha256", "bytes")})
        found = verify(file, password=PASSWORD)
        assert [change[:19] for change in found.changes] == expected
    with pytest.raises(PasswordNeeded):
        verify(file)


@pytest.mark.parametrize("format", ["csv-excel", "xlsx"])
def test_a_file_passes_without_its_password(write: Write, tmp_path: Path, format: str) -> None:
    """Its SHA-256 shows that it was not changed; what cannot be checked is said."""
    file = write(format)
    plain = file.rename(tmp_path / "plain")
    with file.open("wb") as protected:
        protect(plain, Format(format), PASSWORD, protected)
    digests = receipt(file, format, ROWS)
    change_receipt(file, sha256=digests["sha256"], bytes=digests["bytes"])
    found = verify(file)
    assert (found.is_unchanged, found.signature) == (True, SignatureState.UNSIGNED)
    (note,) = found.notes
    assert "needs the password" in note


def test_receipts_of_other_files_of_a_split_are_read(write: Write) -> None:
    file = write("xlsx")
    change_receipt(
        file,
        split={"by": "district", "value": {"State": "Tamil Nadu", "District": None}},
        since={"files": ["old.xlsx"], "request": None},
    )
    assert verify(file).is_unchanged
