"""The raw tables, as models/staging/_sources.yml lists them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exhaust.errors import UsageError

SOURCES_FILE = Path("models/staging/_sources.yml")


@dataclass(frozen=True)
class SourceTable:
    """A table that an extract may bring; `needed` are the columns that it cannot lack."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    needed: tuple[str, ...]


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
    )


def _meta(node: dict[str, Any]) -> dict[str, Any]:
    meta: dict[str, Any] = node.get("config", {}).get("meta", {})
    return meta
