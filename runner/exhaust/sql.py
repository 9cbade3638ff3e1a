"""SQL text, from the same macros that dbt renders."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

PURE_MACROS = ("sql_text.sql", "score_columns.sql", "course_report.sql")
"""The files of macros/ that need no dbt."""


def identifier(name: str) -> str:
    """A name as a SQL identifier, as macros/sql_text.sql writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | None) -> str:
    """A text as a SQL literal, as macros/sql_text.sql writes it; None is null."""
    return "null" if value is None else "'" + value.replace("'", "''") + "'"


def relation(schema: str, table: str) -> str:
    """The full name of a table."""
    return f"{identifier(schema)}.{identifier(table)}"


def course_report(
    project_dir: Path,
    *,
    engine: str,
    relation: str,
    columns: Sequence[Mapping[str, Any]],
    course_id: str,
    batch_ids: Sequence[str] | None = None,
) -> str:
    """The SELECT of a course's report: one row a learner and batch, every column text.

    `relation` is the SQL name of course_progress; `columns` the header plan in order, each with
    column_name, label, kind and assessment_ordinal; without `batch_ids` all batches of the course.
    """
    macros = _macros(project_dir)
    return str(macros.course_report(engine, relation, columns, course_id, batch_ids))


@cache
def _macros(project_dir: Path) -> Any:
    from jinja2 import Environment, StrictUndefined

    text = "".join((project_dir / "macros" / name).read_text("utf-8") for name in PURE_MACROS)
    # Not from the internet, and not HTML: values are escaped as SQL by the macros themselves.
    environment = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701
    return environment.from_string(text).module
