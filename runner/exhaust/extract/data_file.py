"""What data files of every kind share: columns, how DuckDB reads them, what is wrong with them."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, BinaryIO, Protocol

import duckdb

from exhaust.errors import DataError, DiskFull
from exhaust.extract.faults import NUL_PROBLEM, first_twice
from exhaust.extract.limits import MAX_COLUMNS, MAX_NAME, MAX_RECORD
from exhaust.extract.part import Part, literal
from exhaust.project import sql

READER: dict[str, str | bool | int | float | list[str]] = {
    "preserve_insertion_order": "false",
    "memory_limit": "1GB",
    # It would spill into the working folder.
    "temp_directory": "",
}
"""Settings of a DuckDB that reads for another engine: it would else keep the file in memory."""

DISK_IS_FULL = ("No space left on device", "File too large", "Disk quota exceeded")
"""What the system says."""

NUL_FOUND = "NUL in column "
LONG_FOUND = "too long a text in column "

identifier = partial(sql.identifier, engine="duckdb")


class DataFile(Protocol):
    """A file that was looked into."""

    @property
    def part(self) -> Part: ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The names under which its columns land, in its own order; none if it is empty."""

    @property
    def form(self) -> object:
        """What it has in common with the files that can be read together with it."""

    @property
    def opened(self) -> str:
        """The path that DuckDB opens, as SQL."""

    def reader_of(self, paths: str) -> str:
        """A SELECT in DuckDB's SQL that gives the columns, all text, exactly as they arrived.

        `paths` are those of files of this form, as SQL.
        """

    def check(self, rows: int) -> None:
        """Raises DataError if `rows`, which DuckDB found, cannot be all."""

    def fault(self, error: duckdb.Error) -> DataError:
        """What is wrong with the file on which DuckDB failed, and in which line."""


def without_nul(texts: Iterable[tuple[str, str]], source: str) -> str:
    """A SELECT that fails on a NUL character, which DuckDB would take and Postgres refuse, and on
    a text that is too long."""
    names, expressions = zip(*texts, strict=True)
    inner = ", ".join(
        f"{expression} as {identifier(name)}"
        for name, expression in zip(names, expressions, strict=True)
    )
    outer = ", ".join(
        f"case when contains({column}, chr(0)) then error({literal(NUL_FOUND + name)}) "
        f"when strlen({column}) > {MAX_RECORD} then error({literal(LONG_FOUND + name)}) "
        f"else {column} end as {column}"
        for name in names
        for column in [identifier(name)]
    )
    return f"select {outer} from (select {inner} from {source})"


def landed(part: Part, names: Sequence[str]) -> tuple[str, ...]:
    landed = tuple(name.lower() for name in names)
    if len(landed) > MAX_COLUMNS:
        raise part.error(f"there are {len(landed):,} columns; {MAX_COLUMNS:,} are the most", line=1)
    if "" in landed:
        raise part.error(f"column {landed.index('') + 1} has no name", "Name it, or remove it.")
    if too_long := next((name for name in landed if len(name.encode()) > MAX_NAME), None):
        raise part.error(
            f"the name of the column `{too_long}` is longer than {MAX_NAME} bytes",
            "Give it a shorter one, or leave the column out.",
        )
    if twice := first_twice(landed):
        raise part.error(
            f"the column `{twice}` is there twice, in one spelling or two",
            "Keep one of them.",
        )
    return landed


def query(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(sql).fetchall()


def first_fault(part: Part, check: Callable[[BinaryIO], None]) -> DataError | None:
    """What `check` raises as a Fault of a part's bytes, if it raises one."""
    try:
        with part.open() as stream, part.plain_faults():
            check(stream)
    except DataError as fault:
        return fault
    return None


def no_room(error: duckdb.Error) -> DiskFull | None:
    """What DuckDB failed on, if it is that a file could not grow."""
    reason = str(error).splitlines()[0]
    return DiskFull(reason) if any(full in reason for full in DISK_IS_FULL) else None


def text_fault(part: Part, error: duckdb.Error) -> DataError | None:
    """What a SELECT of `without_nul` failed on, if it is a text."""
    reason = str(error)
    if NUL_FOUND in reason:
        return part.error(*NUL_PROBLEM)
    if LONG_FOUND in reason:
        column = reason.partition(LONG_FOUND)[2].splitlines()[0]
        return part.error(
            f"a value of the column `{column}` is longer than {MAX_RECORD >> 20} MiB",
            "No value of Sunbird's is so long. Unload the table again.",
        )
    return None


def unknown_fault(part: Part, error: duckdb.Error) -> DataError:
    reason = str(error).splitlines()[0].rstrip(".")
    return part.error(f"this cannot be loaded: {reason}")
