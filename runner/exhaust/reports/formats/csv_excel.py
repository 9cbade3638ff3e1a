"""CSV that spreadsheet programs open without changing values: docs/formats.md states its form."""

from collections.abc import Callable
from typing import BinaryIO

from exhaust.project.sql import literal
from exhaust.reports.formats.guard import guarded
from exhaust.reports.table import ReportColumn, Rows, as_kept
from exhaust.warehouse.pipe import copy_through_pipe, flat_memory

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Without it, Excel does not read a file as UTF-8."""

ID_COLUMNS = ("course_id", "batch_id", "user_id", "school_id")
"""Those that a spreadsheet program would take for numbers."""

MAX_FORMULA_TEXT = 255
"""Characters: a longer text in a formula is an error in Excel."""

SWAPPED = bytes.maketrans(b"\r\n", b"\n\r")


def write_csv_excel(rows: Rows, file: BinaryIO, advance: Callable[[int], None]) -> None:
    """Writes the rows with their header; `advance` gets the number of rows just written.

    Line breaks inside values are LF, and rows end in CRLF. Raises duckdb.Error.
    """

    def write(data: bytes) -> None:
        # The engine's rows end in LF, and the line breaks inside values are CR.
        file.write(data.translate(SWAPPED).replace(b"\r", b"\r\n"))

    def write_rows(data: bytes) -> None:
        write(data)
        advance(data.count(b"\n"))

    header = ", ".join(_with_cr(guarded(_kept_text(column.header))) for column in rows.columns)
    values = ", ".join(_with_cr(_value(column)) for column in rows.columns)
    with flat_memory(rows.duck):
        file.write(BYTE_ORDER_MARK)
        copy_through_pipe(rows.duck, f"select {header}", write)
        copy_through_pipe(rows.duck, f"select {values} from {rows.relation}", write_rows)


def _kept_text(text: str) -> str:
    return as_kept(literal(text, "duckdb"))


def _value(column: ReportColumn) -> str:
    """Returns a column's value as SQL, with LF as its line break."""
    value = as_kept(column.name)
    if column.id in ID_COLUMNS and column.assessment_ordinal is None:
        return (
            f"case when length({value}) <= {MAX_FORMULA_TEXT} "
            f"then '=\"' || replace({value}, '\"', '\"\"') || '\"' else {guarded(value)} end"
        )
    if column.kind == "date":
        day, month, year = (f"split_part({value}, '/', {part})" for part in (1, 2, 3))
        return f"{year} || '-' || {month} || '-' || {day}"
    if column.kind == "text":
        return guarded(value)
    return value


def _with_cr(value: str) -> str:
    return f"replace({value}, chr(10), chr(13))"
