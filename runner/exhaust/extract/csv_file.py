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
    checked_select,
    first_fault,
    identifier,
    landed_names,
    query,
    text_fault,
    unknown_fault,
)
from exhaust.extract.faults import UTF8_PROBLEM
from exhaust.extract.limits import MAX_HEADER_BYTES, MAX_RECORD_BYTES
from exhaust.extract.part import Part, literal
from exhaust.extract.spool import Spool

EXTRA_COLUMN = "extra\x04"
"""A name that no real column has."""


@dataclass(frozen=True)
class CsvFile:
    """A CSV file whose header and escape are known."""

    part: Part
    columns: tuple[str, ...]
    escape: str
    """BACKSLASH, DOUBLED or CQLSH."""
    lines: int | None = None
    """The number of lines if each line is a record; None if a value may contain line breaks."""
    may_have_extra_fields: bool = False
    """Whether a record may have empty fields after its last column. DuckDB ignores those."""
    copy: Spool | None = field(default=None, repr=False, compare=False)
    """What DuckDB reads instead of the part, if the file is from cqlsh and has escapes."""
    unescape: Callable[[str], str] | None = field(default=None, repr=False, compare=False)
    """Turns SQL of a field of the copy into SQL of the unescaped text."""

    @property
    def sql_path(self) -> str:
        return literal(self.copy.path) if self.copy else self.part.sql_path

    @classmethod
    def open(
        cls,
        part: Part,
        escape: str,
        lines: int | None = None,
        *,
        may_have_extra_fields: bool = False,
    ) -> "CsvFile":
        """Reads the header of a CSV file. Raises DataError if it has none."""
        with part.open() as stream:
            head = stream.read(MAX_HEADER_BYTES)
        lines_of_head = io.BytesIO(head.removeprefix(codecs.BOM_UTF8))
        try:
            header = next(_rows((line.decode() for line in lines_of_head), escape), [])
        except UnicodeDecodeError as error:
            raise part.error(*UTF8_PROBLEM, 1) from error
        except csv.Error as error:
            raise part.error("cannot read the header", line=1) from error
        if len(head) == MAX_HEADER_BYTES and b"\n" not in head:
            raise part.error(f"the header is longer than {MAX_HEADER_BYTES >> 20} MiB", line=1)
        if not header:
            raise part.error(
                "the first line has no column names",
                "An empty table is a file with only a header.",
                line=1,
            )
        return cls(part, landed_names(part, header), escape, lines, may_have_extra_fields)

    @property
    def group_key(self) -> object:
        return (self.columns, self.escape, self.lines is None, self.unescape)

    def reader_of(self, paths: str) -> str:
        source = self._table(paths, self.columns)
        if self.unescape is None:
            return f"select * from {source}"
        texts = ((name, self.unescape(identifier(name))) for name in self.columns)
        return checked_select(texts, source)

    def seems_to_have_extra_fields(self, paths: str) -> bool:
        """Whether a record of these files has, or may have, more fields than there are columns."""
        if not self.may_have_extra_fields:
            return False
        # Missing fields become null, and no written field does, so non-null means an extra field.
        options = ", null_padding = true, nullstr = '\x04'"
        table = self._table(paths, (*self.columns, EXTRA_COLUMN), options)
        try:
            return query(f"select count({identifier(EXTRA_COLUMN)}) from {table}") != [(0,)]
        except duckdb.Error:
            return True

    def _table(self, paths: str, names: Sequence[str], options: str = "") -> str:
        """Returns the files as a table function of DuckDB."""
        columns = ", ".join(f"{literal(name)}: 'varchar'" for name in names)
        escape = BACKSLASH if self.escape == BACKSLASH else DOUBLED
        # DuckDB's parallel readers could start inside a value that contains line breaks.
        parallel = str(self.lines is not None).lower()
        return (
            f"read_csv([{paths}], auto_detect = false, header = true, "
            f"delim = ',', quote = '\"', escape = {literal(escape)}, strict_mode = true, "
            f"allow_quoted_nulls = false, parallel = {parallel}, hive_partitioning = false, "
            f"buffer_size = {MAX_RECORD_BYTES}, columns = {{{columns}}}{options})"
        )

    def check(self, rows: int) -> None:
        if self.seems_to_have_extra_fields(self.sql_path) and (fault := self.find_fault()):
            raise fault
        if self.lines is None or rows == self.lines - 1:
            return
        with self.part.open() as stream:
            records = sum(not line.isspace() for line in stream) - 1
        if rows != records:
            raise self.find_fault() or self.part.error(
                f"{rows:,} of {records:,} records were read",
                "Put quotes around every value that contains a quote or a line break.",
            )

    def can_be_read(self) -> bool:
        """Whether every record has as many fields as the header, according to DuckDB."""
        try:
            query(f"select count(*) from ({self.reader_of(self.part.sql_path)})")
        except duckdb.Error:
            return False
        return True

    def fault(self, error: duckdb.Error) -> DataError:
        if fault := text_fault(self.part, error):
            return fault
        return self.find_fault() or unknown_fault(self.part, error)

    def find_fault(self) -> DataError | None:
        """Returns the first fault of the file, or None.

        It reads line by line, so call it only for a file that is known to be faulty.
        """
        return first_fault(
            self.part, lambda stream: check_csv(stream, self.escape, len(self.columns))
        )


def _rows(lines: Iterable[str], escape: str) -> Iterator[list[str]]:
    csv.field_size_limit(MAX_HEADER_BYTES)
    if escape == DOUBLED:
        return csv.reader(lines, strict=True)
    return csv.reader(lines, strict=True, doublequote=False, escapechar=BACKSLASH)
