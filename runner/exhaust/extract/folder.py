"""A folder of raw tables, looked into before anything is loaded."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from exhaust.errors import DataError, UsageError
from exhaust.extract.archive import is_archive, members
from exhaust.extract.csv_dialect import open_csv_files
from exhaust.extract.data_file import DataFile
from exhaust.extract.json_file import open_json_files
from exhaust.extract.landing import LandedFile
from exhaust.extract.parquet_file import open_parquet_files
from exhaust.extract.part import ENDINGS, Part
from exhaust.project.sources import SourceTable

BY_THE_WAY = (
    *("_success", "_committed_", "_started_", "_metadata", "_common_metadata"),
    *("manifest", "__macosx", "thumbs.db", "desktop.ini", "md5sum", "sha256sum", "checksum"),
)
"""How the names begin of what writers and systems leave beside data."""
ENDS_BY_THE_WAY = (".crc", ".log", ".cql", ".manifest", ".md5", ".sha1", ".sha256", ".sha512")
PACKED = (".zip", ".7z", ".rar", ".bz2", ".xz", ".zst", ".lz4")
"""How archives end that are not read."""
CUT_OFF = re.compile(r"(\w+)\.csv\.\d+", re.IGNORECASE)
DEEPEST = 4
"""How many folders may stand in each other: a table in a keyspace in the extract, and one more."""


@dataclass(frozen=True)
class ExtractTable:
    source: SourceTable
    files: tuple[LandedFile, ...]

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

    They are files, or folders of parts, in the folder itself, in folders in it (keyspaces), or in
    tar archives. Raises UsageError if there is no such folder; DataError if it holds none of the
    tables, one in two places, a file that cannot be read, or one that lacks a needed column.
    """
    if not folder.is_dir():
        raise UsageError(
            f"There is no folder {folder}." if not folder.exists() else f"{folder} is no folder.",
            "Give the folder that holds the tables, one file or folder each.",
        )
    found = _Found({name for table in tables for name in (table.name, table.other_table) if name})
    found.look_into(folder, PurePosixPath())
    parts_of = {
        table.name: parts for table in tables if (parts := found.parts(folder, table)) is not None
    }
    ignored = found.ignored
    if not parts_of:
        raise DataError(
            f"{folder} holds no table of an extract; {_some(ignored)}.",
            "Expected are files or folders of parts such as user.csv, user_enrolments.csv.gz, "
            f"content_hierarchy.jsonl. The tables are: {', '.join(t.name for t in tables)}.",
        )
    all_parts = [part for parts in parts_of.values() for part in parts]
    opened: dict[Part, DataFile] = {
        **open_csv_files(parts_of),
        **_opened(open_json_files, [part for part in all_parts if part.is_json]),
        **_opened(open_parquet_files, [part for part in all_parts if part.is_parquet]),
    }
    found_tables = [table for table in tables if table.name in parts_of]
    return Extract(
        folder,
        tuple(
            ExtractTable(
                table,
                tuple(_landed(part, opened[part], table) for part in parts_of[table.name]),
            )
            for table in found_tables
        ),
        tuple(ignored),
    )


@dataclass
class _Found:
    """What stands in a folder, by the names of the tables that it may belong to."""

    names: set[str]
    places: dict[str, dict[PurePosixPath, list[Part]]] = field(default_factory=dict)
    """Of each table: the file, or the folder of parts, that holds it, and what is in there."""
    unknown: list[PurePosixPath] = field(default_factory=list)

    def look_into(self, folder: Path, name: PurePosixPath) -> None:
        """Takes note of all that is in a folder; `name` is its path within the extract."""
        for path in _listed(folder):
            inner = name / path.name
            if is_archive(path.name) and not path.is_dir():
                for member, part in members(path, str(inner), self._is_wanted):
                    if not any(map(_is_by_the_way, member.parts)):
                        self._take(inner / member, part)
            elif not path.is_dir():
                part = Part(path, str(inner)) if self._is_wanted(inner) else None
                self._take(inner, part)
            elif name.name.lower() in self.names:
                raise _strange(name, [path.name])
            elif len(inner.parts) < DEEPEST:
                if path.name.lower() in self.names:
                    self.places.setdefault(path.name.lower(), {}).setdefault(inner, [])
                self.look_into(path, inner)

    def parts(self, folder: Path, table: SourceTable) -> list[Part] | None:
        """The parts of a table; None if the extract has none. Raises DataError if it has two."""
        name = table.name
        if name not in self.places and table.other_table in self.places:
            name = table.other_table
        places = self.places.get(name, {})
        if len(places) > 1:
            raise DataError(
                f"{folder} holds the table {name} {len(places)} times: "
                f"{', '.join(map(str, places))}.",
                "Keep the one that counts.",
            )
        for place, parts in places.items():
            if not parts:
                raise DataError(
                    f"{place}/ holds no part of the table.",
                    f"Parts end in {', '.join(ENDINGS)}. Remove the folder if there is nothing to "
                    "load; an empty table is a file with a header alone.",
                )
            return parts
        return None

    @property
    def ignored(self) -> list[str]:
        """What looks like data and is not read; of a folder without any table, its name alone."""
        read = {place.parts[:1] for places in self.places.values() for place in places}
        names = (
            str(path) if path.parts[:1] in read or len(path.parts) == 1 else path.parts[0]
            for path in self.unknown
        )
        return list(dict.fromkeys(names))

    def _is_wanted(self, path: PurePosixPath) -> bool:
        return _ending(path.name) is not None and (
            path.parent.name.lower() in self.names or _stem(path.name) in self.names
        )

    def _take(self, path: PurePosixPath, part: Part | None) -> None:
        in_table = path.parent.name.lower()
        if in_table in self.names:
            if part is None:
                raise _strange(path.parent, [path.name])
            self.places.setdefault(in_table, {}).setdefault(path.parent, []).append(part)
        elif part is not None:
            self.places.setdefault(_stem(path.name), {}).setdefault(path, []).append(part)
        elif (found := CUT_OFF.fullmatch(path.name)) and found[1].lower() in self.names:
            raise DataError(
                f"{path} is the rest of {path.with_suffix('').name}, without a header: cqlsh cuts "
                "a file at MAXOUTPUTSIZE.",
                "Unload the table again without that option.",
            )
        elif (
            _ending(path.name)
            or path.name.lower().partition(".")[0] in self.names
            or path.name.lower().endswith(PACKED)
        ):
            self.unknown.append(path)


def _strange(place: PurePosixPath, names: Sequence[str]) -> DataError:
    return DataError(
        f"{place}/ holds what cannot be read as a part of the table: {', '.join(names)}.",
        f"Parts are files directly in the folder that end in {', '.join(ENDINGS)}.",
    )


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not _is_by_the_way(path.name))
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror}.") from error


def _is_by_the_way(name: str) -> bool:
    return name.startswith(".") or (
        name.lower().startswith(BY_THE_WAY) or name.lower().endswith(ENDS_BY_THE_WAY)
    )


def _ending(name: str) -> str | None:
    return next((ending for ending in ENDINGS if name.lower().endswith(ending)), None)


def _stem(name: str) -> str:
    return name.lower().removesuffix(_ending(name) or "")


def _some(names: Sequence[str]) -> str:
    if not names:
        return "nothing in it looks like data"
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"found there: {', '.join(names[:10])}{more}"


def _opened(
    open_files: Callable[[Sequence[Part]], Sequence[DataFile]], parts: Sequence[Part]
) -> dict[Part, DataFile]:
    return dict(zip(parts, open_files(parts), strict=True))


def _landed(part: Part, file: DataFile, table: SourceTable) -> LandedFile:
    landed = LandedFile(table, file)
    lacking = [name for name in table.needed if file.columns and name not in landed.columns]
    if lacking:
        raise part.error(
            f"{'a needed column is' if len(lacking) == 1 else 'needed columns are'} missing: "
            f"{', '.join(lacking)}. There are: {', '.join(file.columns)}",
            f"Unload the table {table.name} with all of: {', '.join(table.needed)}.",
        )
    return landed
