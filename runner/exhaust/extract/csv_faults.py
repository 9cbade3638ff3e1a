"""Where and why a CSV file cannot be read, in plain words.

DuckDB reads files fast and tells of a fault in records, not lines. So a file on which it failed is
read once more, line by line, by the function here.
"""

import codecs
import re
from typing import BinaryIO

from exhaust.extract.csv_scan import BACKSLASH, CQLSH, DOUBLED
from exhaust.extract.faults import Fault, check_text
from exhaust.extract.limits import MAX_COLUMNS, MAX_RECORD

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


def check_csv(stream: BinaryIO, escape: str, width: int) -> None:
    """Raises the first Fault of a CSV file of so many columns, as DuckDB would see it."""
    start = found = 1
    size = 0
    first_end: bytes | None = None
    is_quoted = False
    for number, line in enumerate(stream, start=1):
        check_text(line, number)
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if not is_quoted:
            start, found, size = number, 1, 0
        size += len(line)
        if size > MAX_RECORD:
            raise Fault(start, f"a value is longer than {MAX_RECORD >> 20} MiB")
        is_blank = not is_quoted and not line.strip(b"\r\n")
        at = 0
        while True:
            if is_quoted:
                at = _end(QUOTED[escape], line, at)
                if at == len(line):
                    break
                is_quoted = False
                closed = AFTER_QUOTED.match(line, at + 1)
                if closed is None:
                    raise Fault(
                        number,
                        "something follows the closing quote of a value",
                        "A quote inside a value is written as two, or with a backslash before it.",
                    )
                at = closed.end()
            elif opening := OPENING.match(line, at):
                is_quoted = True
                at = opening.end()
                continue
            else:
                at = _end(UNQUOTED[escape], line, at)
            if line.startswith(b",", at):
                at += 1
                found += 1
                if found > MAX_COLUMNS:
                    raise Fault(number, f"there are more than {MAX_COLUMNS:,} columns")
                continue
            end = line[at:]
            first_end = first_end or end
            if end not in (b"", first_end):
                raise Fault(
                    number,
                    "there is a carriage return outside quotes, or lines end in two ways",
                    "Quote the value that holds it; end all lines alike, in LF or in CR LF.",
                )
            if found != width and not is_blank:
                raise Fault(
                    start,
                    f"expected {width} columns, found {found}",
                    "Is a comma or a quote in a value not quoted? "
                    "Correct the line, or unload the table again.",
                )
            break
    if is_quoted:
        raise Fault(
            start,
            "a quote is opened that nothing closes",
            "Is the file cut short? Correct the line, or unload the table again.",
        )


def _end(pattern: re.Pattern[bytes], line: bytes, at: int) -> int:
    """Where a pattern that always matches ends."""
    match = pattern.match(line, at)
    assert match is not None  # noqa: S101
    return match.end()
