"""The files of an extract: the columns of each, how DuckDB reads it, and what is wrong with it.

Each function that opens a file raises Unfit if it cannot be read.
"""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

import duckdb

from exhaust import sql
from exhaust.dialect import BACKSLASH, DOUBLED, LONGEST_RECORD
from exhaust.errors import Unfit
from exhaust.faults import (
    NUL_PROBLEM,
    UTF8_PROBLEM,
    Fault,
    check_csv,
    check_json_lines,
    first_twice,
)

ENDINGS = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet")

LONGEST_NAME = 63
"""Bytes. Postgres would cut a longer one, and might then have two alike."""

HEADER_LIMIT = 1 << 20
"""Bytes that a CSV file's header is looked for in."""

READER: dict[str, str | bool | int | float | list[str]] = {
    "preserve_insertion_order": "false",
    "memory_limit": "1GB",
}
"""Settings of a DuckDB that reads for another engine: it would else keep the file in memory."""

NUL_FOUND = "NUL in column "

# It is DuckDB that reads the files, whatever the engine.
identifier = partial(sql.identifier, engine="duckdb")
literal = partial(sql.literal, engine="duckdb")


@dataclass(frozen=True)
class Part:
    """A file of a table; `name` is its path within the extract, for messages."""

    path: Path
    name: str

    @property
    def ending(self) -> str:
        return next(ending for ending in ENDINGS if self.path.name.lower().endswith(ending))

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Its bytes, unpacked."""
        try:
            with (
                cast(BinaryIO, gzip.open(self.path))
                if self.ending.endswith(".gz")
                else self.path.open("rb")
            ) as stream:
                yield stream
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise self.unfit(
                "this is not a whole gzip file: it is damaged or cut short",
                "Copy it again from where it was written.",
            ) from error
        except OSError as error:
            raise self.unfit(f"this cannot be read: {error.strerror or error}") from error

    def check(self) -> None:
        """Raises Unfit if it cannot be opened: DuckDB would not say why."""
        with self.open():
            pass

    def unfit(self, problem: str, hint: str | None = None, line: int | None = None) -> Unfit:
        """An error that names the file and, where it is known, the line (from 1)."""
        where = self.name if line is None else f"{self.name}, line {line}"
        return Unfit(f"{where}: {problem}.", hint or "Correct the file, or unload it again.")

    @property
    def _pattern(self) -> str:
        """The path as a SQL literal that DuckDB expands to this very file."""
        return literal(re.sub(r"[*?\[]", r"[\g<0>]", str(self.path.absolute())))


class DataFile(Protocol):
    """A file that was looked into."""

    @property
    def part(self) -> Part: ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The names under which its columns land, in its own order; none if it is empty."""

    @property
    def reader(self) -> str:
        """A SELECT in DuckDB's SQL that gives the columns, all text, exactly as they arrived."""

    def check(self, rows: int) -> None:
        """Raises Unfit if `rows`, which DuckDB found, cannot be all."""

    def fault(self, error: duckdb.Error) -> Unfit:
        """What is wrong with the file on which DuckDB failed, and in which line."""


@dataclass(frozen=True)
class CsvFile:
    part: Part
    columns: tuple[str, ...]
    escape: str
    lines: int | None = None
    """How many there are, if each is seen to be a record; None where a value may hold several."""

    @classmethod
    def open(cls, part: Part, escape: str, lines: int | None = None) -> "CsvFile":
        """Reads the header of a CSV file."""
        with part.open() as stream:
            head = stream.read(HEADER_LIMIT)
        text = io.BytesIO(head.removeprefix(codecs.BOM_UTF8))
        try:
            header = next(_rows((line.decode() for line in text), escape), [])
        except UnicodeDecodeError as error:
            raise part.unfit(*UTF8_PROBLEM, 1) from error
        except csv.Error as error:
            raise part.unfit("there is no header that can be read", line=1) from error
        if not header:
            raise part.unfit(
                "the first line names no columns",
                "A table without rows is a header alone.",
                line=1,
            )
        return cls(part, _landed(part, header), escape, lines)

    @property
    def reader(self) -> str:
        columns = ", ".join(f"{literal(name)}: 'varchar'" for name in self.columns)
        # DuckDB's parallel readers would begin inside a value that holds new lines.
        parallel = str(self.lines is not None).lower()
        return (
            f"select * from read_csv({self.part._pattern}, auto_detect = false, header = true, "
            f"delim = ',', quote = '\"', escape = {literal(self.escape)}, strict_mode = true, "
            f"allow_quoted_nulls = false, parallel = {parallel}, hive_partitioning = false, "
            f"buffer_size = {LONGEST_RECORD}, columns = {{{columns}}})"
        )

    def check(self, rows: int) -> None:
        if self.lines is None or rows == self.lines - 1:
            return
        with self.part.open() as stream:
            records = sum(not line.isspace() for line in stream) - 1
        if rows != records:
            raise self.find_fault() or self.part.unfit(
                f"of {records:,} records {rows:,} were read",
                "Write values that hold a quote or a line break in quotes, all of them.",
            )

    def can_be_read(self) -> bool:
        """Whether DuckDB finds as many columns in every record as in the header."""
        try:
            _query(f"select count(*) from ({self.reader})")
        except duckdb.Error:
            return False
        return True

    def fault(self, error: duckdb.Error) -> Unfit:
        return self.find_fault() or _unknown_fault(self.part, error)

    def find_fault(self) -> Unfit | None:
        """The first fault of the file. Reads it row by row: only for a file that has one."""
        return _first_fault(
            self.part, lambda stream: check_csv(stream, self.escape, len(self.columns))
        )


def _rows(lines: Iterable[str], escape: str) -> Iterator[list[str]]:
    if escape == DOUBLED:
        return csv.reader(lines, strict=True)
    return csv.reader(lines, strict=True, doublequote=False, escapechar=BACKSLASH)


@dataclass(frozen=True)
class JsonFile:
    """JSON lines: one object a line."""

    part: Part
    columns: tuple[str, ...]
    spelled: tuple[str, ...] = field(repr=False)
    """The names of the columns in the file."""

    @classmethod
    def open(cls, part: Part) -> "JsonFile":
        """Reads the names in all lines."""
        file = cls(part, (), ())
        names = (
            "select distinct unnest(case when json_type(json) = 'OBJECT' then json_keys(json) "
            "else error('no object') end) as name "
            f"from read_ndjson_objects({part._pattern}, hive_partitioning = false, "
            f"maximum_object_size = {LONGEST_RECORD}) order by name"
        )
        part.check()
        try:
            spelled = tuple(name for (name,) in _query(names))
        except duckdb.Error as error:
            raise file.fault(error) from error
        return cls(part, _landed(part, spelled), spelled)

    @property
    def reader(self) -> str:
        columns = ", ".join(f"{literal(name)}: 'json'" for name in self.spelled)
        texts = ((name, f"{identifier(name)} ->> '$'") for name in self.spelled)
        return _without_nul(
            texts,
            f"read_json({self.part._pattern}, format = 'newline_delimited', "
            f"hive_partitioning = false, maximum_object_size = {LONGEST_RECORD}, "
            f"columns = {{{columns}}})",
        )

    def check(self, rows: int) -> None:
        """A line of JSON that is no row is an error."""

    def fault(self, error: duckdb.Error) -> Unfit:
        return _first_fault(self.part, check_json_lines) or _unknown_fault(self.part, error)


@dataclass(frozen=True)
class ParquetFile:
    part: Part
    columns: tuple[str, ...]
    types: tuple[tuple[str, str], ...] = field(repr=False)
    """The names of the columns in the file, and DuckDB's types of them."""

    @classmethod
    def open(cls, part: Part) -> "ParquetFile":
        """Reads the schema of a Parquet file."""
        part.check()
        try:
            types = _query(f"select column_name, column_type from (describe from {_parquet(part)})")
        except duckdb.Error as error:
            raise _unknown_fault(part, error) from error
        return cls(part, _landed(part, [name for name, _ in types]), tuple(types))

    @property
    def reader(self) -> str:
        texts = ((name, _parquet_text(identifier(name), kind)) for name, kind in self.types)
        return _without_nul(texts, _parquet(self.part))

    def check(self, rows: int) -> None:
        """A Parquet file says how many it has."""

    def fault(self, error: duckdb.Error) -> Unfit:
        if NUL_FOUND in str(error):
            return self.part.unfit(*NUL_PROBLEM)
        return _unknown_fault(self.part, error)


def _parquet(part: Part) -> str:
    # Old writers mark text as bytes.
    return f"read_parquet({part._pattern}, binary_as_string = true, hive_partitioning = false)"


def _parquet_text(column: str, kind: str) -> str:
    """Lists and maps become JSON; timestamps take the form that Sunbird gives them, in UTC."""
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP")):
        return f"to_json({column})::varchar"
    if kind == "TIMESTAMP WITH TIME ZONE":
        column = f"({column} at time zone 'UTC')"
    if kind.startswith("TIMESTAMP"):
        return f"strftime({column}::timestamp, '%Y-%m-%dT%H:%M:%S.%fZ')"
    return f"{column}::varchar"


def _without_nul(texts: Iterable[tuple[str, str]], source: str) -> str:
    """A SELECT that fails on a NUL character; DuckDB would take it, and Postgres refuse it."""
    names, expressions = zip(*texts, strict=True)
    inner = ", ".join(
        f"{expression} as {identifier(name)}"
        for name, expression in zip(names, expressions, strict=True)
    )
    outer = ", ".join(
        f"case when contains({column}, chr(0)) then error({literal(NUL_FOUND + name)}) "
        f"else {column} end as {column}"
        for name in names
        for column in [identifier(name)]
    )
    return f"select {outer} from (select {inner} from {source})"


def _landed(part: Part, names: Sequence[str]) -> tuple[str, ...]:
    landed = tuple(name.lower() for name in names)
    if "" in landed:
        raise part.unfit(f"column {landed.index('') + 1} has no name", "Name it, or remove it.")
    if too_long := next((name for name in landed if len(name.encode()) > LONGEST_NAME), None):
        raise part.unfit(
            f"the name of the column `{too_long}` is longer than {LONGEST_NAME} bytes",
            "Give it a shorter one, or leave the column out.",
        )
    if twice := first_twice(landed):
        raise part.unfit(
            f"the column `{twice}` is there twice, in one spelling or two",
            "Keep one of them.",
        )
    return landed


def _query(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(sql).fetchall()


def _first_fault(part: Part, check: Callable[[BinaryIO], None]) -> Unfit | None:
    with part.open() as stream:
        try:
            check(stream)
        except Fault as fault:
            return part.unfit(fault.problem, fault.hint, fault.line)
    return None


def _unknown_fault(part: Part, error: duckdb.Error) -> Unfit:
    reason = str(error).splitlines()[0].rstrip(".")
    return part.unfit(f"this cannot be loaded: {reason}")
