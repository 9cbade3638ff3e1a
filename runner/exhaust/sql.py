"""SQL text, from the same macros that dbt renders: nothing is escaped here."""

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

PURE_MACROS = Path("macros/report")
"""The folder of the project whose macros need no dbt."""

COLUMN = ("column_name", "label", "kind", "assessment_ordinal")
"""What the header plan says of a column."""

CHECKOUT = Path(__file__).resolve().parents[2]
"""Where the command was installed from."""


def identifier(name: str, engine: str) -> str:
    """A name as a SQL identifier."""
    return str(_macros(CHECKOUT).sql_identifier(name, engine))


def literal(value: str | None, engine: str) -> str:
    """A text as a SQL literal; None is null."""
    return str(_macros(CHECKOUT).sql_literal(value, engine))


def course_report(
    project_dir: Path,
    *,
    engine: str,
    relation: str,
    columns: Sequence[Mapping[str, Any]],
    course_id: str,
    batch_ids: Sequence[str] | None = None,
    root_org_id: str | None = None,
) -> str:
    """The SELECT of a course's report: one row a learner and batch, every column text.

    `relation` is the SQL name of course_progress; `columns` the header plan in order, each with
    column_name, label, kind and assessment_ordinal; without `batch_ids` all batches of the course;
    with `root_org_id` the learners of that root organisation alone.
    """
    values = _report_values(
        project_dir, engine, tuple(tuple(column[name] for name in COLUMN) for column in columns)
    )
    macros = _macros(project_dir)
    return str(macros.report_of(values, engine, relation, course_id, batch_ids, root_org_id))


@lru_cache(maxsize=1)
def _report_values(project_dir: Path, engine: str, columns: Sequence[Sequence[Any]]) -> str:
    """Kept for the next batch of the course: to render them takes as long as to write its rows."""
    plan = [dict(zip(COLUMN, column, strict=True)) for column in columns]
    return str(_macros(project_dir).report_values(engine, plan))


def assessment_attempts(
    project_dir: Path,
    *,
    engine: str,
    relation: str,
    assessments: Sequence[Mapping[str, Any]],
    course_id: str,
    batch_ids: Sequence[str],
    root_org_id: str | None = None,
) -> str:
    """The SELECT of one row that counts, in the order of `assessments`, who attempted each."""
    return str(
        _macros(project_dir).assessment_attempts(
            engine, relation, assessments, course_id, batch_ids, root_org_id
        )
    )


@cache
def _macros(project_dir: Path) -> Any:
    from jinja2 import Environment, StrictUndefined

    files = sorted((project_dir / PURE_MACROS).glob("*.sql"))
    text = "".join(file.read_text("utf-8") for file in files)
    # Not from the internet, and not HTML: values are escaped as SQL by the macros themselves.
    environment = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701
    return environment.from_string(text).module
