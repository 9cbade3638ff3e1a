"""What a person sees who opens a report with LibreOffice, and what it keeps when it saves one."""

import csv
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from formats_support import csv_excel, fixed, report_rows, score, workbook
from office import CannotOpen, convert

pytestmark = pytest.mark.office

COLUMNS = [
    *fixed("course_id", "batch_id", "user_id", "state", "school_id", "school_name"),
    *fixed("enrolled_on", "completed_on", "progress", "total_score"),
    score(1, "do_1", "Fractions"),
]
LEARNERS = [
    {
        "course_id": "do_31300000000000000001",
        "batch_id": "0130300000000000101",
        "user_id": "00012345",
        "state": "தமிழ்நாடு",
        "school_id": "09270101001",
        "school_name": "=1+1",
        "enrolled_on": "03/06/2024",
        "completed_on": "28/02/1900",
        "progress": "88",
        "total_score": "0%",
        "do_1": "147%",
    },
    {
        "user_id": "1E5",
        "state": "उत्तर प्रदेश",
        "school_name": '=HYPERLINK("https://example.org")',
        "enrolled_on": "31/12/9999",
        "progress": "0",
    },
]


def read_csv(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.reader(lines))


def test_a_workbook_shows_every_value(tmp_path: Path) -> None:
    with report_rows(COLUMNS, LEARNERS) as rows:
        file = workbook(rows, tmp_path / "report.xlsx")
    header, *found = read_csv(convert(file, "csv", tmp_path / "shown"))
    assert header == [column.header for column in COLUMNS]
    for row, learner in zip(found, LEARNERS, strict=True):
        shown = learner | {"progress": f"{learner['progress']}%"}
        assert row == [shown.get(column.id, "") for column in COLUMNS]
    sheets = sorted(path.name for path in (tmp_path / "shown").iterdir())
    assert sheets == ["report-About.csv", "report-Report.csv", "report-Summary.csv"]


def test_a_workbook_keeps_every_value_when_it_is_saved(tmp_path: Path) -> None:
    with report_rows(COLUMNS, LEARNERS) as rows:
        file = workbook(rows, tmp_path / "report.xlsx")
    saved = openpyxl.load_workbook(convert(file, "xlsx", tmp_path / "saved"))
    assert saved.sheetnames == ["Report", "Summary", "About"]
    _, first, second = saved["Report"].iter_rows(values_only=True)
    assert first == (
        *("do_31300000000000000001", "0130300000000000101", "00012345", "தமிழ்நாடு"),
        *("09270101001", "=1+1", datetime(2024, 6, 3), "28/02/1900", 0.88, 0, 1.47),
    )
    assert second == (
        *(None, None, "1E5", "उत्तर प्रदेश", None, '=HYPERLINK("https://example.org")'),
        *(datetime(9999, 12, 31), None, 0, None, None),
    )
    formulas = [cell for row in saved["Report"] for cell in row if cell.data_type == "f"]
    assert formulas == []


def test_csv_excel_keeps_ids_days_and_scripts(tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    with report_rows(COLUMNS, LEARNERS) as rows:
        file.write_bytes(csv_excel(rows))
    _, first, second = read_csv(convert(file, "csv", tmp_path / "shown"))
    assert first[:6] == [LEARNERS[0][column.id] for column in COLUMNS[:5]] + ["'=1+1"]
    assert first[6] == "2024-06-03"
    assert second[2:6] == ["1E5", "उत्तर प्रदेश", "", '\'=HYPERLINK("https://example.org")']
    saved = openpyxl.load_workbook(convert(file, "xlsx", tmp_path / "saved"))
    (sheet,) = saved.worksheets
    assert sheet["G2"].value.date() == date(2024, 6, 3)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "report.xlsx"
    file.write_bytes(b"PK\x03\x04 no workbook")
    with pytest.raises(CannotOpen):
        convert(file, "csv", tmp_path / "shown")
