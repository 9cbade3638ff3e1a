"""The columns of a file: which were chosen, and their headers."""

from collections.abc import Sequence
from typing import Any

import pytest

from exhaust.errors import UsageError
from exhaust.marts.header_plan import Column
from exhaust.reports.columns import Columns, find_columns
from exhaust.reports.form import Headers, ReportForm
from exhaust.reports.formats import Format

pytestmark = pytest.mark.not_on_spark


def fixed(column_name: str, label: str) -> Column:
    return {
        "column_name": column_name,
        "label": label,
        "kind": "text",
        "assessment_ordinal": None,
        "assessment_name": None,
    }


def assessment(ordinal: int, own_id: str, name: str | None) -> Column:
    return {
        "column_name": own_id,
        "label": f"{own_id} - Score",
        "kind": "score",
        "assessment_ordinal": ordinal,
        "assessment_name": name,
    }


PLAN = [
    fixed("user_id", "User UUID"),
    fixed("state", "State"),
    assessment(1, "do_1", "Fractions"),
    assessment(2, "do_2", "Decimals\n and more"),
    assessment(3, "do_3", None),
]


def columns_of(plan: Sequence[Column] = PLAN, **form: Any) -> Columns:
    return find_columns(plan, ReportForm(**form))


def headers(plan: Sequence[Column] = PLAN, **form: Any) -> list[str]:
    return [column.header for column in columns_of(plan, **form).shown]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (Headers.ID, ["do_1 - Score", "do_2 - Score", "do_3 - Score"]),
        (
            Headers.NAME,
            ["Assessment 1: Fractions", "Assessment 2: Decimals and more", "Assessment 3: do_3"],
        ),
        (
            Headers.BOTH,
            ["Fractions [do_1] - Score", "Decimals and more [do_2] - Score", "do_3 - Score"],
        ),
    ],
)
def test_headers_of_assessments(shown: Headers, expected: list[str]) -> None:
    assert headers(headers=shown) == ["User UUID", "State", *expected]


def test_ids_are_headers_as_the_header_plan_has_them() -> None:
    plan = [assessment(1, "do_é", "x"), assessment(2, "do_e\u0301", "x")]
    assert headers(plan) == ["do_é - Score", "do_e\u0301 - Score"]


def test_headers_are_ids_in_csv_and_both_in_files_for_spreadsheets() -> None:
    assert headers()[2] == "do_1 - Score"
    for format in (Format.XLSX, Format.CSV_EXCEL):
        assert headers(format=format)[2] == "Fractions [do_1] - Score"


def test_no_two_headers_are_alike_in_any_case() -> None:
    plan = [
        fixed("a", "Assessment 1: Fractions"),
        assessment(1, "do_1", "fractions"),
        assessment(2, "do_x", "x"),
        assessment(3, "DO_X", "X [do_x] - Score"),
        fixed("b", "x [DO_X] - Score"),
    ]
    for shown in (Headers.NAME, Headers.BOTH):
        folded = [header.casefold() for header in headers(plan, headers=shown)]
        assert len({*folded}) == len(folded)
    assert headers(plan, headers=Headers.NAME)[:2] == [
        "Assessment 1: Fractions",
        "Assessment 1: fractions [do_1]",
    ]


@pytest.mark.parametrize(
    "name", ["do_2 - Score", "DO_2", " do_2 ", "decimals and more", "DO_2 - score"]
)
def test_a_column_is_named_by_its_label_its_id_or_its_name(name: str) -> None:
    plan = [*PLAN[:3], assessment(2, "do_2", "Decimals and more")]
    assert [column.label for column in columns_of(plan, columns=(name,)).shown] == ["do_2 - Score"]


def test_of_ids_that_differ_in_case_the_exact_one_is_meant() -> None:
    plan = [assessment(1, "do_x", None), assessment(2, "DO_X", None)]
    for own_id in ("do_x", "DO_X"):
        (column,) = columns_of(plan, columns=(own_id,)).shown
        assert column.id == own_id
    with pytest.raises(UsageError, match="Several columns are called `Do_x`"):
        columns_of(plan, columns=("Do_x",))


def test_an_unknown_column_gets_the_nearest_named() -> None:
    with pytest.raises(UsageError, match="There is no column `Stat`") as caught:
        columns_of(columns=("Stat",))
    assert (caught.value.hint or "").startswith("The nearest are State, ")


def test_columns_have_the_order_in_which_they_were_given() -> None:
    columns = ("state", "do_1 - Points", "Status", "do_3")
    assert headers(columns=columns, additions=("status",)) == [
        "State",
        "do_1 - Points",
        "Status",
        "do_3 - Score",
    ]


def test_additions_follow_the_columns_that_were_chosen() -> None:
    assert headers(columns=("do_1",), additions=("Status",)) == ["do_1 - Score", "Status"]


def test_additions_of_an_assessment_follow_its_score() -> None:
    assert headers(additions=("attempts",))[:4] == [
        *("User UUID", "State", "do_1 - Score"),
        "do_1 - Attempts",
    ]
    assert headers(additions=("attempts",), headers=Headers.NAME)[2:4] == [
        "Assessment 1: Fractions",
        "Assessment 1: Fractions - Attempts",
    ]


def test_a_name_of_several_columns_is_refused_with_their_labels() -> None:
    plan = [*PLAN, assessment(4, "do_4", "fractions")]
    with pytest.raises(UsageError, match="Several columns are called `Fractions`") as caught:
        columns_of(plan, columns=("Fractions",))
    assert caught.value.hint == "Give one of do_1 - Score, do_4 - Score."


def test_a_column_that_was_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="The column State was given twice"):
        columns_of(columns=("state", "STATE"))


def test_nothing_is_read_that_a_plain_csv_does_not_need() -> None:
    assert columns_of(columns=("state",)).hidden == []
    hidden = columns_of(columns=("state",), format=Format.XLSX).hidden
    assert [column.label for column in hidden] == [
        *("User UUID", "Status", "do_1 - Score", "do_2 - Score", "do_3 - Score")
    ]
