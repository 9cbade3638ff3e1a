"""A CSV file of an extract."""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import duckdb

from exhaust.errors import DataError
from exhaust.extract.csv_faults import check_csv
from exhaust.extract.csv_scan import BACKSLASH, DOUBLED
from exhaust.extract.data_file import (
    first_fault,
    identifier,
    landed,
    query,
    text_fault,
    unknown_fault,
    without_nul,
)
from exhaust.extract.faults import UTF8_PROBLEM
from exhaust.extract.limits import MAX_HEADER, MAX_RECORD
from exhaust.extract.part import Part, literal
from exhaust.extract.spool import Spool

SURPLUS = "surplus\x04"
"""A name that no column has."""


@dataclass(frozen=True)
class CsvFile:
    part: Part
    columns: tuple[str, ...]
    escape: str
    """BACKSLASH, DOUBLED or CQLSH."""
    lines: int | None = None
    """How many there are, if each is seen to be a record; None where a value may hold several."""
    may_have_surplus: bool = False
    """Whether a record may have empty fields after its last column: DuckDB passes by those."""
    copy: Spool | None = field(default=None, repr=False, compare=False)
    """What DuckDB reads in place of the part, if it is cqlsh's and has escapes."""
    text: Callable[[str], str] | None = field(default=None, repr=False, compare=False)
    """From SQL of a field of the copy to SQL of the text."""

    @property
    def opened(self) -> str:
        return literal(self.copy.path) if self.copy else self.part.pattern

    @classmethod
    def open(
        cls, part: Part, escape: str, lines: int | None = None, *, may_have_surplus: bool = False
    ) -> "CsvFile":
        """Reads the header of a CSV file."""
        with part.open() as stream:
            head = stream.read(MAX_HEADER)
        text = io.BytesIO(head.removeprefix(codecs.BOM_UTF8))
        try:
            header = next(_rows((line.decode() for line in text), escape), [])
        except UnicodeDecodeError as error:
            raise part.error(*UTF8_PROBLEM, 1) from error
        except csv.Error as error:
            raise part.error("there is no header that can be read", line=1) from error
        if len(head) == MAX_HEADER and b"\n" not in head:
            raise part.error(f"the header is longer than {MAX_HEADER >> 20} MiB", line=1)
        if not header:
            raise part.error(
                "the first line names no columns",
                "A table without rows is a header alone.",
                line=1,
            )
        return cls(part, landed(part, header), escape, lines, may_have_surplus)

    @property
    def form(self) -> object:
        return (self.columns, self.escape, self.lines is None, self.text)

    def reader_of(self, paths: str) -> str:
        source = self._table(paths, self.columns)
        if self.text is None:
            return f"select * from {source}"
        texts = ((name, self.text(identifier(name))) for name in self.columns)
        return without_nul(texts, source)

    def seems_to_have_surplus(self, paths: str) -> bool:
        """Whether a record of these files has, or may have, more fields than there are columns."""
        if not self.may_have_surplus:
            return False
        # Short records are filled up by null, and nothing that is written is null.
        others = ", null_padding = true, nullstr = '\x04'"
        table = self._table(paths, (*self.columns, SURPLUS), others)
        try:
            return query(f"select count({identifier(SURPLUS)}) from {table}") != [(0,)]
        except duckdb.Error:
            return True

    def _table(self, paths: str, names: Sequence[str], others: str = "") -> str:
        """Files as a table of DuckDB."""
        columns = ", ".join(f"{literal(name)}: 'varchar'" for name in names)
        escape = BACKSLASH if self.escape == BACKSLASH else DOUBLED
        # DuckDB's parallel readers would begin inside a value that holds new lines.
        parallel = str(self.lines is not None).lower()
        return (
            f"read_csv([{paths}], auto_detect = false, header = true, "
            f"delim = ',', quote = '\"', escape = {literal(escape)}, strict_mode = true, "
            f"allow_quoted_nulls = false, parallel = {parallel}, hive_partitioning = false, "
            f"buffer_size = {MAX_RECORD}, columns = {{{columns}}}{others})"
        )

    def check(self, rows: int) -> None:
        if self.seems_to_have_surplus(self.opened) and (fault := self.find_fault()):
            raise fault
        if self.lines is None or rows == self.lines - 1:
            return
        with self.part.open() as stream:
            records = sum(not line.isspace() for line in stream) - 1
        if rows != records:
            raise self.find_fault() or self.part.error(
                f"of {records:,} records {rows:,} were read",
                "Write values that hold a quote or a line break in quotes, all of them.",
            )

    def can_be_read(self) -> bool:
        """Whether DuckDB finds as many columns in every record as in the header."""
        try:
            query(f"select count(*) from ({self.reader_of(self.part.pattern)})")
        except duckdb.Error:
            return False
        return True

    def fault(self, error: duckdb.Error) -> DataError:
        if fault := text_fault(self.part, error):
            return fault
        return self.find_fault() or unknown_fault(self.part, error)

    def find_fault(self) -> DataError | None:
        """The first fault of the file. Reads it row by row: only for a file that has one."""
        return first_fault(
            self.part, lambda stream: check_csv(stream, self.escape, len(self.columns))
        )


def _rows(lines: Iterable[str], escape: str) -> Iterator[list[str]]:
    csv.field_size_limit(MAX_HEADER)
    if escape == DOUBLED:
        return csv.reader(lines, strict=True)
    return csv.reader(lines, strict=True, doublequote=False, escapechar=BACKSLASH)
