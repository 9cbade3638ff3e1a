"""A file of an extract, as bytes."""

import gzip
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from exhaust.errors import DataError
from exhaust.extract.beginnings import MAX_VALUE, check_beginning
from exhaust.extract.faults import Fault
from exhaust.extract.gunzip import unpacked
from exhaust.extract.spool import Spool, spooled
from exhaust.project import sql

ENDINGS = (".csv", ".csv.gz", ".json", ".json.gz", ".jsonl", ".jsonl.gz", ".parquet")

COPIED = 1 << 20
"""Bytes that are copied at a time."""

# It is DuckDB that reads the files, whatever the engine.
literal = partial(sql.literal, engine="duckdb")


@dataclass(frozen=True)
class Part:
    """A file of a table, or a member of an archive at `path`; `name` is its path within the
    extract, for messages."""

    path: Path
    name: str
    spool: Spool | None = field(default=None, compare=False, repr=False)
    """Its unpacked bytes, where DuckDB cannot read them as they lie: from here on, these count."""

    @property
    def ending(self) -> str:
        return next(ending for ending in ENDINGS if self.name.lower().endswith(ending))

    @property
    def is_csv(self) -> bool:
        return self.ending.startswith(".csv")

    @property
    def is_json(self) -> bool:
        return self.ending.startswith(".json")

    @property
    def is_parquet(self) -> bool:
        return self.ending == ".parquet"

    @property
    def size(self) -> int:
        """Bytes, packed or not, that there are to read."""
        return Path(self.opened).stat().st_size

    @contextmanager
    def open(self) -> Iterator[BufferedReader]:
        """Its bytes, unpacked.

        Raises DataError if it cannot be read, even later, or is not the text that its name
        promises.
        """
        try:
            with Path(self.opened).open("rb") as stream:
                if is_packed := not self.spool and self.ending.endswith(".gz"):
                    stream = unpacked(stream)
                if self.ending != ".parquet":
                    with self.plain_faults():
                        check_beginning(stream.peek(MAX_VALUE), is_unpacked=is_packed)
                yield stream
        except gzip.BadGzipFile as error:
            raise self.error(
                f"this is not a whole gzip file: {error}",
                "Copy it again from where it was written.",
            ) from error
        except OSError as error:
            raise self.error(f"this cannot be read: {error.strerror or error}") from error

    @contextmanager
    def plain_faults(self) -> Iterator[None]:
        """Turns a Fault of what was read into an DataError that names the file."""
        try:
            yield
        except Fault as fault:
            raise self.error(fault.problem, fault.hint, fault.line) from fault

    def spooled(self, skip: int = 0) -> "Part":
        """The same, for DuckDB to read its unpacked bytes but the first `skip`."""

        def write(file: BinaryIO) -> None:
            with self.open() as stream:
                stream.read(skip)
                shutil.copyfileobj(stream, file, COPIED)

        return replace(self, spool=spooled(write))

    def error(self, problem: str, hint: str | None = None, line: int | None = None) -> DataError:
        """An error that names the file and, where it is known, the line (from 1)."""
        where = self.name if line is None else f"{self.name}, line {line}"
        return DataError(f"{where}: {problem}.", hint or "Correct the file, or unload it again.")

    @property
    def opened(self) -> str:
        """The path that DuckDB opens."""
        return self.spool.path if self.spool else str(self.path.absolute())

    @property
    def pattern(self) -> str:
        """The path as a SQL literal that DuckDB expands to this very file."""
        return literal(re.sub(r"[*?\[]", r"[\g<0>]", self.opened))
