"""The raw tables, as models/staging/_sources.yml lists them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exhaust.errors import UsageError

SOURCES_FILE = Path("models/staging/_sources.yml")


@dataclass(frozen=True)
class OtherName:
    """Another column of an extract that may hold what a listed column holds.

    It is read where the listed column has no value.
    """

    name: str
    must_agree: bool = False
    """Whether both, where both have a value, have to have the same."""
    is_one: bool = False
    """Whether it holds one object where the listed column holds a list of them."""


@dataclass(frozen=True)
class SourceTable:
    """A table that an extract may bring; `needed` are the columns that it cannot lack."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    needed: tuple[str, ...]
    json: tuple[str, ...] = ()
    """The columns that hold JSON; in some extracts, collections in other notations."""
    newest: str | None = None
    """The column that says when a row was written."""
    other_names: tuple[tuple[str, OtherName], ...] = ()
    """Listed columns, and the others that stand in for them."""
    other_table: str | None = None
    """The name of a table with the same columns, read where an extract has none of this name."""


def read_sources(project_dir: Path) -> list[SourceTable]:
    """The raw tables of a project, in the order of its sources file; not the table of loads.

    Raises UsageError if the project has no such file.
    """
    import yaml

    file = project_dir / SOURCES_FILE
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError(
            f"{file} cannot be read: {type(error).__name__}.",
            "Give the folder of the project with --project-dir.",
        ) from error
    (source,) = content["sources"]
    return [_table(table) for table in source["tables"] if "written_by" not in _meta(table)]


def _table(table: dict[str, Any]) -> SourceTable:
    columns = {column["name"]: _meta(column) for column in table["columns"]}
    return SourceTable(
        name=table["name"],
        columns=tuple(columns),
        key=tuple(name for name, meta in columns.items() if meta.get("key")),
        needed=tuple(name for name, meta in columns.items() if meta.keys() & {"key", "needed"}),
        json=tuple(name for name, meta in columns.items() if meta.get("json")),
        newest=next((name for name, meta in columns.items() if meta.get("newest")), None),
        other_names=tuple(_others(columns)),
        other_table=_meta(table).get("else"),
    )


def _others(columns: dict[str, dict[str, Any]]) -> Iterator[tuple[str, OtherName]]:
    for name, meta in columns.items():
        if "else" in meta:
            yield name, OtherName(meta["else"])
        if "same_as" in meta:
            yield name, OtherName(meta["same_as"], must_agree=True)
        if "else_one" in meta:
            yield name, OtherName(meta["else_one"], is_one=True)


def _meta(node: dict[str, Any]) -> dict[str, Any]:
    meta: dict[str, Any] = node.get("config", {}).get("meta", {})
    return meta
