"""Excel workbooks: XlsxWriter makes all but the rows, which the engine writes as XML."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, BinaryIO
from zipfile import ZIP64_LIMIT, ZIP_DEFLATED, ZipFile, ZipInfo

from exhaust.reports.formats.xlsx.about import About
from exhaust.reports.formats.xlsx.cells import day, sheet_row
from exhaust.reports.formats.xlsx.limits import check_limits
from exhaust.reports.formats.xlsx.skeleton import write_skeleton
from exhaust.reports.table import Rows
from exhaust.text import counted
from exhaust.warehouse.pipe import copy_lines_through_pipe, flat_memory

MAX_ROWS = 1_000_000
"""Of a sheet, without the header; Excel's own limit is 1,048,576."""

BLOCK = 1 << 20
"""Bytes that are compressed at once: always as many, so that they become the same bytes."""

MAX_GROWTH, MAX_MARKUP = 7, 80
"""Bytes of XML of a byte of text, as in `_x0001_`, and of a cell without its text."""


def write_xlsx(
    rows: Rows, about: About, file: BinaryIO, scratch: Path, advance: Callable[[int], None]
) -> None:
    """Writes a workbook with the rows, and the sheets Summary and About.

    Temporary files are in the folder `scratch`, and `advance` gets the number of rows just
    written. Raises DataError for what a sheet cannot hold, and duckdb.Error.
    """
    largest = MAX_GROWTH * check_limits(rows) + MAX_MARKUP * rows.rows * len(rows.columns)
    starts = range(0, max(rows.rows, 1), MAX_ROWS)
    sheets = {
        f"xl/worksheets/sheet{number}.xml": range(start, min(start + MAX_ROWS, rows.rows))
        for number, start in enumerate(starts, 1)
    }
    with flat_memory(rows.duck), TemporaryFile(dir=scratch) as skeleton:
        lengths = [len(part) for part in sheets.values()]
        write_skeleton(skeleton, scratch, rows, lengths, about, list(_notes(rows)))
        with ZipFile(skeleton) as source, ZipFile(file, "w") as target:
            for name in source.namelist():
                # The earliest date that a zip can have, as in files of Excel itself.
                part = ZipInfo(name)
                part.compress_type = ZIP_DEFLATED
                if name not in sheets:
                    target.writestr(part, source.read(name))
                    continue
                # Not every program reads ZIP64, so only large sheets get it.
                with target.open(part, "w", force_zip64=largest > ZIP64_LIMIT) as sheet:
                    _write_sheet(sheet, source.read(name), rows, sheets[name], advance)


def _write_sheet(
    sheet: IO[bytes], xml: bytes, rows: Rows, part: range, advance: Callable[[int], None]
) -> None:
    """Writes a sheet of the workbook with a part of the rows, given its XML without them."""
    before, row = xml.split(b'<row r="2"')
    row, end, after = row.partition(b"</sheetData>")
    styles = [int(style) for style in re.findall(rb' s="(\d+)"', row)]
    size = rb'(<dimension ref="A1:[A-Z]+)2"'
    sheet.write(re.sub(size, rb'\g<1>%d"' % (len(part) + 1), before))
    if part:
        source = rows.relation
        if len(part) < rows.rows:
            source = f"(select * from {source} limit {len(part)} offset {part.start})"
        select = f"select {sheet_row(rows.columns, styles)} from {source}"
        pending = bytearray()

        def write(data: bytes) -> None:
            pending.extend(data)
            while len(pending) >= BLOCK:
                sheet.write(pending[:BLOCK])
                del pending[:BLOCK]
            advance(data.count(b"\n"))

        copy_lines_through_pipe(rows.duck, select, write)
        sheet.write(pending)
    sheet.write(end + after)


def _notes(rows: Rows) -> Iterator[str]:
    """Yields what the sheets show in another way than the report's columns say."""
    dates = [column for column in rows.columns if column.kind == "date"]
    counts = [
        f"count(*) filter (where {column.name} is not null and {day(column)} is null)"
        for column in dates
    ]
    total = f"select {' + '.join(['0', *counts])} from {rows.relation}"
    found = rows.duck.execute(total).fetchone()
    if found and found[0]:
        are = "is" if found[0] == 1 else "are"
        yield (
            f"{counted(found[0], 'date')} before 1 March 1900 or after 31 December 9999 {are} text."
        )
