"""The sheets Summary and About: their numbers add up, and say what is missing."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from formats_support import ABOUT, FIXED, STATUS, fixed, report_rows, score, workbook
from python_calamine import CalamineWorkbook

from exhaust.reports.formats.xlsx import summary
from exhaust.reports.formats.xlsx.descriptions import description
from exhaust.reports.table import ReportColumn

COLUMNS = [
    *fixed("user_id", "state", "district", "completed_on", "certificate_status"),
    score(1, "do_1", "Fractions"),
    score(2, "do_2", "Decimals"),
]


def learner(
    district: str | None, status: str, certificate: str | None = None, **scores: str
) -> dict[str, str | None]:
    completed = "28/06/2024" if status == "Completed" else None
    state = "Tamil Nadu" if district else None
    return {"state": state, "district": district, "status": status, "completed_on": completed} | {
        "certificate_status": certificate,
        **scores,
    }


LEARNERS = [
    learner("Madurai", "Completed", "Issued", do_1="100%"),
    learner("Madurai", "Completed", do_1="0%"),
    learner("Madurai", "In progress", do_1="50%"),
    learner("Salem", "Not started"),
    learner(None, "In progress", do_1="110%"),
]


def tables(file: Path, sheet: str) -> dict[str, list[list[Any]]]:
    """The tables of a sheet, by the first cell of their header."""
    found: dict[str, list[list[Any]]] = {}
    block: list[list[Any]] = []
    rows: list[list[Any]] = CalamineWorkbook.from_path(file).get_sheet_by_name(sheet).to_python()
    for row in [*rows, [""]]:
        if any(value != "" for value in row):
            block.append(row)
        elif block:
            found[block[0][0]] = block[1:]
            block = []
    return found


def test_the_summary_counts_as_one_does_by_hand(tmp_path: Path) -> None:
    with report_rows(COLUMNS, LEARNERS, [STATUS]) as rows:
        found = tables(workbook(rows, tmp_path / "report.xlsx"), "Summary")
    assert [[row[0], *row[2:4]] for row in found["Learners"]] == [
        ["Enrolled", 5, 1],
        ["Started", 4, 0.8],
        ["Completed", 2, 0.4],
        ["Certified", 1, 0.2],
    ]
    assert found["Assessment"] == [
        ["Fractions", "do_1", 4, 0.65, 1, 2],
        ["Decimals", "do_2", 0, "", 0, 0],
    ]
    assert found["State"] == [
        ["Tamil Nadu", "Madurai", 3, 3, 2, 1],
        ["(blank)", "(blank)", 1, 1, 0, 0],
        ["Tamil Nadu", "Salem", 1, 0, 0, 0],
    ]


def test_districts_beyond_the_limit_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary, "MAX_DISTRICTS", 1)
    with report_rows(COLUMNS, LEARNERS, [STATUS]) as rows:
        found = tables(workbook(rows, tmp_path / "report.xlsx"), "Summary")
    assert found["State"] == [
        ["Tamil Nadu", "Madurai", 3, 3, 2, 1],
        ["2 other districts", "", 2, 1, 0, 0],
    ]


def test_what_the_columns_do_not_tell_is_left_out_and_named(tmp_path: Path) -> None:
    with report_rows(fixed("user_id", "completed_on"), LEARNERS) as rows:
        file = workbook(rows, tmp_path / "report.xlsx")
    sheet = CalamineWorkbook.from_path(file).get_sheet_by_name("Summary")
    found = [row[0] for row in sheet.to_python() if row[0] != ""]
    assert found == [
        "Summary",
        "Started is not shown: the report was made without Status.",
        "Certified is not shown: the report was made without Certificate Status.",
        "Learners",
        "Enrolled",
        "Completed",
        "Districts are not shown: the report was made without State or District.",
    ]


def test_charts_show_the_first_rows_of_the_tables(tmp_path: Path) -> None:
    with report_rows(COLUMNS, LEARNERS, [STATUS]) as rows:
        file = workbook(rows, tmp_path / "report.xlsx")
    with ZipFile(file) as parts:
        charts = [parts.read(f"xl/charts/chart{number}.xml").decode() for number in (1, 2, 3)]
    values = [re.findall(r"<c:val><c:numRef><c:f>(.*?)</c:f>", chart) for chart in charts]
    assert values == [
        ["Summary!$C$4:$C$7"],
        ["Summary!$D$10:$D$11"],
        ["Summary!$C$14:$C$16", "Summary!$E$14:$E$16"],
    ]


def test_about_says_where_the_rows_come_from_and_they_add_up(tmp_path: Path) -> None:
    about = replace(ABOUT, request_id="abc123", notes=["A note."])
    with report_rows(COLUMNS, LEARNERS[:2]) as rows:
        found = tables(workbook(rows, tmp_path / "report.xlsx", about), "About")
    facts = {row[0]: row[1] for row in found["Course"]}
    assert facts == {
        "Course ID": "do_31300000000000000001",
        "Newest activity in the data": "2024-07-01 00:00 (Asia/Kolkata)",
        "Data loaded": "2026-11-26 08:30 (Asia/Kolkata)",
        "Report built": "2026-11-26 08:40 (Asia/Kolkata)",
        "Request": "abc123",
        "SHA-256 of the same report as CSV": "0f" * 32,
        "Made by": "exhaust 0.1.0",
    }
    assert found["Batch ID"] == [["0130300000000000101", "Term 1, June 2024", 2]]
    counts = [row[2] for row in found["Rows of this file"]]
    assert counts == [5, -2, -1, 2]
    assert sum(counts[:-1]) == counts[-1]
    assert found["Notes"] == [["A note.", "", ""]]
    assert [row[0] for row in found["Column"]] == [column.header for column in COLUMNS]


def test_every_column_has_a_description() -> None:
    additions = ("status", "contents_completed", "assessments_attempted", "total_score_all")
    for name in (*FIXED, *additions, "last_activity", "certificate_date"):
        assert description(ReportColumn("c1", name, name, name, "text"))
    for label in ("Score", "Attempts", "Points", "Maximum"):
        column = ReportColumn("c1", "x", f"do_1 - {label}", "", "count", "do_1", "Fractions", 1)
        assert re.fullmatch(r"Assessment 1, Fractions \[do_1\]: .+\.", description(column))
