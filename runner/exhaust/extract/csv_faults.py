"""Finds where and why a CSV file cannot be read.

DuckDB reads files fast but reports faults by record, not by line. So a file that DuckDB cannot read
is read again here, line by line.
"""

import codecs
import re
from typing import BinaryIO

from exhaust.extract.csv_scan import BACKSLASH, CQLSH, DOUBLED
from exhaust.extract.faults import Fault, check_text
from exhaust.extract.limits import MAX_COLUMNS, MAX_RECORD_BYTES

QUOTED = {
    DOUBLED: re.compile(rb'(?:[^"]|"")*+', re.DOTALL),
    BACKSLASH: re.compile(rb'(?:[^"\\]|\\.)*+', re.DOTALL),
    CQLSH: re.compile(rb'(?:[^"\\]|\\.)*+', re.DOTALL),
}
UNQUOTED = {
    DOUBLED: re.compile(rb"[^,\r\n]*+"),
    BACKSLASH: re.compile(rb"[^,\r\n]*+"),
    CQLSH: re.compile(rb"(?:[^,\r\n\\]|\\.)*+"),
}
OPENING = re.compile(rb' *+"')
AFTER_QUOTED = re.compile(rb" *+(?=[,\r\n]|$)")

TEXT_AFTER_QUOTE = (
    "a closing quote is followed by other text",
    "Inside a quoted value, double each quote or put a backslash before it.",
)
MIXED_LINE_ENDS = (
    "a carriage return is outside quotes, or the line endings are mixed",
    "Quote the value that contains it, and end all lines in LF or all in CR LF.",
)
UNCLOSED_QUOTE = (
    "an opening quote is never closed",
    "The file may be truncated. Correct the line, or unload the table again.",
)


def check_csv(stream: BinaryIO, escape: str, width: int) -> None:
    """Raises the first Fault of a CSV file with `width` columns, as DuckDB would see it."""
    record_line = fields = 1
    size = 0
    first_line_end: bytes | None = None
    is_quoted = False
    for number, line in enumerate(stream, start=1):
        check_text(line, number)
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if not is_quoted:
            record_line, fields, size = number, 1, 0
        size += len(line)
        if size > MAX_RECORD_BYTES:
            raise Fault(record_line, f"a value is longer than {MAX_RECORD_BYTES >> 20} MiB")
        is_blank = not is_quoted and not line.strip(b"\r\n")
        offset = 0
        while True:
            if is_quoted:
                offset = _end(QUOTED[escape], line, offset)
                if offset == len(line):
                    break
                is_quoted = False
                closed = AFTER_QUOTED.match(line, offset + 1)
                if closed is None:
                    raise Fault(number, *TEXT_AFTER_QUOTE)
                offset = closed.end()
            elif opening := OPENING.match(line, offset):
                is_quoted = True
                offset = opening.end()
                continue
            else:
                offset = _end(UNQUOTED[escape], line, offset)
            if line.startswith(b",", offset):
                offset += 1
                fields += 1
                if fields > MAX_COLUMNS:
                    raise Fault(number, f"the line has more than {MAX_COLUMNS:,} columns")
                continue
            line_end = line[offset:]
            first_line_end = first_line_end or line_end
            if line_end not in (b"", first_line_end):
                raise Fault(number, *MIXED_LINE_ENDS)
            if fields != width and not is_blank:
                raise Fault(
                    record_line,
                    f"expected {width} columns, found {fields}",
                    "A value may contain a comma or a quote that is not quoted. "
                    "Correct the line, or unload the table again.",
                )
            break
    if is_quoted:
        raise Fault(record_line, *UNCLOSED_QUOTE)


def _end(pattern: re.Pattern[bytes], line: bytes, offset: int) -> int:
    """Returns where a pattern ends that always matches."""
    match = pattern.match(line, offset)
    assert match is not None  # noqa: S101
    return match.end()
