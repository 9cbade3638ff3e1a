"""Finds the tables in the folder of an extract and opens their files before anything is loaded."""

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

IGNORED_PREFIXES = (
    *("_success", "_committed_", "_started_", "_metadata", "_common_metadata"),
    *("manifest", "__macosx", "thumbs.db", "desktop.ini", "md5sum", "sha256sum", "checksum"),
)
"""Prefixes of marker files and system files next to the data."""
IGNORED_SUFFIXES = (".crc", ".log", ".cql", ".manifest", ".md5", ".sha1", ".sha256", ".sha512")
UNSUPPORTED_ARCHIVES = (".zip", ".7z", ".rar", ".bz2", ".xz", ".zst", ".lz4")
"""Extensions of archives that exhaust does not read."""
CONTINUATION = re.compile(r"(\w+)\.csv\.\d+", re.IGNORECASE)
"""The name that cqlsh gives to the second and later files of a table if MAXOUTPUTSIZE splits it."""
MAX_DEPTH = 4
"""How many levels a path within the extract may have: keyspace, table, part and one more."""


@dataclass(frozen=True)
class ExtractTable:
    """A table of an extract, with the files that it lands from."""

    source: SourceTable
    files: tuple[LandedFile, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The listed columns, then the other columns of the files."""
        return tuple(dict.fromkeys([*self.source.columns, *self._found]))

    @property
    def missing_columns(self) -> list[str]:
        """The listed columns that no file has. Empty if all files are empty."""
        found = self._found
        return [name for name in self.source.columns if found and name not in found]

    @property
    def _found(self) -> dict[str, None]:
        return {name: None for file in self.files for name in file.columns}


@dataclass(frozen=True)
class Extract:
    """The folder of an extract, with the tables found in it."""

    folder: Path
    tables: tuple[ExtractTable, ...]
    ignored: tuple[str, ...]
    """Names of files that look like data but are not read."""


def read_extract(folder: Path, tables: Sequence[SourceTable]) -> Extract:
    """Finds the tables of an extract and checks everything that needs no warehouse.

    Tables are files or folders of parts. They are in the folder itself, in keyspace folders in it,
    or in tar archives. Raises UsageError if there is no such folder. Raises DataError if it
    contains none of the tables, a table twice, a file that cannot be read, or a file without a
    required column.
    """
    if not folder.is_dir():
        raise UsageError(
            f"There is no folder {folder}."
            if not folder.exists()
            else f"{folder} is not a folder.",
            "Give the folder that contains the tables, one file or folder for each.",
        )
    found = _Contents(
        {name for table in tables for name in (table.name, table.other_table) if name}
    )
    found.add_folder(folder, PurePosixPath())
    parts_of = {
        table.name: parts for table in tables if (parts := found.parts(folder, table)) is not None
    }
    ignored = found.ignored
    if not parts_of:
        raise DataError(
            f"{folder} contains no Sunbird table ({_summary(ignored)}).",
            "exhaust reads files or folders of parts such as user.csv, user_enrolments.csv.gz, "
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
class _Contents:
    """The contents of a folder, by the names of the tables that they belong to."""

    names: set[str]
    locations: dict[str, dict[PurePosixPath, list[Part]]] = field(default_factory=dict)
    """For each table, the file or the folder that it is in, with the parts found there."""
    unknown: list[PurePosixPath] = field(default_factory=list)

    def add_folder(self, folder: Path, name: PurePosixPath) -> None:
        """Adds everything in a folder. `name` is the path of the folder within the extract."""
        for path in _listed(folder):
            inner = name / path.name
            if is_archive(path.name) and not path.is_dir():
                for member, part in members(path, str(inner), self._is_wanted):
                    if not any(map(_is_ignored, member.parts)):
                        self._add(inner / member, part)
            elif not path.is_dir():
                part = Part(path, str(inner)) if self._is_wanted(inner) else None
                self._add(inner, part)
            elif name.name.lower() in self.names:
                raise _not_a_part(name, [path.name])
            elif len(inner.parts) < MAX_DEPTH:
                if path.name.lower() in self.names:
                    self.locations.setdefault(path.name.lower(), {}).setdefault(inner, [])
                self.add_folder(path, inner)

    def parts(self, folder: Path, table: SourceTable) -> list[Part] | None:
        """Returns the parts of a table; None if the extract does not have it.

        Raises DataError if the table is there more than once, or has no parts.
        """
        name = table.name
        if name not in self.locations and table.other_table in self.locations:
            name = table.other_table
        locations = self.locations.get(name, {})
        if len(locations) > 1:
            raise DataError(
                f"{folder} contains the table {name} {len(locations)} times: "
                f"{', '.join(map(str, locations))}.",
                "Keep only one of them.",
            )
        for location, parts in locations.items():
            if not parts:
                raise DataError(
                    f"{location}/ contains no parts of the table.",
                    f"Part names end in {', '.join(ENDINGS)}. Remove the folder if there is "
                    "nothing to load. An empty table is a file with only a header.",
                )
            return parts
        return None

    @property
    def ignored(self) -> list[str]:
        """Names of files that look like data but are not read; only the folder if it has no
        tables."""
        read = {
            location.parts[:1] for locations in self.locations.values() for location in locations
        }
        names = (
            str(path) if path.parts[:1] in read or len(path.parts) == 1 else path.parts[0]
            for path in self.unknown
        )
        return list(dict.fromkeys(names))

    def _is_wanted(self, path: PurePosixPath) -> bool:
        return _extension(path.name) is not None and (
            path.parent.name.lower() in self.names or _stem(path.name) in self.names
        )

    def _add(self, path: PurePosixPath, part: Part | None) -> None:
        folder_name = path.parent.name.lower()
        if folder_name in self.names:
            if part is None:
                raise _not_a_part(path.parent, [path.name])
            self.locations.setdefault(folder_name, {}).setdefault(path.parent, []).append(part)
        elif part is not None:
            self.locations.setdefault(_stem(path.name), {}).setdefault(path, []).append(part)
        elif (found := CONTINUATION.fullmatch(path.name)) and found[1].lower() in self.names:
            raise DataError(
                f"{path} continues {path.with_suffix('').name} without a header: cqlsh splits "
                "files at MAXOUTPUTSIZE.",
                "Unload the table again without that option.",
            )
        elif (
            _extension(path.name)
            or path.name.lower().partition(".")[0] in self.names
            or path.name.lower().endswith(UNSUPPORTED_ARCHIVES)
        ):
            self.unknown.append(path)


def _not_a_part(location: PurePosixPath, names: Sequence[str]) -> DataError:
    return DataError(
        f"{location}/ contains something that is not a part of the table: {', '.join(names)}.",
        f"Parts are files directly in the folder, with names that end in {', '.join(ENDINGS)}.",
    )


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not _is_ignored(path.name))
    except OSError as error:
        raise DataError(f"Cannot read the folder {folder}: {error.strerror}.") from error


def _is_ignored(name: str) -> bool:
    return name.startswith(".") or (
        name.lower().startswith(IGNORED_PREFIXES) or name.lower().endswith(IGNORED_SUFFIXES)
    )


def _extension(name: str) -> str | None:
    return next((extension for extension in ENDINGS if name.lower().endswith(extension)), None)


def _stem(name: str) -> str:
    return name.lower().removesuffix(_extension(name) or "")


def _summary(names: Sequence[str]) -> str:
    if not names:
        return "no data files found"
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"found: {', '.join(names[:10])}{more}"


def _opened(
    open_files: Callable[[Sequence[Part]], Sequence[DataFile]], parts: Sequence[Part]
) -> dict[Part, DataFile]:
    return dict(zip(parts, open_files(parts), strict=True))


def _landed(part: Part, file: DataFile, table: SourceTable) -> LandedFile:
    landed = LandedFile(table, file)
    missing = [name for name in table.needed if file.columns and name not in landed.columns]
    if missing:
        raise part.error(
            f"{'a required column is' if len(missing) == 1 else 'required columns are'} missing: "
            f"{', '.join(missing)}. The file has: {', '.join(file.columns)}",
            f"Unload the table {table.name} with all required columns: {', '.join(table.needed)}.",
        )
    return landed
