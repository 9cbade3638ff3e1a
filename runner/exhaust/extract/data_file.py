"""What data files of every format share: columns, reading with DuckDB, and error messages."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, BinaryIO, Protocol

import duckdb

from exhaust.errors import DISK_IS_FULL, DataError, DiskFull
from exhaust.extract.faults import NUL_PROBLEM, first_duplicate
from exhaust.extract.limits import MAX_COLUMNS, MAX_NAME_BYTES, MAX_RECORD_BYTES
from exhaust.extract.part import Part, literal
from exhaust.project import sql

READER: dict[str, str | bool | int | float | list[str]] = {
    "preserve_insertion_order": "false",
    "memory_limit": "1GB",
    # By default, DuckDB would spill into the working folder.
    "temp_directory": "",
}
"""Settings of a DuckDB that reads for another engine. The defaults keep the whole file in
memory."""

NUL_FOUND = "NUL in column "
LONG_FOUND = "too long a text in column "

identifier = partial(sql.identifier, engine="duckdb")


class DataFile(Protocol):
    """A file of an extract whose columns are known."""

    @property
    def part(self) -> Part: ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The names under which its columns land, in file order. Empty if the file is empty."""

    @property
    def group_key(self) -> object:
        """Equal for files that DuckDB can read together."""

    @property
    def sql_path(self) -> str:
        """The path that DuckDB opens, as SQL."""

    def reader_of(self, paths: str) -> str:
        """Returns a SELECT in DuckDB's SQL that gives the columns as text, exactly as they arrived.

        `paths` are the SQL paths, separated by commas, of files with the same group key.
        """

    def check(self, rows: int) -> None:
        """Raises DataError if `rows`, which DuckDB counted, differs from the rows of the file."""

    def fault(self, error: duckdb.Error) -> DataError:
        """Returns the problem on which DuckDB failed, with its line if known."""


def checked_select(texts: Iterable[tuple[str, str]], source: str) -> str:
    """Returns a SELECT that fails on a text that is too long or contains a NUL character.

    DuckDB would accept a NUL character; Postgres would refuse it.
    """
    names, expressions = zip(*texts, strict=True)
    inner = ", ".join(
        f"{expression} as {identifier(name)}"
        for name, expression in zip(names, expressions, strict=True)
    )
    outer = ", ".join(
        f"case when contains({column}, chr(0)) then error({literal(NUL_FOUND + name)}) "
        f"when strlen({column}) > {MAX_RECORD_BYTES} then error({literal(LONG_FOUND + name)}) "
        f"else {column} end as {column}"
        for name in names
        for column in [identifier(name)]
    )
    return f"select {outer} from (select {inner} from {source})"


def landed_names(part: Part, names: Sequence[str]) -> tuple[str, ...]:
    """Returns the names under which columns land. Raises DataError for names that cannot land."""
    landed = tuple(name.lower() for name in names)
    if len(landed) > MAX_COLUMNS:
        raise part.error(
            f"the file has {len(landed):,} columns; the limit is {MAX_COLUMNS:,}", line=1
        )
    if "" in landed:
        raise part.error(f"column {landed.index('') + 1} has no name", "Name it, or remove it.")
    if long_name := next((name for name in landed if len(name.encode()) > MAX_NAME_BYTES), None):
        raise part.error(
            f"the name of the column `{long_name}` is longer than {MAX_NAME_BYTES} bytes",
            "Shorten the name, or leave the column out.",
        )
    if duplicate := first_duplicate(landed):
        raise part.error(
            f"the column `{duplicate}` appears twice, ignoring case",
            "Keep one of them.",
        )
    return landed


def query(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(sql).fetchall()


def first_fault(part: Part, check: Callable[[BinaryIO], None]) -> DataError | None:
    """Returns the Fault that `check` raises for a part, as a DataError; None if it passes."""
    try:
        with part.open() as stream, part.faults_as_data_errors():
            check(stream)
    except DataError as fault:
        return fault
    return None


def no_room(error: duckdb.Error) -> DiskFull | None:
    """Returns the error for a full disk if that is what DuckDB failed on."""
    reason = str(error).splitlines()[0]
    return DiskFull(reason) if any(full in reason for full in DISK_IS_FULL) else None


def text_fault(part: Part, error: duckdb.Error) -> DataError | None:
    """Returns the problem if a SELECT of `checked_select` failed on a text."""
    reason = str(error)
    if NUL_FOUND in reason:
        return part.error(*NUL_PROBLEM)
    if LONG_FOUND in reason:
        column = reason.partition(LONG_FOUND)[2].splitlines()[0]
        return part.error(
            f"a value in column `{column}` is longer than {MAX_RECORD_BYTES >> 20} MiB",
            "No Sunbird value is that long. Unload the table again.",
        )
    return None


def unknown_fault(part: Part, error: duckdb.Error) -> DataError:
    reason = str(error).splitlines()[0].rstrip(".")
    return part.error(f"cannot load the file: {reason}")
