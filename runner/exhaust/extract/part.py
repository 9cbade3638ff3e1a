"""A file of an extract, as bytes."""

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from exhaust import sql
from exhaust.errors import Unfit
from exhaust.extract.faults import Fault
from exhaust.extract.spool import Spool

ENDINGS = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet")

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
    def size(self) -> int:
        """Bytes, packed or not, that there are to read."""
        return Path(self.spool.path if self.spool else self.path).stat().st_size

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Its bytes, unpacked."""
        try:
            with (
                Path(self.spool.path).open("rb")
                if self.spool
                else cast(BinaryIO, gzip.open(self.path))
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

    @contextmanager
    def plain_faults(self) -> Iterator[None]:
        """Turns a Fault of what was read into an Unfit that names the file."""
        try:
            yield
        except Fault as fault:
            raise self.unfit(fault.problem, fault.hint, fault.line) from fault

    def check(self) -> None:
        """Raises Unfit if it cannot be opened: DuckDB would not say why."""
        with self.open():
            pass

    def unfit(self, problem: str, hint: str | None = None, line: int | None = None) -> Unfit:
        """An error that names the file and, where it is known, the line (from 1)."""
        where = self.name if line is None else f"{self.name}, line {line}"
        return Unfit(f"{where}: {problem}.", hint or "Correct the file, or unload it again.")

    @property
    def pattern(self) -> str:
        """The path as a SQL literal that DuckDB expands to this very file."""
        if self.spool:
            return literal(self.spool.path)
        return literal(re.sub(r"[*?\[]", r"[\g<0>]", str(self.path.absolute())))
