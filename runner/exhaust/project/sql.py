"""SQL text from the same macros that dbt renders; nothing is escaped in Python."""

import json
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from exhaust.project.package import OWN_PACKAGE

PURE_MACROS = OWN_PACKAGE / "macros" / "report"
"""The folder of the macros that need no dbt."""

COLUMN = ("column_name", "label", "kind", "assessment_ordinal", "assessment_name")
"""The fields of a column in a header plan."""
ADDED = ("addition", "source", "whole")
"""More fields of an added column: see macros/report/added_report_columns.sql."""


def identifier(name: str, engine: str) -> str:
    """Returns a name as a SQL identifier."""
    return str(_macros().sql_identifier(name, engine))


def literal(value: str | None, engine: str) -> str:
    """Returns a string as a SQL literal; None is null."""
    return str(_macros().sql_literal(value, engine))


def report(
    macro: str,
    *,
    engine: str,
    relation: str,
    columns: Sequence[Mapping[str, Any]],
    course_id: str,
    batch_ids: Sequence[str] | None = None,
    root_org_id: str | None = None,
    details: str | None = None,
) -> str:
    """Renders the SELECT of a course's report: one row per learner and batch, all columns text.

    `macro` makes the SELECT; `relation` is the SQL name of the mart of its rows; `columns` is the
    header plan in order, each with column_name, label, kind and assessment_ordinal. Without
    `batch_ids` the report has all batches of the course; with `root_org_id` it has only the
    learners of that root organisation. `details` is the SQL name of the mart of added columns; it
    is read only if there are any.
    """
    values = _report_values(
        engine, tuple(tuple(map(column.get, (*COLUMN, *ADDED))) for column in columns)
    )
    if not any(column.get("addition") for column in columns):
        details = None
    select = getattr(_macros(), macro)
    return str(select(values, engine, relation, course_id, batch_ids, root_org_id, details))


@lru_cache(maxsize=1)
def _report_values(engine: str, columns: Sequence[Sequence[Any]]) -> str:
    """Kept for the next batch of the course: rendering takes as long as writing its rows."""
    plan = [dict(zip((*COLUMN, *ADDED), column, strict=True)) for column in columns]
    return str(_macros().report_values(engine, plan))


def added_report_columns() -> list[dict[str, Any]]:
    """Returns the columns that a report may add, as the macro of this name lists them."""
    found: list[dict[str, Any]] = json.loads(_macros().added_report_columns())
    return found


def score_bins() -> list[dict[str, Any]]:
    """Returns the bins of scores, in order, as the macro of this name lists them."""
    found: list[dict[str, Any]] = json.loads(_macros().score_bins())
    return found


def assessment_attempts(
    *,
    engine: str,
    relation: str,
    assessments: Sequence[Mapping[str, Any]],
    course_id: str,
    batch_ids: Sequence[str],
    root_org_id: str | None = None,
) -> str:
    """Renders the SELECT of one row that counts the attempts of each of `assessments`, in order."""
    return str(
        _macros().assessment_attempts(
            engine, relation, assessments, course_id, batch_ids, root_org_id
        )
    )


def lease(macro: str, table: str, *values: str | float) -> str:
    """Renders a statement of macros/report/lease.sql for a lease's table, given as SQL."""
    return str(getattr(_macros(), macro)(table, *values))


def marts_contract() -> int:
    """Returns the version of the marts' contract that this command reads."""
    return int(_macros().marts_contract())


@cache
def _macros() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    files = sorted(PURE_MACROS.glob("*.sql"))
    text = "".join(file.read_text("utf-8") for file in files)
    # No HTML and no text from a network: the macros themselves escape values for SQL.
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    return environment.from_string(text).module
