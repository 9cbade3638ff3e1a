"""A folder of raw tables, looked into before anything is loaded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from exhaust.errors import Unfit, UsageError
from exhaust.extract.csv_dialect import open_csv_files
from exhaust.extract.csv_file import CsvFile
from exhaust.extract.data_file import DataFile
from exhaust.extract.json_file import JsonFile
from exhaust.extract.parquet_file import ParquetFile
from exhaust.extract.part import ENDINGS, Part
from exhaust.sources import SourceTable

LEFT_BY_WRITERS = ("_success", "_committed_", "_started_", "_metadata", "_common_metadata")
LOGS = (".crc", ".log")


@dataclass(frozen=True)
class ExtractTable:
    source: SourceTable
    files: tuple[DataFile, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The listed columns, then those the files have beside them."""
        return tuple(dict.fromkeys([*self.source.columns, *self._found]))

    @property
    def missing_columns(self) -> list[str]:
        """The listed columns that no file has; none if nothing is in the files at all."""
        found = self._found
        return [name for name in self.source.columns if found and name not in found]

    @property
    def _found(self) -> dict[str, None]:
        return {name: None for file in self.files for name in file.columns}


@dataclass(frozen=True)
class Extract:
    folder: Path
    tables: tuple[ExtractTable, ...]
    ignored: tuple[str, ...]
    """Names of what looks like data and is not read: no table we know, or in no form we know."""


def read_extract(folder: Path, tables: Sequence[SourceTable]) -> Extract:
    """Finds the tables of an extract and checks all that can be checked without a warehouse.

    Raises UsageError if there is no such folder; Unfit if it holds none of the tables, a table in
    two forms or in none, a file that cannot be read, or one that lacks a needed column.
    """
    if not folder.is_dir():
        raise UsageError(
            f"There is no folder {folder}." if not folder.exists() else f"{folder} is no folder.",
            "Give the folder that holds the tables, one file or folder each.",
        )
    found, ignored = _find(folder, {table.name for table in tables})
    if not found:
        raise Unfit(
            f"{folder} holds no table of an extract; {_some(ignored)}.",
            "Expected are files or folders of parts such as user.csv, user_enrolments.csv.gz, "
            f"content_hierarchy.jsonl. The tables are: {', '.join(t.name for t in tables)}.",
        )
    csv_files = open_csv_files(found)
    return Extract(
        folder,
        tuple(
            ExtractTable(table, tuple(_open(part, csv_files, table) for part in found[table.name]))
            for table in tables
            if table.name in found
        ),
        tuple(ignored),
    )


def _find(folder: Path, names: set[str]) -> tuple[dict[str, list[Part]], list[str]]:
    """The parts of each known table, and the names of what else looks like data."""
    forms: dict[str, list[Path]] = {}
    ignored = []
    for path in _listed(folder):
        name = path.name.lower()
        is_folder = path.is_dir()
        ending = "" if is_folder else _ending(name)
        table = name.removesuffix(ending or "")
        if table in names and ending is not None:
            forms.setdefault(table, []).append(path)
        elif (
            any(_ending(part.name) for part in _listed(path))
            if is_folder
            else ending or name.partition(".")[0] in names
        ):
            ignored.append(path.name)
    for table, paths in forms.items():
        if len(paths) > 1:
            raise Unfit(
                f"{folder} holds the table {table} {len(paths)} times: "
                f"{', '.join(path.name for path in paths)}.",
                "Keep the one that counts.",
            )
    return {table: _parts(path) for table, (path,) in forms.items()}, ignored


def _parts(path: Path) -> list[Part]:
    if not path.is_dir():
        return [Part(path, path.name)]
    paths = [part for part in _listed(path) if not _is_by_the_way(part)]
    strange = [part.name for part in paths if part.is_dir() or not _ending(part.name)]
    if strange:
        raise Unfit(
            f"{path.name}/ holds what cannot be read as a part of the table: "
            f"{', '.join(strange[:5])}.",
            f"Parts are files directly in the folder that end in {', '.join(ENDINGS)}.",
        )
    if not paths:
        raise Unfit(
            f"{path.name}/ holds no part of the table.",
            f"Parts end in {', '.join(ENDINGS)}. Remove the folder if there is nothing to load; "
            "an empty table is a file with a header alone.",
        )
    return [Part(part, f"{path.name}/{part.name}") for part in paths]


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise Unfit(f"{folder} cannot be read: {error.strerror}.") from error


def _ending(name: str) -> str | None:
    return next((ending for ending in ENDINGS if name.lower().endswith(ending)), None)


def _is_by_the_way(path: Path) -> bool:
    name = path.name.lower()
    return name.startswith(LEFT_BY_WRITERS) or name.endswith(LOGS)


def _some(names: Sequence[str]) -> str:
    if not names:
        return "nothing in it looks like data"
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"found there: {', '.join(names[:10])}{more}"


def _open(part: Part, csv_files: Mapping[Part, CsvFile], table: SourceTable) -> DataFile:
    file: DataFile
    if part in csv_files:
        file = csv_files[part]
    elif part.ending == ".parquet":
        file = ParquetFile.open(part)
    else:
        file = JsonFile.open(part)
    lacking = [name for name in table.needed if file.columns and name not in file.columns]
    if lacking:
        raise part.unfit(
            f"{'a needed column is' if len(lacking) == 1 else 'needed columns are'} missing: "
            f"{', '.join(lacking)}. There are: {', '.join(file.columns)}",
            f"Unload the table {table.name} with all of: {', '.join(table.needed)}.",
        )
    return file
