"""How the columns of a file become those of its table.

Collections become JSON, and a listed column is filled from the one that other releases of Sunbird
have in its place. All else lands as it is.
"""

from dataclasses import dataclass

import duckdb

from exhaust.errors import Unfit
from exhaust.extract.csv_file import CsvFile
from exhaust.extract.csv_scan import CQLSH
from exhaust.extract.data_file import DataFile, identifier
from exhaust.extract.limits import MAX_ENTRIES
from exhaust.extract.literals import as_json
from exhaust.extract.part import Part, literal
from exhaust.sources import OtherName, SourceTable

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
        texts = ", ".join(f"{self._text(name)} as {identifier(name)}" for name in self.columns)
        return f"select {texts} from ({self.file.reader})"

    def check(self, rows: int) -> None:
        """Raises Unfit if `rows`, which DuckDB found, cannot be all."""
        self.file.check(rows)

    def fault(self, error: duckdb.Error) -> Unfit:
        """What is wrong with the file on which DuckDB failed, and in which line."""
        message = str(error)
        if DIFFERENT in message:
            ids = message.partition(DIFFERENT)[2].splitlines()[0]
            return self.part.unfit(
                f"a row names two users: {ids}",
                "These two columns are the same in Sunbird. Unload the table again, or leave one "
                "of them out.",
            )
        if TOO_MANY in message:
            column = message.partition(TOO_MANY)[2].splitlines()[0]
            return self.part.unfit(
                f"a value of the column `{column}` has more than {MAX_ENTRIES:,} entries",
                "No collection of Sunbird's has so many. Unload the table again.",
            )
        return self.file.fault(error)

    @property
    def _is_cqlsh(self) -> bool:
        return isinstance(self.file, CsvFile) and self.file.escape == CQLSH

    def _text(self, name: str) -> str:
        other = dict(self.source.other_names).get(name)
        if other is None or other.name not in self.file.columns:
            return self._own(name, name)
        if name not in self.file.columns:
            return self._stand_in(name, other)
        own = self._own(name, name)
        empty = "('', '[]', '{}', 'null')" if name in self.source.json else "('')"
        stand_in = f"case when {own} in {empty} or {own} is null then "
        stand_in += f"coalesce(nullif({self._stand_in(name, other)}, ''), {own}) else {own} end"
        if not other.must_agree:
            return stand_in
        mine, theirs = identifier(name), identifier(other.name)
        return (
            f"case when {mine} <> {theirs} and {mine} <> '' and {theirs} <> '' then error("
            f"{literal(DIFFERENT)} || {literal(name + ' ')} || {mine} || "
            f"{literal(' and ' + other.name + ' ')} || {theirs}) else {stand_in} end"
        )

    def _stand_in(self, name: str, other: OtherName) -> str:
        text = self._own(name, other.name)
        if not other.is_one:
            return text
        return (
            f"case when starts_with(ltrim({text}), '{{') then '[' || {text} || ']' else {text} end"
        )

    def _own(self, name: str, column: str) -> str:
        """A column of the file, as the listed one of that name."""
        text = identifier(column)
        if name not in self.source.json:
            return text
        json = as_json(text, is_cqlsh=self._is_cqlsh)
        # A shorter text has no room for so many.
        return (
            f"case when length({text}) > {2 * MAX_ENTRIES} and {_has_too_many(json)} "
            f"then error({literal(TOO_MANY + column)}) else {json} end"
        )


def _has_too_many(text: str) -> str:
    json = f"try_cast({text} as json)"
    return (
        f"coalesce(greatest(json_array_length({json}), len(json_keys({json}))) > {MAX_ENTRIES}, "
        "false)"
    )
