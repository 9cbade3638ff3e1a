import csv
import json
from pathlib import Path

import pytest
from verify_support import BATCHES, HEADER, ROWS, Changes, receipt_of, report

from exhaust.reports.verify import verify

pytestmark = pytest.mark.not_on_spark


@pytest.mark.parametrize(
    ("replaced", "expected"),
    [
        ([(HEADER, "\ufeff" + HEADER)], ["a byte order mark was added at the start"]),
        ([("\n", "\r\n")], ["lines end in CR LF, not in LF"]),
        ([("\n", "\r")], ["lines end in CR, not in LF"]),
        ([("u1", '"u1"')], []),
    ],
)
def test_changes_of_only_the_form_are_reported(
    changes: Changes, replaced: list[tuple[str, str]], expected: list[str]
) -> None:
    only_form = "no value was changed, only the form of the file"
    assert changes(*replaced) == [*expected, only_form]


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_another_separator_is_reported(changes: Changes, separator: str, name: str) -> None:
    assert changes(('"u,3"', "u%3"), (",", separator), ("u%3", "u,3")) == [
        f"values are separated by {name}, not by commas",
        "no value was changed, only the form of the file",
    ]


def test_unnecessary_quotes_are_reported(file: Path) -> None:
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerows(csv.reader(report(ROWS).splitlines()))
    assert verify(file).changes == [
        "values are quoted that need no quotes",
        "no value was changed, only the form of the file",
    ]


def test_the_unicode_text_of_excel_is_recognised(changes: Changes) -> None:
    written = changes(
        ('"u,3"', "u%3"), (",", "\t"), ("u%3", "u,3"), ("\n", "\r\n"), encoding="utf-16"
    )
    assert written == [
        "the file is in UTF-16, not in UTF-8",
        "lines end in CR LF, not in LF",
        "values are separated by tabs, not by commas",
        "no value was changed, only the form of the file",
    ]


def test_line_ends_in_a_value_are_not_those_of_the_file(changes: Changes) -> None:
    (change,) = changes(("u2", '"u2\r\n"'))
    assert change.startswith("values were changed, but the file does not show which")


def test_another_encoding_is_reported(changes: Changes) -> None:
    first, *_ = changes(("u2", "ü2"), encoding="cp1252")
    assert first == "the file is not in UTF-8: names in Indic scripts are lost"
    assert changes(encoding="utf-16") == [
        "the file is in UTF-16, not in UTF-8",
        "no value was changed, only the form of the file",
    ]


@pytest.mark.parametrize(
    ("replaced", "expected"),
    [
        (
            ("0130300000000000101", "1.303E+17"),
            "an ID that became a number in scientific notation: 2 times, "
            "first in row 2, Batch ID: `1.303E+17`",
        ),
        (
            ("33240501201", '"3,32405E+10"'),
            "an ID that became a number in scientific notation: 1 time, "
            "first in row 4, School ID: `3,32405E+10`",
        ),
        (
            ("0130300000000000101,u1", "130300000000000101,u1"),
            "an ID that lost its leading zeros: 1 time, "
            "first in row 2, Batch ID: `130300000000000101`",
        ),
        (
            ("0130300000000000102", "130300000000000000"),
            "an ID that lost its last digits: 1 time, "
            "first in row 4, Batch ID: `130300000000000000`",
        ),
        (
            ("do_1,0130300000000000102", "do_2,0130300000000000102"),
            "an ID that is not in the receipt: 1 time, first in row 4, Collection ID: `do_2`",
        ),
        (
            ("03/02/2026", "2026-02-03"),
            "a date that is not written as dd/mm/yyyy: 1 time, "
            "first in row 3, Enrolment Date: `2026-02-03`",
        ),
        (
            ("03/02/2026", "2/3/26"),
            "a date that is not written as dd/mm/yyyy: 1 time, "
            "first in row 3, Enrolment Date: `2/3/26`",
        ),
        (
            ("03/02/2026", "03-02-2026"),
            "a date that is not written as dd/mm/yyyy: 1 time, "
            "first in row 3, Enrolment Date: `03-02-2026`",
        ),
        (
            ("03/02/2026", "46054"),
            "a date that is not written as dd/mm/yyyy: 1 time, "
            "first in row 3, Enrolment Date: `46054`",
        ),
        (
            ("03/02/2026", "00/02/2026"),
            "a date that is not written as dd/mm/yyyy: 1 time, "
            "first in row 3, Enrolment Date: `00/02/2026`",
        ),
        (
            ("31/12/2025", "12/31/2025"),
            "a date that is not written as dd/mm/yyyy: 1 time, "
            "first in row 4, Enrolment Date: `12/31/2025`",
        ),
        (
            ("47%", "0.47"),
            "a score that is not a whole percentage: 1 time, first in row 2, Total Score: `0.47`",
        ),
        (
            ("47%", "47"),
            "a score that is not a whole percentage: 1 time, first in row 2, Total Score: `47`",
        ),
        (
            (",10%\n", ",0.1\n"),
            "a score that is not a whole percentage: 1 time, first in row 4, do_7 - Score: `0.1`",
        ),
        (
            ("47%", "४७%"),
            "a score that is not a whole percentage: 1 time, first in row 2, Total Score: `४७%`",
        ),
        (
            ("0130300000000000102", "130300000000000999"),
            "an ID that is not in the receipt: 1 time, "
            "first in row 4, Batch ID: `130300000000000999`",
        ),
        (
            ("u2", "1E+20"),
            "an ID that became a number in scientific notation: 1 time, "
            "first in row 3, User UUID: `1E+20`",
        ),
        (
            (",100,", ",100.0,"),
            "a progress that is not a whole number: 1 time, first in row 2, Progress: `100.0`",
        ),
        (
            ("u2", "u1"),
            "a learner who is in a batch twice: 1 time, first in row 3, User UUID: `u1`",
        ),
        (
            ("u2", "u2\x1b[31m" + "2" * 80),
            "values were changed, but the file does not show which: compare it with a new export",
        ),
        (
            ("01/02/2026,100,47%,0%", "01/02/2026,100,47%"),
            "a row that does not have 8 values: 1 time, first in row 2, Collection ID: "
            "`do_1,0130300000000000101,u1,0912,01/02/2026,100,47%`",
        ),
        (
            ("33240501201", "3240501201"),
            "a school ID of ten digits, perhaps without its leading zero: 1 time, "
            "first in row 4, School ID: `3240501201`",
        ),
        (
            ("33240501201", "33240501201.0"),
            "an ID that became a number with decimals: 1 time, "
            "first in row 4, School ID: `33240501201.0`",
        ),
        (("u1,0912", "u1,912"), "values were changed, but the file does not show which"),
    ],
)
def test_changed_values_are_reported(
    changes: Changes, replaced: tuple[str, str], expected: str
) -> None:
    (change,) = changes(replaced)
    assert change.startswith(expected)


def test_missing_and_added_rows_are_counted(changes: Changes) -> None:
    assert changes((ROWS[1] + "\n", "")) == ["it has 2 rows; the receipt says 3"]
    assert changes((ROWS[1], f"{ROWS[1]}\n{ROWS[1].replace('u2', 'u9')}")) == [
        "it has 4 rows; the receipt says 3"
    ]
    assert changes((ROWS[2] + "\n", ROWS[2] + "\n,,,,,,,\n")) == [
        "no value was changed, only the form of the file"
    ]


def test_blank_lines_have_a_row_number(changes: Changes) -> None:
    (change,) = changes(("do_7 - Score\n", "do_7 - Score\n\n"), ("03/02/2026", "46054"))
    assert "1 time, first in row 4, Enrolment Date" in change


def test_batches_with_the_same_damaged_id_do_not_duplicate_learners(changes: Changes) -> None:
    (change,) = changes(*((batch, "1.303E+17") for batch in BATCHES), ("u2", "u1"))
    assert change.startswith("an ID that became a number in scientific notation: 3 times")


def test_users_with_the_same_damaged_id_are_not_duplicates(changes: Changes) -> None:
    (change,) = changes(("u1", "1.2E+19"), ("u2", "1.2E+19"))
    assert change.startswith("an ID that became a number in scientific notation: 2 times")


def test_an_original_id_that_looks_like_a_number_is_accepted(file: Path, changes: Changes) -> None:
    receipt = json.loads(receipt_of(file).read_text())
    receipt["batches"][0]["id"] = "00E4"
    receipt_of(file).write_text(json.dumps(receipt))
    (change,) = changes((BATCHES[0], "00E4"))
    assert change.startswith("values were changed, but the file does not show which")


def test_changed_columns_are_reported(changes: Changes) -> None:
    assert changes((",School ID", ""), (",0912", ""), (",u2,", ",u2"), (",33240501201", "")) == [
        "a column that is missing: 1 time, first in row 1, School ID: ``"
    ]
    assert changes((ROWS[1], ROWS[1] + ",x"), ("Score\n", "Score,Remark\n"))[0] == (
        "a column that was added: 1 time, first in row 1, Remark: `Remark`"
    )
    assert changes(("Score\n", "Score,Progress\n"))[0] == (
        "a column that was added: 1 time, first in row 1, Progress: `Progress`"
    )
    assert changes(("Collection ID,Batch ID", "Batch ID,Collection ID"))[0] == (
        "a column that was moved: 2 times, first in row 1, Collection ID: `Batch ID`"
    )


def test_values_of_a_renamed_column_are_checked(changes: Changes) -> None:
    assert changes(("Enrolment Date", "Joined"), ("03/02/2026", "46054")) == [
        "a column that was renamed: 1 time, first in row 1, Enrolment Date: `Joined`",
        "a date that is not written as dd/mm/yyyy: 1 time, first in row 3, Enrolment Date: `46054`",
    ]


def test_an_empty_file_is_reported(file: Path) -> None:
    file.write_bytes(b"")
    assert verify(file).changes == ["the file is empty"]
    file.write_bytes(b"\n\n")
    assert verify(file).changes == [
        "it has 0 rows; the receipt says 3",
        "the file has no header and no rows",
    ]


def test_an_unclosed_quote_is_reported(changes: Changes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exhaust.reports.reading.csv_form.MAX_VALUE", 100)
    rows, rest = changes(("u2", '"u2' + "9" * 100))
    assert (rows, rest) == (
        "it has 1 row; the receipt says 3",
        "the file cannot be read after row 2: a quote may not be closed",
    )


def test_changes_contain_no_control_characters(changes: Changes) -> None:
    (change,) = changes(("03/02/2026", "\x1b[31m" * 40))
    assert "\x1b" not in change
    assert len(change) < 150
    (change,) = changes(("Enrolment Date", "\x1b[31m" * 40))
    assert "\x1b" not in change
    assert len(change) < 150


def test_a_missing_prefix_of_sunbirds_layout_is_reported(file: Path) -> None:
    receipt = json.loads(receipt_of(file).read_text())
    receipt["layout"] = "sunbird"
    receipt_of(file).write_text(json.dumps(receipt))
    prefixed = [row.replace(",01303", ",BatchId_01303") for row in ROWS]
    file.write_text(report([prefixed[0], prefixed[1], ROWS[2]]))
    assert verify(file).changes == [
        "an ID that is not in the receipt: 1 time, first in row 4, Batch ID: `0130300000000000102`"
    ]
