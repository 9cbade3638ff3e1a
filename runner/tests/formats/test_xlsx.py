"""Workbooks, read back by openpyxl and by calamine."""

import re
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest
from formats_support import ABOUT, fixed, report_rows, score, workbook
from python_calamine import CalamineWorkbook

from exhaust.reports.formats import xlsx
from exhaust.reports.table import ReportColumn

LEARNERS = [
    {
        "batch_id": "0130300000000000101",
        "user_id": "01cb756e-7c22-5d92-8f3c-aaaaaaaaaaaa",
        "district": "மதுரை",
        "school_id": "09270101001",
        "school_name": "=1+1",
        "enrolled_on": "03/06/2024",
        "completed_on": "28/06/2024",
        "progress": "88",
        "total_score": "0%",
        "do_1": "47%",
        "do_2": "147%",
    },
    {"user_id": "u2", "district": "लखनऊ", "progress": "0", "do_1": "0%", "school_name": ""},
]
COLUMNS = [
    *fixed("batch_id", "user_id", "district", "school_id", "school_name"),
    *fixed("enrolled_on", "completed_on", "progress", "total_score"),
    score(1, "do_1", "Fractions"),
    score(2, "do_2"),
]


def by_openpyxl(file: Path, sheet: str = "Report") -> list[list[Any]]:
    rows = openpyxl.load_workbook(file)[sheet].iter_rows(values_only=True)
    return [
        [value.date() if isinstance(value, datetime) else value for value in row] for row in rows
    ]


def by_calamine(file: Path, sheet: str = "Report") -> list[list[Any]]:
    rows = CalamineWorkbook.from_path(file).get_sheet_by_name(sheet).to_python()
    return [[None if value == "" else value for value in row] for row in rows]


def texts(file: Path, sheet: str) -> list[list[Any]]:
    """The rows of a sheet without its empty cells and rows."""
    rows = [[value for value in row if value is not None] for row in by_calamine(file, sheet)]
    return [row for row in rows if row]


@pytest.mark.parametrize("read", [by_openpyxl, by_calamine])
def test_cells_have_the_values_of_the_report(tmp_path: Path, read: Any) -> None:
    with report_rows(COLUMNS, LEARNERS) as rows:
        header, *found = read(workbook(rows, tmp_path / "report.xlsx"))
    assert header == [column.header for column in COLUMNS]
    assert found == [
        [
            *("0130300000000000101", "01cb756e-7c22-5d92-8f3c-aaaaaaaaaaaa", "மதுரை"),
            *("09270101001", "=1+1", date(2024, 6, 3), date(2024, 6, 28)),
            *(0.88, 0, 0.47, 1.47),
        ],
        [None, "u2", "लखनऊ", None, None, None, None, 0, None, 0, None],
    ]


def test_cells_are_shown_in_the_form_of_their_kind(tmp_path: Path) -> None:
    count = ReportColumn("", "attempts", "do_1 - Attempts", "Attempts", "count")
    points = ReportColumn("", "points", "do_1 - Points", "Points", "decimal")
    values = [{**LEARNERS[0], "attempts": "12", "points": "2.5"}]
    with report_rows([*COLUMNS, count, points], values) as rows:
        file = workbook(rows, tmp_path / "report.xlsx")
    sheet = openpyxl.load_workbook(file)["Report"]
    formats = [cell.number_format for cell in sheet[2]]
    assert formats == ["@"] * 5 + ["dd/mm/yyyy"] * 2 + ["0%"] * 4 + ["0", "General"]
    assert [cell.value for cell in sheet[2]][-2:] == [12, 2.5]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == sheet.dimensions == "A1:M2"
    assert all(cell.font.b and cell.alignment.wrap_text for cell in sheet[1])
    assert sheet.column_dimensions["B"].width > sheet.column_dimensions["H"].width


def test_days_that_programs_disagree_about_are_text(tmp_path: Path) -> None:
    days = ["28/02/1900", "01/03/1900", "31/12/9999", "01/01/12000", "01/01/0023"]
    values = [{"enrolled_on": day} for day in days]
    with report_rows(fixed("enrolled_on"), values) as rows:
        file = workbook(rows, tmp_path / "report.xlsx")
    expected = ["28/02/1900", date(1900, 3, 1), date(9999, 12, 31), "01/01/12000", "01/01/0023"]
    assert [row[0] for row in by_openpyxl(file)][1:] == expected
    assert [row[0] for row in by_calamine(file)][1:] == expected
    note = "3 dates before 1 March 1900 or after 31 December 9999 are text."
    assert [note] in texts(file, "About")


HOSTILE = [
    "<script>&amp;'\"",
    "]]>",
    " space around ",
    "line\nbreak",
    "tab\tinside",
    "\x00\x01\x0b\x1f\x7f",
    "_x0041_ and _x0041_x0042_",
    "<r>markup</r>",
    "{=1+1}",
    "https://example.org/",
    "🤦\U0010ffff",
]


def test_hostile_texts_are_cells_and_nothing_else(tmp_path: Path) -> None:
    columns = [*fixed("school_name"), score(1, "do_1", "<r>=1&1\n")]
    about = replace(ABOUT, course_name="<r>markup</r>", filters=HOSTILE)
    with report_rows(columns, [{"school_name": text} for text in HOSTILE]) as rows:
        file = workbook(rows, tmp_path / "report.xlsx", about)
    assert [row[0] for row in by_calamine(file)][1:] == HOSTILE
    assert by_calamine(file)[0][1] == "<r>=1&1\n [do_1] - Score"
    assert CalamineWorkbook.from_path(file).sheet_names == ["Report", "Summary", "About"]
    assert ["Course", "<r>markup</r>"] in texts(file, "About")
    with ZipFile(file) as parts:
        assert not [name for name in parts.namelist() if "sheet1.xml.rels" in name]


def test_line_breaks_become_lf(tmp_path: Path) -> None:
    with report_rows(fixed("school_name"), [{"school_name": "a\r\nb\rc\nd"}]) as rows:
        file = workbook(rows, tmp_path / "report.xlsx")
    assert by_calamine(file)[1:] == by_openpyxl(file)[1:] == [["a\nb\nc\nd"]]


def test_the_same_rows_become_the_same_bytes(tmp_path: Path) -> None:
    with report_rows(COLUMNS, LEARNERS * 50) as rows:
        first = workbook(rows, tmp_path / "first.xlsx").read_bytes()
        rows.duck.execute("set threads = 3")
        second = workbook(rows, tmp_path / "second.xlsx").read_bytes()
    assert first == second
    with ZipFile(tmp_path / "first.xlsx") as parts:
        assert {part.date_time for part in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b">2026-11-26T03:10:00Z</dcterms:created>" in parts.read("docProps/core.xml")


def test_rows_go_on_in_another_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MAX_ROWS", 2)
    with report_rows(fixed("user_id"), [{"user_id": str(n)} for n in range(5)]) as rows:
        file = workbook(rows, tmp_path / "report.xlsx")
    names = CalamineWorkbook.from_path(file).sheet_names
    assert names == ["Report", "Report 2", "Report 3", "Summary", "About"]
    sheets = [by_calamine(file, name) for name in names[:3]]
    assert [sheet[0] for sheet in sheets] == [["User UUID"]] * 3
    assert [row[0] for sheet in sheets for row in sheet[1:]] == ["0", "1", "2", "3", "4"]
    book = openpyxl.load_workbook(file)
    assert [book[name].auto_filter.ref for name in names[:3]] == ["A1:A3", "A1:A3", "A1:A2"]


def test_a_report_without_rows_has_its_header(tmp_path: Path) -> None:
    with report_rows(COLUMNS, []) as rows:
        file = workbook(rows, tmp_path / "report.xlsx")
    assert by_calamine(file) == [[column.header for column in COLUMNS]]


def test_progress_counts_rows_not_lines(tmp_path: Path) -> None:
    counts: list[int] = []
    with (
        report_rows(fixed("school_name"), [{"school_name": "a\nb"}] * 3) as rows,
        (tmp_path / "report.xlsx").open("wb") as file,
    ):
        xlsx.write_xlsx(rows, ABOUT, file, tmp_path, counts.append)
    assert sum(counts) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["report.xlsx"]


def test_zip64_only_for_large_sheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = re.compile(rb"sheet1\.xml\x01\x00\x10\x00")
    with report_rows(COLUMNS, LEARNERS) as rows:
        assert not extra.search(workbook(rows, tmp_path / "small.xlsx").read_bytes())
        monkeypatch.setattr(xlsx, "ZIP64_LIMIT", 1000)
        large = workbook(rows, tmp_path / "large.xlsx")
    assert extra.search(large.read_bytes())
    assert by_calamine(large) == by_calamine(tmp_path / "small.xlsx")
