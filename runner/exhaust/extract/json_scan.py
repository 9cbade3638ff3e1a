"""What the bytes of a JSON file say before DuckDB reads it."""

import codecs
import re
from dataclasses import dataclass
from typing import BinaryIO, Literal

from exhaust.extract import limits
from exhaust.extract.faults import NUL_PROBLEM, Fault, too_long
from exhaust.extract.gunzip import is_odd
from exhaust.extract.json_faults import ONE_A_LINE, too_many_entries

CHUNK = 1 << 18
"""Bytes: few enough for the processor's cache."""
BLANKS = b" \t\r\n"
PRETTY = re.compile(rb"\{[ \t]*+\r?\n")
"""How an object begins that takes several lines."""

Form = Literal["newline_delimited", "array", "unstructured"]
"""DuckDB's names of: an object a line; an array of objects; objects that take several lines."""


@dataclass(frozen=True)
class JsonScan:
    form: Form
    has_mark: bool
    """Whether the file begins with a byte order mark, which DuckDB refuses."""
    is_odd: bool
    """Whether the file was unpacked from gzip in a form that DuckDB refuses."""
    longest: int
    """Bytes that no line is longer than, where each is an object."""


def scan(stream: BinaryIO) -> JsonScan:
    """Reads a JSON file to its end, in chunks.

    Raises Fault for what is no JSON of any form, and for what would take DuckDB too much time or
    memory to find out.
    """
    form: Form | None = None
    has_mark = False
    lines = _Lines()
    chunk = stream.read(CHUNK)
    if chunk.startswith(codecs.BOM_UTF8):
        has_mark = True
        chunk = chunk.removeprefix(codecs.BOM_UTF8) or stream.read(CHUNK)
    while chunk:
        if form is None and chunk.lstrip(BLANKS):
            chunk += stream.read(CHUNK)
            beginning = chunk.lstrip(BLANKS)
            form = _form(beginning, lines.number + _lines_before(chunk, beginning))
        lines.read(chunk, are_rows=form == "newline_delimited")
        chunk = stream.read(CHUNK)
    return JsonScan(
        form or "newline_delimited", has_mark, is_odd(stream), max(lines.longest, CHUNK)
    )


def _form(beginning: bytes, line: int) -> Form:
    if beginning.startswith(b"["):
        return "array"
    if PRETTY.match(beginning):
        return "unstructured"
    if beginning.startswith(b"{"):
        return "newline_delimited"
    if beginning.startswith(b"\0"):
        raise Fault(line, *NUL_PROBLEM)
    raise Fault(line, "this is not a JSON object", ONE_A_LINE)


def _lines_before(chunk: bytes, rest: bytes) -> int:
    return chunk.count(b"\n", 0, len(chunk) - len(rest))


class _Lines:
    """Follows the lines of a file, and raises Fault for those that are beyond the limits."""

    def __init__(self) -> None:
        self.number = 1
        """Of the line in which the next chunk begins."""
        self.longest = 0
        """Bytes of the longest line that is not within a chunk."""
        self._size = 0
        """Bytes of the line so far."""
        self._entries = 0
        """At most so many as its object has, where it is longer than a chunk."""
        self._blanks = 0
        """Bytes of the blanks in which the last chunk ended."""
        self._is_outside = True
        """Whether a line begins in them; else they may be within a text."""

    def read(self, chunk: bytes, *, are_rows: bool) -> None:
        if b"\0" in chunk:
            raise Fault(self.number + chunk.count(b"\n", 0, chunk.index(b"\0")), *NUL_PROBLEM)
        self._follow_blanks(chunk)
        first_end = chunk.find(b"\n")
        self._size += len(chunk) if first_end < 0 else first_end
        self.longest = max(self.longest, self._size)
        if are_rows:
            self._check_row(chunk if first_end < 0 else chunk[:first_end])
        if first_end >= 0:
            self._size = len(chunk) - chunk.rfind(b"\n") - 1
            self._entries = 0
            self.number += chunk.count(b"\n")

    def _check_row(self, piece: bytes) -> None:
        if self._size > limits.MAX_RECORD:
            raise too_long(self.number)
        if self._size > len(piece):
            self._entries += piece.count(b",") + piece.count(b"[") + piece.count(b"{")
            if self._entries > limits.MAX_JSON_ENTRIES:
                raise too_many_entries(self.number)

    def _follow_blanks(self, chunk: bytes) -> None:
        rest = chunk.lstrip(BLANKS)
        leading = len(chunk) - len(rest)
        self._blanks += leading
        self._is_outside = self._is_outside or b"\n" in chunk[:leading]
        if self._is_outside and self._blanks > limits.MAX_BLANK:
            raise Fault(
                self.number,
                f"there are more than {limits.MAX_BLANK >> 20} MiB of blank lines",
                "Is the file damaged? Unload the table again.",
            )
        if rest:
            self._blanks = len(rest) - len(rest.rstrip(BLANKS))
            self._is_outside = b"\n" in rest[len(rest) - self._blanks :]
