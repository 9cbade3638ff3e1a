"""CSV for spreadsheet programs: every byte, and the formula guard."""

import csv
from io import BytesIO, StringIO

import duckdb
import pytest
from formats_support import csv_excel, fixed, report_rows, score

from exhaust.reports.formats.csv_excel import write_csv_excel
from exhaust.reports.formats.guard import guarded, unguarded


def test_every_byte_of_a_file() -> None:
    columns = [
        *fixed("batch_id", "user_id", "school_name", "school_id"),
        *fixed("enrolled_on", "progress"),
        score(1, "do_1", "Fractions, or =1+1"),
    ]
    values = [
        {
            "batch_id": "0130300000000000101",
            "user_id": 'u"1',
            "school_name": "=HYPERLINK(1)",
            "school_id": "09270101001",
            "enrolled_on": "03/06/2024",
            "progress": "88",
            "do_1": "0%",
        },
        {"user_id": "u2", "school_name": "தமிழ்\r\nहिन्दी\rend\n", "batch_id": ""},
    ]
    with report_rows(columns, values) as rows:
        found = csv_excel(rows)
    assert found.decode("utf-8-sig").encode() == found[3:]
    assert found[3:].decode() == (
        "Batch ID,User UUID,School Name,School ID,Enrolment Date,Progress,"
        '"Fractions, or =1+1 [do_1] - Score"\r\n'
        '"=""0130300000000000101""","=""u""""1""",\'=HYPERLINK(1),"=""09270101001""",'
        "2024-06-03,88,0%\r\n"
        ',"=""u2""","தமிழ்\nहिन्दी\nend\n",,,,\r\n'
    )


def test_a_long_id_is_text_because_excel_cannot_evaluate_it() -> None:
    values = [{"user_id": "1" * 255}, {"user_id": "1" * 256}, {"user_id": "=" + "1" * 255}]
    with report_rows(fixed("user_id"), values) as rows:
        lines = list(csv.reader(StringIO(csv_excel(rows).decode("utf-8-sig"))))
    assert lines[1:] == [[f'="{"1" * 255}"'], ["1" * 256], ["'=" + "1" * 255]]


def test_headers_are_guarded_too() -> None:
    with report_rows([score(1, "do_1", "=1+1")], []) as rows:
        assert csv_excel(rows).decode("utf-8-sig") == "'=1+1 [do_1] - Score\r\n"


def test_progress_counts_rows_not_lines() -> None:
    counts: list[int] = []
    values = [{"school_name": "a\nb\nc"}] * 3
    with report_rows(fixed("school_name"), values) as rows:
        write_csv_excel(rows, BytesIO(), counts.append)
    assert sum(counts) == 3


RISKY = [
    *("=1", "+1", "-1", "@A", "\tx", "\nx"),
    *("\uff1d1", "\uff0b1", "\uff0d1", "\uff20A"),
    *(" =1", "\u00a0=1", "\u200b\ufeff =1", "\u3164\u2800=1", "\u202e@A", "'=1", "''  =1"),
]
HARMLESS = ["a=1", "1-1", "'a", " a", "", "தமிழ்", "2=2"]


@pytest.mark.parametrize("text", RISKY)
def test_the_guard_comes_before_what_could_run(text: str) -> None:
    assert _selected(guarded("value"), text) == "'" + text
    assert _selected(unguarded("value"), "'" + text) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_are_not_changed(text: str) -> None:
    assert _selected(guarded("value"), text) == text
    assert _selected(unguarded("value"), text) == text


def _selected(expression: str, value: str) -> str:
    with duckdb.connect() as duck:
        (found,) = duck.execute(f"select {expression} from (select ? as value)", [value]).fetchall()
    return str(found[0])
