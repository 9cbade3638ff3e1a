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
from exhaust.extract.faults import Fault
from exhaust.extract.file_magic import HEAD_BYTES, check_magic
from exhaust.extract.gunzip import decompressed
from exhaust.extract.spool import Spool, spooled
from exhaust.project import sql

ENDINGS = (".csv", ".csv.gz", ".json", ".json.gz", ".jsonl", ".jsonl.gz", ".parquet")

COPY_BYTES = 1 << 20
"""How many bytes are copied at a time."""

# DuckDB reads the files, whatever the engine.
literal = partial(sql.literal, engine="duckdb")


@dataclass(frozen=True)
class Part:
    """A file of a table, or a member of the archive at `path`.

    `name` is its path within the extract, as shown in messages.
    """

    path: Path
    name: str
    spool: Spool | None = field(default=None, compare=False, repr=False)
    """Its decompressed bytes, if DuckDB cannot read the file itself. They then replace the file."""

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
        """Returns the bytes to read, compressed or not."""
        return Path(self.readable_path).stat().st_size

    @contextmanager
    def open(self) -> Iterator[BufferedReader]:
        """Opens the decompressed bytes.

        Raises DataError if the file cannot be read, even later while reading, or if its first bytes
        show that it is not the text that its name promises.
        """
        try:
            with Path(self.readable_path).open("rb") as stream:
                if is_gzip := not self.spool and self.ending.endswith(".gz"):
                    stream = decompressed(stream)
                if self.ending != ".parquet":
                    with self.faults_as_data_errors():
                        check_magic(stream.peek(HEAD_BYTES), is_decompressed=is_gzip)
                yield stream
        except gzip.BadGzipFile as error:
            raise self.error(
                f"invalid gzip file: {error}",
                "Copy it again from the source.",
            ) from error
        except OSError as error:
            raise self.error(f"cannot read the file: {error.strerror or error}") from error

    @contextmanager
    def faults_as_data_errors(self) -> Iterator[None]:
        """Turns a Fault raised in the block into a DataError that names the file."""
        try:
            yield
        except Fault as fault:
            raise self.error(fault.problem, fault.hint, fault.line) from fault

    def spooled(self, skip: int = 0) -> "Part":
        """Returns the same part with a spool of its decompressed bytes, without the first
        `skip`."""

        def write(file: BinaryIO) -> None:
            with self.open() as stream:
                stream.read(skip)
                shutil.copyfileobj(stream, file, COPY_BYTES)

        return replace(self, spool=spooled(write))

    def error(self, problem: str, hint: str | None = None, line: int | None = None) -> DataError:
        """Returns an error that names the file and, if known, the line (from 1)."""
        where = self.name if line is None else f"{self.name}, line {line}"
        return DataError(
            f"{where}: {problem}.", hint or "Correct the file, or unload the table again."
        )

    @property
    def readable_path(self) -> str:
        """Returns the path that DuckDB opens."""
        return self.spool.path if self.spool else str(self.path.absolute())

    @property
    def sql_path(self) -> str:
        """Returns the path as a SQL literal with escaped wildcards."""
        return literal(re.sub(r"[*?\[]", r"[\g<0>]", self.readable_path))
