"""How the columns of a file become those of its table.

Collections become JSON, and a listed column is filled from the one that other releases of Sunbird
have in its place. All else lands as it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from exhaust.errors import DataError, ExhaustError
from exhaust.extract.csv_file import CsvFile
from exhaust.extract.csv_scan import CQLSH
from exhaust.extract.data_file import DataFile, identifier, no_room, query
from exhaust.extract.limits import MAX_ENTRIES
from exhaust.extract.literals import as_json, is_plain
from exhaust.extract.part import Part, literal
from exhaust.project.sources import OtherName, SourceTable

DIFFERENT = "two ids in one row: "
TOO_MANY = "too many entries in column "


@dataclass(frozen=True)
class LandedFile:
    """A file of a table, with the columns that it lands."""

    source: SourceTable
    file: DataFile

    @property
    def part(self) -> Part:
        return self.file.part

    @property
    def columns(self) -> tuple[str, ...]:
        """The file's own columns, then those that others of it fill."""
        return self.file.columns + tuple(
            name
            for name, other in self.source.other_names
            if name not in self.file.columns and other.name in self.file.columns
        )

    @property
    def is_changed(self) -> bool:
        """Whether a column is filled from another."""
        return any(other.name in self.file.columns for _, other in self.source.other_names)

    @property
    def reader(self) -> str:
        """A SELECT in DuckDB's SQL that gives the columns, all text."""
        return self.reader_of(self.file.opened)

    def reader_of(self, paths: str) -> str:
        """The same of files that can be read together with this one."""
        if not self.is_changed and self._json.isdisjoint(self.file.columns):
            return self.file.reader_of(paths)
        own = ", ".join(f"{self._own(name)} as {identifier(name)}" for name in self.file.columns)
        select = f"select {own} from ({self.file.reader_of(paths)})"
        if not self.is_changed:
            return select
        texts = ", ".join(f"{self._text(name)} as {identifier(name)}" for name in self.columns)
        return f"select {texts} from ({select})"

    @property
    def expected_rows(self) -> int | None:
        """How many rows its lines are, if each is a record; blank lines count too."""
        lines = self.file.lines if isinstance(self.file, CsvFile) else None
        return None if lines is None else lines - 1

    def check(self, rows: int) -> None:
        """Raises DataError if `rows`, which DuckDB found, cannot be all."""
        self.file.check(rows)

    def fault(self, error: duckdb.Error) -> DataError:
        """What is wrong with the file on which DuckDB failed, and in which line."""
        message = str(error)
        if DIFFERENT in message:
            ids = message.partition(DIFFERENT)[2].splitlines()[0]
            return self.part.error(
                f"a row names two users: {ids}",
                "These two columns are the same in Sunbird. Unload the table again, or leave one "
                "of them out.",
            )
        if TOO_MANY in message:
            column = message.partition(TOO_MANY)[2].splitlines()[0]
            return self.part.error(
                f"a value of the column `{column}` has more than {MAX_ENTRIES:,} entries",
                "No collection of Sunbird's has so many. Unload the table again.",
            )
        return self.file.fault(error)

    @property
    def _json(self) -> set[str]:
        """The columns that hold JSON, or stand in for one that does."""
        listed = set(self.source.json)
        return listed | {other.name for name, other in self.source.other_names if name in listed}

    def _own(self, name: str) -> str:
        """A column of the file."""
        text = identifier(name)
        if name not in self._json:
            return text
        is_cqlsh = isinstance(self.file, CsvFile) and self.file.escape == CQLSH
        return (
            f"case when {_has_too_many(text)} then error({literal(TOO_MANY + name)}) "
            f"when {is_plain(text)} then {text} else {as_json(text, is_cqlsh=is_cqlsh)} end"
        )

    def _text(self, name: str) -> str:
        """A column of the table."""
        other = dict(self.source.other_names).get(name)
        is_filled = other is not None and other.name in self.file.columns
        return self._filled(name, other) if other and is_filled else identifier(name)

    def _filled(self, name: str, other: OtherName) -> str:
        """A column that is filled from another where it has no value."""
        mine, theirs = identifier(name), identifier(other.name)
        filler = theirs
        if other.is_one:
            is_object = f"starts_with(ltrim({theirs}), '{{')"
            filler = f"case when {is_object} then '[' || {theirs} || ']' else {theirs} end"
        if name not in self.file.columns:
            return filler
        nothing = ["", "[]", "{}", "null"] if name in self.source.json else [""]
        has_none = f"{mine} is null or {mine} in ({', '.join(map(literal, nothing))})"
        filled = f"case when {has_none} then coalesce(nullif({filler}, ''), {mine}) else {mine} end"
        if not other.must_agree:
            return filled
        ids = (
            f"{literal(name + ' ')} || {mine} || {literal(' and ' + other.name + ' ')} || {theirs}"
        )
        return (
            f"case when {mine} <> {theirs} and {mine} <> '' and {theirs} <> '' "
            f"then error({literal(DIFFERENT)} || {ids}) else {filled} end"
        )


@dataclass(frozen=True)
class LandedFiles:
    """Files of a table that are read together, as to read each by itself takes its time."""

    files: tuple[LandedFile, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.files[0].columns

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(file.part.size for file in self.files)

    @property
    def reader(self) -> str:
        """A SELECT in DuckDB's SQL that gives the columns, all text."""
        return self.files[0].reader_of(", ".join(file.file.opened for file in self.files))

    def check(self, rows: int) -> None:
        """Raises DataError if `rows`, which DuckDB found, cannot be all."""
        if len(self.files) == 1:
            self.files[0].check(rows)
        elif self._may_lack_rows(rows) or self._have_surplus():
            for file in self.files:
                ((found,),) = query(f"select count(*) from ({file.reader})")
                file.check(found)

    def _may_lack_rows(self, rows: int) -> bool:
        expected = [file.expected_rows for file in self.files]
        return None not in expected and rows != sum(filter(None, expected))

    def _have_surplus(self) -> bool:
        files = [file.file for file in self.files if isinstance(file.file, CsvFile)]
        suspects = [file for file in files if file.may_have_surplus]
        paths = ", ".join(file.opened for file in suspects)
        return bool(suspects) and suspects[0].seems_to_have_surplus(paths)

    def fault(self, error: duckdb.Error) -> ExhaustError:
        """What is wrong with the first of the files that DuckDB cannot read."""
        if full := no_room(error):
            return full
        for file in self.files if len(self.files) > 1 else ():
            try:
                query(f"select count(*) from (select distinct columns(*) from ({file.reader}))")
            except duckdb.Error as its_own:
                return file.fault(its_own)
        return self.files[0].fault(error)


def together(files: Iterable[LandedFile]) -> list[LandedFiles]:
    """Puts files of one form together; a file in which nothing is at all is left out."""
    groups: dict[object, list[LandedFile]] = {}
    for file in files:
        if file.columns:
            groups.setdefault((type(file.file), file.file.form), []).append(file)
    return [LandedFiles(tuple(group)) for group in groups.values()]


def _has_too_many(text: str) -> str:
    """Whether a collection has too many entries: one that is flat, or a list.

    A tree, such as a course's hierarchy, may have as many below its root. A long text is parsed
    once at most, as that takes several times its size.
    """
    commas = f"strlen({text}) - strlen(replace({text}, ',', ''))"
    brackets = f"strlen({text}) - strlen(replace(replace({text}, '{{', ''), '[', ''))"
    entries = f"json_array_length(case when json_valid({text}) then {text} end)"
    return (
        # A shorter text has no room for so many.
        f"strlen({text}) > {2 * MAX_ENTRIES} and {commas} >= {MAX_ENTRIES} and "
        f"({brackets} = 1 or starts_with({text}, '[') and {entries} > {MAX_ENTRIES})"
    )
