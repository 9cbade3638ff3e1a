"""Loads the cells of a file as they are: CSV in any form, or the sheets of an Excel file."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from exhaust.errors import DataError
from exhaust.reports.file_kind import is_workbook
from exhaust.reports.reading.csv_form import UTF_8, CsvForm, encoding_of, records
from exhaust.reports.reading.problem import Problem
from exhaust.reports.reading.workbook import sheet_rows
from exhaust.reports.table import load_csv
from exhaust.text import counted, visible

if TYPE_CHECKING:
    import duckdb

CHUNK = 1 << 20


@dataclass
class Raw:
    """A table of the cells of a file, as text: c1, c2, …; its rows are in the order of the file."""

    table: str
    form: CsvForm | None
    """None for an Excel file."""
    header: Sequence[str] = ()
    row_number: str = "cast(row_number as bigint)"
    """SQL: the number of a row in the file; the header is row 1."""
    uneven: Problem | None = None
    """Rows that do not have a value for each column."""
    faults: list[str] = field(default_factory=list)
    """Why the file could not be read to its end."""

    @property
    def names(self) -> list[str]:
        return [f"c{number}" for number in range(1, len(self.header) + 1)]


def load_raw(duck: "duckdb.DuckDBPyConnection", table: str, file: Path, scratch: Path) -> Raw:
    """Creates a table of the cells of a file. Raises DataError for a damaged one."""
    if is_workbook(file):
        raw = Raw(table, None)
        _stage(duck, raw, sheet_rows(file), scratch)
        return raw
    return _load_csv(duck, table, file, scratch)


def _load_csv(duck: "duckdb.DuckDBPyConnection", table: str, file: Path, scratch: Path) -> Raw:
    try:
        form = CsvForm.of(file, UTF_8)
        raw = Raw(table, form)
        if _load_directly(duck, raw, file, form):
            return raw
    except UnicodeDecodeError:
        pass
    form = CsvForm.of(file, encoding_of(file), "replace")
    raw = Raw(table, form)
    _stage(duck, raw, _numbered(raw, file, form), scratch)
    return raw


def _load_directly(duck: "duckdb.DuckDBPyConnection", raw: Raw, file: Path, form: CsvForm) -> bool:
    """Lets the engine read a CSV file, as far as that is proven to be right: it would pass over an
    unclosed quote, and over blank lines."""
    import duckdb

    if form.separator != "," or form.line_end not in ("\n", "\r\n"):
        return False
    try:
        number, lines, raw.header = next(records(file, form))
        if number > 1:
            return False
        rows = load_csv(duck, raw.table, file, raw.names, skip=lines)
    except (StopIteration, csv.Error, UnicodeDecodeError, duckdb.InvalidInputException):
        return False
    raw.row_number = "rowid + 2"
    # The rows of an unclosed quote, and blank lines, are missing.
    missing = _lines(file) - lines - rows
    if missing == 0 or missing == _lines_in_values(duck, raw):
        return True
    duck.execute(f"drop table {raw.table}")
    return False


def _lines(file: Path) -> int:
    lines, last = 0, b"\n"
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            lines += chunk.count(b"\n")
            last = chunk[-1:]
    return lines + (last != b"\n")


def _lines_in_values(duck: "duckdb.DuckDBPyConnection", raw: Raw) -> int:
    """Returns the number of line feeds in the values of a table."""
    found = " + ".join(
        f"coalesce(length({name}) - length(replace({name}, chr(10), '')), 0)" for name in raw.names
    )
    total = duck.execute(f"select sum({found}) from {raw.table}").fetchone()
    return int(total[0] or 0) if total else 0


def _numbered(raw: Raw, file: Path, form: CsvForm) -> Iterator[tuple[int, Sequence[str]]]:
    """Yields the records of a CSV file, the header first."""
    read = 0
    try:
        for number, _, record in records(file, form):
            yield number, record
            read = number
    except csv.Error:
        raw.faults.append(f"the file cannot be read after row {read:,}: a quote may not be closed")


def _stage(
    duck: "duckdb.DuckDBPyConnection",
    raw: Raw,
    rows: Iterator[tuple[int, Sequence[str]]],
    scratch: Path,
) -> None:
    """Creates the table of a file that the engine cannot read, by way of CSV that it can read."""
    import duckdb

    _, raw.header = next(rows, (0, ()))
    if not raw.header:
        raw.faults.append("the file has no header and no rows")
    staged = scratch / f"{raw.table}.csv"
    try:
        with staged.open("w", encoding="utf-8", newline="") as text:
            # With this line end, Python's writer quotes both of its characters in a value.
            csv.writer(text, lineterminator="\r\n").writerows(_even(raw, rows))
        load_csv(duck, raw.table, staged, ["row_number", *raw.names])
    except duckdb.InvalidInputException as error:
        raise DataError(
            f"The file cannot be read: {visible(str(error).splitlines()[0])}",
            "Use the file as it was exported.",
        ) from error
    finally:
        staged.unlink(missing_ok=True)


def _even(raw: Raw, rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[Sequence[str | int]]:
    """Yields rows with their numbers and as many values as there are columns."""
    width = len(raw.header)
    for number, values in rows:
        if len(values) != width:
            _add_uneven(raw, number, values)
            values = [*values[:width], *[""] * (width - len(values))]
        yield (number, *values)


def _add_uneven(raw: Raw, number: int, values: Sequence[str]) -> None:
    first = raw.uneven
    raw.uneven = Problem(
        what=f"a row that does not have {counted(len(raw.header), 'value')}",
        times=first.times + 1 if first else 1,
        row=first.row if first else number,
        label=raw.header[0] if raw.header else "",
        value=first.value if first else ",".join(values),
    )
