"""Turns the columns of a file into the columns of its table.

Collections become JSON. A listed column is filled from the column that other Sunbird releases have
instead. Everything else lands unchanged.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from exhaust.errors import DataError, ExhaustError
from exhaust.extract.cql_literals import as_json, is_plain
from exhaust.extract.csv_file import CsvFile
from exhaust.extract.csv_scan import CQLSH
from exhaust.extract.data_file import DataFile, identifier, no_room, query
from exhaust.extract.limits import MAX_ENTRIES
from exhaust.extract.part import Part, literal
from exhaust.project.sources import OtherName, SourceTable

DIFFERENT_IDS = "two IDs in one row: "
TOO_MANY_ENTRIES = "too many entries in column "


@dataclass(frozen=True)
class LandedFile:
    """A file of a table, with the columns that land from it."""

    source: SourceTable
    file: DataFile

    @property
    def part(self) -> Part:
        return self.file.part

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the file, then those that are filled from them."""
        return self.file.columns + tuple(
            name
            for name, other in self.source.other_names
            if name not in self.file.columns and other.name in self.file.columns
        )

    @property
    def has_filled_columns(self) -> bool:
        """Whether a column is filled from another one."""
        return any(other.name in self.file.columns for _, other in self.source.other_names)

    @property
    def reader(self) -> str:
        """Returns a SELECT in DuckDB's SQL that gives the columns as text."""
        return self.reader_of(self.file.sql_path)

    def reader_of(self, paths: str) -> str:
        """Returns the same SELECT for files with the same group key as this one."""
        if not self.has_filled_columns and self._json.isdisjoint(self.file.columns):
            return self.file.reader_of(paths)
        own = ", ".join(
            f"{self._own_column(name)} as {identifier(name)}" for name in self.file.columns
        )
        select = f"select {own} from ({self.file.reader_of(paths)})"
        if not self.has_filled_columns:
            return select
        texts = ", ".join(
            f"{self._table_column(name)} as {identifier(name)}" for name in self.columns
        )
        return f"select {texts} from ({select})"

    @property
    def expected_rows(self) -> int | None:
        """The number of rows if each line is a record, with blank lines counted; else None."""
        lines = self.file.lines if isinstance(self.file, CsvFile) else None
        return None if lines is None else lines - 1

    def check(self, rows: int) -> None:
        """Raises DataError if `rows`, which DuckDB counted, differs from the rows of the file."""
        self.file.check(rows)

    def fault(self, error: duckdb.Error) -> DataError:
        """Returns the problem on which DuckDB failed, with its line if known."""
        message = str(error)
        if DIFFERENT_IDS in message:
            both_ids = message.partition(DIFFERENT_IDS)[2].splitlines()[0]
            return self.part.error(
                f"a row has two different user IDs: {both_ids}",
                "Both columns hold the same ID in Sunbird. Unload the table again, or leave one "
                "of them out.",
            )
        if TOO_MANY_ENTRIES in message:
            column = message.partition(TOO_MANY_ENTRIES)[2].splitlines()[0]
            return self.part.error(
                f"a value in column `{column}` has more than {MAX_ENTRIES:,} entries",
                "No Sunbird collection has that many. Unload the table again.",
            )
        return self.file.fault(error)

    @property
    def _json(self) -> set[str]:
        """The columns that contain JSON, or that fill one that does."""
        listed = set(self.source.json)
        return listed | {other.name for name, other in self.source.other_names if name in listed}

    def _own_column(self, name: str) -> str:
        """Returns SQL of a column of the file."""
        text = identifier(name)
        if name not in self._json:
            return text
        is_cqlsh = isinstance(self.file, CsvFile) and self.file.escape == CQLSH
        return (
            f"case when {_has_too_many(text)} then error({literal(TOO_MANY_ENTRIES + name)}) "
            f"when {is_plain(text)} then {text} else {as_json(text, is_cqlsh=is_cqlsh)} end"
        )

    def _table_column(self, name: str) -> str:
        """Returns SQL of a column of the table."""
        other = dict(self.source.other_names).get(name)
        is_filled = other is not None and other.name in self.file.columns
        return self._filled(name, other) if other and is_filled else identifier(name)

    def _filled(self, name: str, other: OtherName) -> str:
        """Returns SQL of a column that is filled from another one where it is empty."""
        own, alias = identifier(name), identifier(other.name)
        filler = alias
        if other.is_one:
            is_object = f"starts_with(ltrim({alias}), '{{')"
            filler = f"case when {is_object} then '[' || {alias} || ']' else {alias} end"
        if name not in self.file.columns:
            return filler
        empty = ["", "[]", "{}", "null"] if name in self.source.json else [""]
        is_empty = f"{own} is null or {own} in ({', '.join(map(literal, empty))})"
        filled = f"case when {is_empty} then coalesce(nullif({filler}, ''), {own}) else {own} end"
        if not other.must_agree:
            return filled
        both_ids = (
            f"{literal(name + ' ')} || {own} || {literal(' and ' + other.name + ' ')} || {alias}"
        )
        return (
            f"case when {own} <> {alias} and {own} <> '' and {alias} <> '' "
            f"then error({literal(DIFFERENT_IDS)} || {both_ids}) else {filled} end"
        )


@dataclass(frozen=True)
class LandedFiles:
    """Files of a table that DuckDB reads in one query, because a query for each file is slow."""

    files: tuple[LandedFile, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.files[0].columns

    @property
    def size(self) -> int:
        """The total size of the files in bytes."""
        return sum(file.part.size for file in self.files)

    @property
    def reader(self) -> str:
        """Returns a SELECT in DuckDB's SQL that gives the columns as text."""
        return self.files[0].reader_of(", ".join(file.file.sql_path for file in self.files))

    def check(self, rows: int) -> None:
        """Raises DataError if `rows`, which DuckDB counted, differs from the rows of the files."""
        if len(self.files) == 1:
            self.files[0].check(rows)
        elif self._may_miss_rows(rows) or self._seem_to_have_extra_fields():
            for file in self.files:
                ((found,),) = query(f"select count(*) from ({file.reader})")
                file.check(found)

    def _may_miss_rows(self, rows: int) -> bool:
        expected = [file.expected_rows for file in self.files]
        return None not in expected and rows != sum(filter(None, expected))

    def _seem_to_have_extra_fields(self) -> bool:
        files = [file.file for file in self.files if isinstance(file.file, CsvFile)]
        suspects = [file for file in files if file.may_have_extra_fields]
        paths = ", ".join(file.sql_path for file in suspects)
        return bool(suspects) and suspects[0].seems_to_have_extra_fields(paths)

    def fault(self, error: duckdb.Error) -> ExhaustError:
        """Returns what is wrong with the first file that DuckDB cannot read."""
        if full := no_room(error):
            return full
        for file in self.files if len(self.files) > 1 else ():
            try:
                query(f"select count(*) from (select distinct columns(*) from ({file.reader}))")
            except duckdb.Error as own_error:
                return file.fault(own_error)
        return self.files[0].fault(error)


def group_files(files: Iterable[LandedFile]) -> list[LandedFiles]:
    """Groups files that DuckDB can read together. Empty files, which have no columns, are left
    out."""
    groups: dict[object, list[LandedFile]] = {}
    for file in files:
        if file.columns:
            groups.setdefault((type(file.file), file.file.group_key), []).append(file)
    return [LandedFiles(tuple(group)) for group in groups.values()]


def _has_too_many(text: str) -> str:
    """Returns SQL of whether a flat collection or a list has too many entries.

    A tree, such as the hierarchy of a course, may have more below its root. A long text is parsed
    at most once, because parsing takes several times its size in memory.
    """
    commas = f"strlen({text}) - strlen(replace({text}, ',', ''))"
    brackets = f"strlen({text}) - strlen(replace(replace({text}, '{{', ''), '[', ''))"
    entries = f"json_array_length(case when json_valid({text}) then {text} end)"
    return (
        # A shorter text cannot contain that many entries.
        f"strlen({text}) > {2 * MAX_ENTRIES} and {commas} >= {MAX_ENTRIES} and "
        f"({brackets} = 1 or starts_with({text}, '[') and {entries} > {MAX_ENTRIES})"
    )
