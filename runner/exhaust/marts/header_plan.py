"""The header plan: the columns of a course's report, in order, as the marts list them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from exhaust.errors import DataError
from exhaust.text import visible

if TYPE_CHECKING:
    from exhaust.marts.state import Marts

Column = Mapping[str, Any]
"""A column of a report: column_name, label, kind, assessment_ordinal."""


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
    if warehouse.max_columns and len(rows) > warehouse.max_columns:
        raise DataError(
            f"The report of {visible(course_id)} has {len(rows):,} columns, and "
            f"{warehouse.engine} can write at most {warehouse.max_columns:,}.",
            "Load and build on DuckDB to export this course.",
        )
    return [dict(zip(COLUMN, row, strict=True)) for row in rows]


def assessments(plan: Sequence[Column]) -> list[Column]:
    """Returns the columns of a header plan that hold scores."""
    return [column for column in plan if column["kind"] == "score"]
