"""Two reports are compared by learner and batch, whatever their formats are."""

import csv
import io
from pathlib import Path

import pytest
from bench.diff import expected, make_report
from report_files import ENDINGS, LABELS, ROWS, WRITERS, Row, csv_text, write_report_file
from verify_support import BATCHES, change_receipt

from exhaust.errors import DataError, NotFound, PasswordNeeded, UsageError
from exhaust.reports.diff import CSV_HEADER, Diff, Difference, diff
from exhaust.reports.formats import Format
from exhaust.reports.protection import protect

pytestmark = pytest.mark.not_on_spark

LATER: list[Row] = [[*row] for row in ROWS]
LATER[1][6:9] = ["01/07/2026", "Issued", "100"]
LATER[2][4] = ""
LATER[3] = ["do_1", BATCHES[1], "u7", *ROWS[0][3:]]
LATER.sort(key=lambda row: row[1:3])
DIFFERENCES = [
    Difference("completed", "do_1", BATCHES[0], "u2", "Completion Date", None, "01/07/2026"),
    Difference("certified", "do_1", BATCHES[0], "u2", "Certificate Status", None, "Issued"),
    Difference("changed", "do_1", BATCHES[0], "u2", "Progress", "0", "100"),
    Difference("changed", "do_1", BATCHES[0], "u3", "School Name", '-a, "b"\nc', None),
    Difference("gone", "do_1", BATCHES[0], "u4", None, None, None),
    Difference("new", "do_1", BATCHES[1], "u7", None, None, None),
]


def report(folder: Path, name: str, rows: list[Row], format: str = "csv") -> Path:
    """Writes a report with its receipt."""
    file = folder / f"{name}{ENDINGS[format]}"
    write_report_file(file, format, rows)
    return file


def counts(found: Diff) -> tuple[int, ...]:
    return (
        *(found.learners_new, found.learners_gone, found.learners_completed),
        *(found.learners_certified, found.learners_changed, found.learners_unchanged),
    )


@pytest.mark.parametrize("new", WRITERS)
@pytest.mark.parametrize("old", WRITERS)
def test_every_difference_is_found(tmp_path: Path, old: str, new: str) -> None:
    found = diff(report(tmp_path, "old", ROWS, old), report(tmp_path, "new", LATER, new))
    assert found.differences == DIFFERENCES
    assert counts(found) == (1, 1, 1, 1, 2, 3)
    assert found.cells_by_column == {
        "School Name": 1,
        "Completion Date": 1,
        "Certificate Status": 1,
        "Progress": 1,
    }
    assert (found.cells_changed, found.total) == (4, 6)
    for file in (found.old, found.new):
        assert (file.rows, file.notes, file.broken) == (len(ROWS), [], [])
    assert (found.columns_added, found.columns_removed, found.notes) == ([], [], [])


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_exactly_the_planted_differences_are_found(tmp_path: Path, format: str) -> None:
    for name in ("old", "new"):
        make_report(tmp_path / f"{name}.{format}", 1_000, is_new=name == "new")
    found = diff(tmp_path / f"old.{format}", tmp_path / f"new.{format}")
    assert {name: getattr(found, name) for name in expected(1_000)} == expected(1_000)
    assert found.old.notes == found.new.notes == []
    assert set(found.cells_by_column) == {"Completion Date", "Progress"}


def test_reports_without_a_receipt_are_compared(tmp_path: Path) -> None:
    for format in WRITERS:
        old, new = tmp_path / f"old{ENDINGS[format]}", tmp_path / f"new{ENDINGS[format]}"
        WRITERS[format](old, ROWS)
        WRITERS[format](new, LATER)
        found = diff(old, new)
        assert found.differences == DIFFERENCES
        assert found.old.receipt is None
        assert "has no receipt" in found.old.notes[0]


def test_what_spreadsheet_programs_do_not_keep_is_no_difference(tmp_path: Path) -> None:
    old, new = report(tmp_path, "old", ROWS), report(tmp_path, "new", ROWS, "xlsx")
    text = old.read_text().replace('""b""\nc', '""b""\r\nc').replace(",u5,,", ',u5,"",')
    old.write_text(text, newline="")
    assert diff(old, new).differences == []


def test_only_the_first_differences_are_returned(tmp_path: Path) -> None:
    found = diff(report(tmp_path, "old", ROWS), report(tmp_path, "new", LATER), limit=2)
    assert (found.differences, found.total) == (DIFFERENCES[:2], 6)


def test_all_differences_are_written_as_csv(tmp_path: Path) -> None:
    files = (report(tmp_path, "old", ROWS), report(tmp_path, "new", LATER))
    stream = io.BytesIO()
    diff(*files, output=stream, limit=0)
    diff(*files, output=tmp_path / "diff.csv", limit=0)
    assert (tmp_path / "diff.csv").read_bytes() == stream.getvalue()
    header, *rows = csv.reader(io.StringIO(stream.getvalue().decode(), newline=""))
    assert tuple(header) == CSV_HEADER
    assert rows == [
        [one.change, one.course_id, one.batch_id, one.user_id]
        + [text or "" for text in (one.column, one.old, one.new)]
        for one in DIFFERENCES
    ]
    with pytest.raises(UsageError, match="cannot be written"):
        diff(*files, output=tmp_path / "none" / "diff.csv")


class TestBrokenFiles:
    def test_a_file_in_another_form_is_compared(self, tmp_path: Path) -> None:
        old = report(tmp_path, "old", ROWS)
        old.write_bytes(csv_text(ROWS[::-1], LABELS).encode())
        found = diff(old, report(tmp_path, "new", LATER))
        assert found.differences == DIFFERENCES
        assert found.old.notes == [f"{old} was saved in another form; no value was changed."]
        assert found.old.broken == []

    @pytest.mark.parametrize("is_old", [True, False])
    def test_broken_values_are_not_changes(self, tmp_path: Path, is_old: bool) -> None:
        old, new = report(tmp_path, "old", ROWS), report(tmp_path, "new", LATER)
        broken = old if is_old else new
        text = broken.read_text().replace("88%", "0.88").replace("09270101001", "9270101001")
        broken.write_text(text)
        found = diff(old, new)
        assert found.differences == DIFFERENCES
        file = found.old if is_old else found.new
        assert [line.split(":")[0] for line in file.broken] == [
            "a school ID of ten digits, perhaps without its leading zero",
            "a score that is not a whole percentage",
        ]
        assert "does not match its receipt" in file.notes[0]

    def test_ids_that_lost_zeros_are_restored(self, tmp_path: Path) -> None:
        old = report(tmp_path, "old", ROWS)
        old.write_text(old.read_text().replace("013030", "13030"))
        assert diff(old, report(tmp_path, "new", LATER)).differences == DIFFERENCES

    def test_rows_whose_ids_are_lost_are_left_out(self, tmp_path: Path) -> None:
        old, new = report(tmp_path, "old", ROWS), report(tmp_path, "new", ROWS)
        new.write_text(new.read_text().replace(f"{BATCHES[1]},u6", "1.303E+17,u6"))
        found = diff(old, new)
        assert [(one.change, one.user_id) for one in found.differences] == [("gone", "u6")]
        assert counts(found) == (0, 1, 0, 0, 0, 5)
        assert "1 row left out" in found.new.notes[1]

    def test_a_file_whose_ids_are_all_lost_is_an_error(self, tmp_path: Path) -> None:
        new = tmp_path / "new.csv"
        new.write_text(csv_text([["do_1", "1.3E+17", *row[2:]] for row in ROWS], LABELS))
        with pytest.raises(DataError, match="broke the IDs of all of them"):
            diff(report(tmp_path, "old", ROWS), new)

    def test_a_cell_that_somebody_changed_is_a_change(self, tmp_path: Path) -> None:
        old, new = report(tmp_path, "old", ROWS), report(tmp_path, "new", ROWS)
        new.write_text(new.read_text().replace("88%", "89%"))
        found = diff(old, new)
        (one,) = found.differences
        assert (one.column, one.old, one.new) == ("Total Score", "88%", "89%")
        assert "does not match its receipt: values were changed" in found.new.notes[0]

    def test_a_learner_who_is_there_twice_is_an_error(self, tmp_path: Path) -> None:
        new = report(tmp_path, "new", ROWS)
        new.write_text(new.read_text().replace(",u2,", ",u1,"))
        with pytest.raises(DataError, match="more than once in a batch: 1 time, first in row 3"):
            diff(report(tmp_path, "old", ROWS), new)


class TestColumns:
    def test_those_of_one_file_are_named(self, tmp_path: Path) -> None:
        old, new = tmp_path / "old.csv", tmp_path / "new.csv"
        old.write_text(csv_text([[*row, "x"] for row in ROWS], [*LABELS, "Status"]))
        new.write_text(csv_text([[*row[:9], row[10]] for row in ROWS], [*LABELS[:9], LABELS[10]]))
        found = diff(old, new)
        assert (found.columns_added, found.columns_removed) == ([], ["Total Score", "Status"])
        assert (found.differences, found.learners_unchanged) == ([], len(ROWS))

    def test_those_of_sunbirds_layout_are_the_same(self, tmp_path: Path) -> None:
        sunbird = tmp_path / "new.csv"
        header = [label.replace("ID", "Id") for label in LABELS]
        rows = [[row[0], f"BatchId_{row[1]}", *row[2:]] for row in ROWS]
        write_report_file(sunbird, "csv", ROWS)
        columns = [
            {"label": label, "kind": "sunbird_batch" if label == "Batch Id" else "text"}
            for label in header
        ]
        change_receipt(sunbird, layout="sunbird", columns=columns)
        sunbird.write_text(csv_text(rows, header))
        found = diff(report(tmp_path, "old", ROWS), sunbird)
        assert (found.differences, found.columns_added) == ([], [])

    def test_without_those_of_the_ids_it_is_an_error(self, tmp_path: Path) -> None:
        new = tmp_path / "new.csv"
        new.write_text(csv_text([row[:2] for row in ROWS], LABELS[:2]))
        with pytest.raises(DataError, match="it has no column User UUID"):
            diff(report(tmp_path, "old", ROWS), new)


def test_reports_of_other_courses_are_refused(tmp_path: Path) -> None:
    new = tmp_path / "new.csv"
    new.write_text(csv_text([["do_2", *row[1:]] for row in ROWS], LABELS))
    with pytest.raises(UsageError, match=r"is of the course `do_1`, .* of `do_2`"):
        diff(report(tmp_path, "old", ROWS), new)


def test_batches_of_one_file_are_named(tmp_path: Path) -> None:
    old, new = report(tmp_path, "old", ROWS[:4]), report(tmp_path, "new", ROWS)
    found = diff(old, new)
    assert (found.learners_new, found.learners_unchanged) == (2, 4)
    assert found.notes == [f"Only {new} has 1 batch: `{BATCHES[1]}`."]


def test_a_file_with_a_password_is_opened(tmp_path: Path) -> None:
    old, plain = report(tmp_path, "old", ROWS), report(tmp_path, "plain", LATER, "xlsx")
    with (tmp_path / "new.xlsx").open("wb") as protected:
        protect(plain, Format.XLSX, "correct horse", protected)
    found = diff(old, tmp_path / "new.xlsx", new_password="correct horse")
    assert found.differences == DIFFERENCES
    with pytest.raises(PasswordNeeded):
        diff(old, tmp_path / "new.xlsx")


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file"):
        diff(report(tmp_path, "old", ROWS), tmp_path / "new.csv")
