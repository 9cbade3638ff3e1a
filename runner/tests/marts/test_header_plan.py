from types import SimpleNamespace
from typing import Any, cast

import pytest

from exhaust.errors import DataError, UsageError
from exhaust.marts.header_plan import additions, assessments, check_width, with_additions
from exhaust.project.sql import COLUMN
from exhaust.warehouse import Warehouse


def column(name: str, kind: str, ordinal: int | None = None) -> dict[str, Any]:
    label = name if ordinal is None else f"{name} - Score"
    return dict(
        zip(COLUMN, (name, label, kind, ordinal, ordinal and f"Quiz {ordinal}"), strict=True)
    )


PLAN: list[dict[str, Any]] = [
    column("course_id", "text"),
    column("total_score", "percent"),
    *(column(name, "score", n) for n, name in enumerate(["do_9", "do_10", "do_é", "do_Z"], 1)),
]
SHORT = PLAN[:4]


def test_assessments_are_the_columns_of_scores() -> None:
    assert [column["assessment_ordinal"] for column in assessments(PLAN)] == [1, 2, 3, 4]


def test_additions_have_a_name_and_labels() -> None:
    assert additions() == {
        "status": ["Status"],
        "contents_completed": ["Contents Completed"],
        "assessments_attempted": ["Assessments Attempted"],
        "total_score_all": ["Total Score (all)"],
        "last_activity": ["Last Activity"],
        "certificate_date": ["Certificate Date"],
        "attempts": ["Attempts"],
        "points": ["Points", "Maximum"],
    }


def test_additions_of_a_learner_come_after_the_fixed_columns() -> None:
    plan = with_additions(SHORT, ["certificate_date", "status"])
    assert [column["label"] for column in plan] == [
        "course_id",
        "total_score",
        "Status",
        "Certificate Date",
        "do_9 - Score",
        "do_10 - Score",
    ]
    assert [column.get("addition") for column in plan] == [
        *(None, None, "status", "certificate_date", None, None)
    ]


def test_additions_of_an_assessment_come_after_its_score() -> None:
    plan = with_additions(SHORT, ["points", "attempts"])
    assert [column["label"] for column in plan][2:] == [
        *("do_9 - Score", "do_9 - Attempts", "do_9 - Points", "do_9 - Maximum"),
        *("do_10 - Score", "do_10 - Attempts", "do_10 - Points", "do_10 - Maximum"),
    ]
    assert {tuple(column[name] for name in COLUMN if name != "label") for column in plan[7:]} == {
        ("do_10", "count", 2, "Quiz 2"),
        ("do_10", "decimal", 2, "Quiz 2"),
    }


def test_a_plan_without_additions_stays_as_it_is() -> None:
    assert with_additions(PLAN, []) == PLAN


def test_unknown_additions_are_refused() -> None:
    with pytest.raises(UsageError, match="`grade` is not a column that can be added") as error:
        with_additions(PLAN, ["status", "grade"])
    assert "status, contents_completed" in str(error.value.hint)


def test_added_columns_count_towards_the_most_that_an_engine_can_select() -> None:
    engine = cast(Warehouse, SimpleNamespace(engine="postgres", max_columns=len(SHORT) + 1))
    check_width(engine, "do_1", with_additions(SHORT, ["status"]))
    with pytest.raises(DataError, match="6 columns, and postgres can write at most 5"):
        check_width(engine, "do_1", with_additions(SHORT, ["attempts"]))
