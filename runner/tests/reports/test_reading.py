"""Report files are read back as what the default CSV says, in whatever form they are."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from report_files import ENDINGS, HEADERS, IDS, LABELS, ROWS, WRITERS, csv_text, write_report_file

from exhaust.errors import DataError
from exhaust.reports.reading import ReadBack, read_report
from exhaust.reports.receipt import receipt_path
from exhaust.reports.receipt_reader import ReadReceipt
from exhaust.reports.table import ReportColumn, embedded_duckdb

pytestmark = pytest.mark.not_on_spark

Read = Callable[..., ReadBack]


@pytest.fixture
def read(tmp_path: Path) -> Iterator[Read]:
    """Returns a function that reads a file, by default with its receipt."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with embedded_duckdb(scratch) as duck:

        def read(file: Path, *, with_receipt: bool = True) -> ReadBack:
            receipt = ReadReceipt.of(receipt_path(file)) if with_receipt else None
            return read_report(file, receipt, duck, "report", scratch)

        yield read


def values(read: ReadBack) -> list[list[str]]:
    names = ", ".join(f"coalesce({column.name}, '')" for column in read.columns)
    return [list(row) for row in read.duck.execute(f"select {names} from report").fetchall()]


def row_numbers(read: ReadBack) -> list[int]:
    return [number for (number,) in read.duck.execute("select row_number from report").fetchall()]


def is_straight(read: ReadBack) -> bool:
    """Whether the engine has read the file, without Python."""
    query = "select view_name from duckdb_views() where view_name = 'report'"
    columns = read.duck.execute(
        "select column_name from duckdb_columns() where table_name = 'report_raw'"
    ).fetchall()
    return bool(read.duck.execute(query).fetchall()) and ("row_number",) not in columns


@pytest.mark.parametrize("with_receipt", [True, False], ids=["receipt", "no receipt"])
@pytest.mark.parametrize("format", WRITERS)
def test_every_format_is_read_back(
    tmp_path: Path, read: Read, format: str, with_receipt: bool
) -> None:
    file = tmp_path / f"report{ENDINGS[format]}"
    write_report_file(file, format, ROWS)
    found = read(file, with_receipt=with_receipt)
    assert values(found) == ROWS
    assert [column.label for column in found.columns] == LABELS
    assert found.rows == len(ROWS)
    assert row_numbers(found) == [2, 3, 4, 5, 6, 7]
    assert (found.form, found.problems) == ([], [])


def test_the_engine_reads_a_csv_report(tmp_path: Path, read: Read) -> None:
    write_report_file(tmp_path / "report.csv", "csv", ROWS)
    assert is_straight(read(tmp_path / "report.csv"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"u2", b'"u2'),
        (b",u5,", b',"u5,'),
        (b"\ndo_1", b"\n\ndo_1"),
        (b",", b";"),
        (b"u2", b"\xe9"),
        (b"\n", b"\r"),
        (b",u2,", b",u2,,"),
    ],
    ids=["open quote", "open quote later", "blank lines", "semicolons", "latin", "cr", "uneven"],
)
def test_the_engine_does_not_read_what_it_would_misread(
    tmp_path: Path, read: Read, old: bytes, new: bytes
) -> None:
    file = tmp_path / "report.csv"
    write_report_file(file, "csv", ROWS)
    file.write_bytes(file.read_bytes().replace(old, new))
    assert not is_straight(read(file))


def test_a_formula_guard_of_plain_csv_is_text(tmp_path: Path, read: Read) -> None:
    """Machines read it: what it says is what it says."""
    rows = [[*row[:4], "'=1", *row[5:]] for row in ROWS]
    write_report_file(tmp_path / "report.csv", "csv", rows)
    assert values(read(tmp_path / "report.csv")) == rows


@pytest.mark.parametrize("format", ["csv-excel", "xlsx"])
def test_what_a_spreadsheet_broke_is_a_problem(tmp_path: Path, read: Read, format: str) -> None:
    file = tmp_path / f"report{ENDINGS[format]}"
    rows = [["do_1", "1.3E+17", *row[2:]] for row in ROWS]
    write_report_file(file, format, ROWS)
    WRITERS[format](file, rows)
    (problem,) = read(file).problems
    assert problem.what == "an ID that became a number in scientific notation"
    assert (problem.times, problem.row, problem.value) == (6, 2, "1.3E+17")


def test_ids_are_restored_in_keys_where_that_is_possible(tmp_path: Path, read: Read) -> None:
    file = tmp_path / "report.csv"
    write_report_file(file, "csv", ROWS)
    file.write_text(file.read_text().replace(ROWS[0][1], ROWS[0][1][1:]))
    found = read(file)
    keys = found.duck.execute(f"select {found.key.batch_id} from report").fetchall()
    assert [key for (key,) in keys] == [row[1] for row in ROWS]


def test_columns_are_known_without_a_receipt(tmp_path: Path, read: Read) -> None:
    header = [*LABELS[:3], "Status", *(f"do_7 - {what}" for what in ("Attempts", "Points")), "x"]
    (tmp_path / "report.csv").write_text(csv_text([], [*header, HEADERS[-1]]))
    found = read(tmp_path / "report.csv", with_receipt=False)
    assert [(column.id, column.kind) for column in found.columns[2:]] == [
        ("user_id", "text"),
        ("status", "text"),
        ("do_7", "count"),
        ("do_7", "decimal"),
        ("x", ""),
        ("do_7", "score"),
    ]


@pytest.mark.parametrize(
    ("form", "day", "expected"),
    [
        ("{month}/{day}/{year}", 28, "the month first"),
        ("{day}-{month}-{year}", 28, ""),
        ("{month}/{day}/{year}", 5, "unclear"),
    ],
)
def test_dates_of_a_csv_are_read_in_the_order_that_they_show(
    tmp_path: Path, read: Read, form: str, day: int, expected: str
) -> None:
    """As programs of different countries save it, if the days of a column show the order."""
    rows = [[*row[:5], f"{day:02}/03/2026", "", *row[7:]] for row in ROWS]
    file = tmp_path / "report.csv"
    write_report_file(file, "csv-excel", rows)
    shown = form.format(day=day, month=3, year=2026)
    WRITERS["csv"](file, [[*row[:5], shown, *row[6:]] for row in rows])
    found = read(file)
    dates = {row[5] for row in values(found)}
    if expected == "unclear":
        assert dates == {shown}
        assert found.problems[0].what == "a date that is not written as dd/mm/yyyy"
    else:
        assert dates == {f"{day:02}/03/2026"}
        assert ("dates have the month first" in found.form) is bool(expected)


def test_sheets_are_one_report(tmp_path: Path, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exhaust.reports.formats.xlsx.MAX_ROWS", 4)
    write_report_file(tmp_path / "report.xlsx", "xlsx", ROWS)
    found = read(tmp_path / "report.xlsx")
    assert values(found) == ROWS
    assert row_numbers(found) == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("format", WRITERS)
def test_the_columns_of_another_report_are_found(tmp_path: Path, read: Read, format: str) -> None:
    """By what they are, not by the header; IDs without what a spreadsheet did to them."""
    file = tmp_path / f"report{ENDINGS[format]}"
    write_report_file(file, format, ROWS)
    WRITERS[format](file, [[row[0], row[1][1:], *row[2:]] for row in ROWS])
    found = read(file)
    other = [
        ReportColumn("x", *column, "another", "text") for column in zip(IDS, LABELS, strict=True)
    ]
    select = ", ".join(found.value(column) or "null" for column in other)
    assert found.duck.execute(f"select {select} from report").fetchall() == [
        tuple(value or None for value in row) for row in ROWS
    ]
    assert found.value(ReportColumn("x", "do_8", "do_8 - Score", "", "score", "do_8")) is None


@pytest.mark.parametrize("format", WRITERS)
def test_a_relation_can_be_read_again(tmp_path: Path, read: Read, format: str) -> None:
    file = tmp_path / f"report{ENDINGS[format]}"
    write_report_file(file, format, ROWS)
    for _ in range(2):
        found = read(file)
        assert found.problems == []
        found.drop()


def test_a_file_that_is_no_report_is_refused(tmp_path: Path, read: Read) -> None:
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.7")
    with pytest.raises(DataError, match="is a PDF file"):
        read(tmp_path / "report.pdf", with_receipt=False)
