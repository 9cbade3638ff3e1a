"""What a sheet cannot hold is an error that names it."""

from dataclasses import replace
from pathlib import Path

import pytest
from formats_support import ABOUT, fixed, report_rows, score, workbook
from python_calamine import CalamineWorkbook

from exhaust.errors import DataError
from exhaust.reports.formats.xlsx.limits import MAX_CELL, MAX_COLUMNS

FULL = ["a" * MAX_CELL, "மு" * (MAX_CELL // 2), "🤦" * (MAX_CELL // 2), "a\r\n" * (MAX_CELL // 2)]


@pytest.mark.parametrize("text", FULL)
def test_a_full_cell_is_written_whole(tmp_path: Path, text: str) -> None:
    with report_rows(fixed("school_name"), [{"school_name": text}]) as rows:
        file = workbook(rows, tmp_path / "report.xlsx")
    (_, [found]) = CalamineWorkbook.from_path(file).get_sheet_by_name("Report").to_python()
    assert found == text.replace("\r\n", "\n")


@pytest.mark.parametrize("text", [f"{text}ab" for text in FULL])
def test_a_cell_that_is_too_long_is_named(tmp_path: Path, text: str) -> None:
    values = [{"user_id": "u1"}, {"user_id": "u2", "school_name": text}]
    with (
        report_rows(fixed("user_id", "school_name"), values) as rows,
        pytest.raises(DataError) as raised,
    ):
        workbook(rows, tmp_path / "report.xlsx")
    units = len(text.replace("\r\n", "\n").encode("utf-16-le")) // 2
    assert raised.value.message == (
        f"School Name of the learner u2 has {units:,} characters, but a cell has at most 32,767."
    )
    assert not (tmp_path / "report.xlsx").stat().st_size


def test_a_header_that_is_too_long_is_named(tmp_path: Path) -> None:
    with report_rows([score(1, "do_1", "a" * MAX_CELL)], []) as rows, pytest.raises(DataError):
        workbook(rows, tmp_path / "report.xlsx")


def test_a_name_that_is_too_long_for_about_is_no_cut(tmp_path: Path) -> None:
    about = replace(ABOUT, course_name="a" * (MAX_CELL + 1))
    with report_rows(fixed("user_id"), []) as rows, pytest.raises(DataError):
        workbook(rows, tmp_path / "report.xlsx", about)


def test_the_most_columns_and_one_more(tmp_path: Path) -> None:
    columns = [*fixed("user_id"), *(score(n, f"do_{n}") for n in range(1, MAX_COLUMNS))]
    with report_rows(columns, [{"user_id": "u1", columns[-1].id: "7%"}]) as rows:
        file = workbook(rows, tmp_path / "report.xlsx")
    (_, found) = CalamineWorkbook.from_path(file).get_sheet_by_name("Report").to_python()
    assert (len(found), found[0], found[-1]) == (MAX_COLUMNS, "u1", 0.07)
    with (
        report_rows([*columns, *fixed("school_id")], []) as rows,
        pytest.raises(DataError, match=r"16,385 columns.*16,384.*School ID"),
    ):
        workbook(rows, tmp_path / "more.xlsx")
