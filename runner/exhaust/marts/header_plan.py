"""The header plan: the columns of a course's report, in order, as the marts list them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from exhaust.errors import DataError, UsageError
from exhaust.text import visible

if TYPE_CHECKING:
    from exhaust.marts.state import Marts
    from exhaust.warehouse import Warehouse

Column = Mapping[str, Any]
"""A column of a report: column_name, label, kind, assessment_ordinal, assessment_name.

An added column also has `addition`, its ID in ADDITIONS, and where its value is: `source`, `whole`.
"""


def read_header_plan(marts: "Marts", mart: str, course_id: str) -> list[Column]:
    """Returns the columns of a course's report, in order, from the mart that lists them.

    Raises DataError if the engine cannot select so many columns.
    """
    # Imported here because the layouts, which `--help` lists, need the rest of this module.
    from exhaust.project.sql import COLUMN

    warehouse = marts.warehouse
    rows = warehouse.query(
        f"select {', '.join(COLUMN)} from {marts.relation(mart)} "
        f"where course_id = {warehouse.literal(course_id)} order by ordinal"
    )
    plan: list[Column] = [dict(zip(COLUMN, row, strict=True)) for row in rows]
    check_width(warehouse, course_id, plan)
    return plan


def check_width(warehouse: "Warehouse", course_id: str, plan: Sequence[Column]) -> None:
    """Raises DataError if the engine cannot select so many columns."""
    if warehouse.max_columns and len(plan) > warehouse.max_columns:
        raise DataError(
            f"The report of {visible(course_id)} has {len(plan):,} columns, and "
            f"{warehouse.engine} can write at most {warehouse.max_columns:,}.",
            "Load and build on DuckDB to export this course.",
        )


def assessments(plan: Sequence[Column]) -> list[Column]:
    """Returns the columns of a header plan that hold scores."""
    return [column for column in plan if column["kind"] == "score"]


def additions() -> dict[str, list[str]]:
    """Returns the labels of the columns that a report may add, by the ID of the addition."""
    from exhaust.project.sql import added_report_columns

    labels: dict[str, list[str]] = {}
    for added in added_report_columns():
        labels.setdefault(added["addition"], []).append(added["label"])
    return labels


def with_additions(plan: Sequence[Column], added: Sequence[str]) -> list[Column]:
    """Returns a header plan with the columns of the additions, given by ID in any order.

    Those of a learner come after the fixed columns, those of an assessment after its score. Raises
    UsageError for an unknown ID.
    """
    from exhaust.project.sql import added_report_columns

    known = additions()
    for unknown in set(added) - set(known):
        raise UsageError(
            f"`{visible(unknown)}` is not a column that can be added.",
            f"These can be: {', '.join(known)}.",
        )
    chosen = [one for one in added_report_columns() if one["addition"] in added]
    of_learner = [
        _added(one, column_name=one["source"], label=one["label"])
        for one in chosen
        if not one.get("is_per_assessment")
    ]
    result: list[Column] = [column for column in plan if column["kind"] != "score"]
    result += of_learner
    for score in assessments(plan):
        result.append(score)
        result += [
            _added(
                one,
                column_name=score["column_name"],
                label=f"{score['column_name']} - {one['label']}",
                assessment_ordinal=score["assessment_ordinal"],
                assessment_name=score["assessment_name"],
            )
            for one in chosen
            if one.get("is_per_assessment")
        ]
    return result


def _added(
    one: Mapping[str, Any],
    *,
    column_name: str,
    label: str,
    assessment_ordinal: int | None = None,
    assessment_name: str | None = None,
) -> Column:
    return {
        "column_name": column_name,
        "label": label,
        "kind": one["kind"],
        "assessment_ordinal": assessment_ordinal,
        "assessment_name": assessment_name,
        "addition": one["addition"],
        "source": one["source"],
        "whole": one.get("whole"),
    }
