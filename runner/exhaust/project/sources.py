"""The raw tables, as models/staging/_sources.yml lists them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exhaust.project.yaml_file import read_yaml

SOURCES_FILE = Path("models/staging/_sources.yml")


@dataclass(frozen=True)
class OtherName:
    """Another column of an extract that may hold what a listed column holds.

    It is read where the listed column has no value.
    """

    name: str
    must_agree: bool = False
    """Whether the two have to be equal where both have a value."""
    is_one: bool = False
    """Whether it holds one object where the listed column holds a list of them."""


@dataclass(frozen=True)
class SourceTable:
    """A table that an extract may have; `needed` are the columns that it must have."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    needed: tuple[str, ...]
    json: tuple[str, ...] = ()
    """The columns that hold JSON; some extracts write these collections in other notations."""
    newest: str | None = None
    """The column that says when a row was written."""
    other_names: tuple[tuple[str, OtherName], ...] = ()
    """Listed columns, each with the column that can stand in for it."""
    other_table: str | None = None
    """The table with the same columns that is read if an extract has none of this name."""


def read_sources(package_dir: Path) -> list[SourceTable]:
    """Returns the raw tables of a package in the order of its sources file, without `loads`.

    Raises UsageError if the file cannot be read.
    """
    (source,) = read_yaml(package_dir / SOURCES_FILE)["sources"]
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
