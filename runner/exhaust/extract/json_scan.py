"""Finds out what the bytes of a JSON file reveal before DuckDB reads it."""

import codecs
import re
from dataclasses import dataclass
from typing import BinaryIO, Literal

from exhaust.extract import limits
from exhaust.extract.faults import DAMAGED_HINT, NUL_PROBLEM, Fault, too_long_fault
from exhaust.extract.gunzip import is_refused_by_duckdb
from exhaust.extract.json_faults import OBJECT_HINT, too_many_entries

CHUNK_BYTES = 1 << 18
"""How much is read at a time: little enough to stay in the processor cache."""
WHITESPACE = b" \t\r\n"
MULTILINE_OBJECT = re.compile(rb"\{[ \t]*+\r?\n")
"""The start of an object that spans several lines."""

JsonFormat = Literal["newline_delimited", "array", "unstructured"]
"""DuckDB's names for an object per line, an array of objects, and multi-line objects."""


@dataclass(frozen=True)
class JsonScan:
    """What the bytes of a JSON file reveal."""

    format: JsonFormat
    has_bom: bool
    """Whether the file begins with a byte order mark, which DuckDB refuses."""
    needs_decompression: bool
    """Whether the file is compressed in a way that DuckDB cannot read."""
    longest_line_bytes: int
    """No line is longer than this, if each line is an object."""


def scan(stream: BinaryIO) -> JsonScan:
    """Reads a JSON file to its end, in chunks.

    Raises Fault for text that is not JSON in any format, and for anything that would cost DuckDB
    too much time or memory to refuse.
    """
    found: JsonFormat | None = None
    has_bom = False
    lines = _LineTracker()
    chunk = stream.read(CHUNK_BYTES)
    if chunk.startswith(codecs.BOM_UTF8):
        has_bom = True
        chunk = chunk.removeprefix(codecs.BOM_UTF8) or stream.read(CHUNK_BYTES)
    while chunk:
        if found is None and chunk.lstrip(WHITESPACE):
            chunk += stream.read(CHUNK_BYTES)
            head = chunk.lstrip(WHITESPACE)
            found = _format(head, lines.number + _lines_before(chunk, head))
        lines.read(chunk, are_rows=found == "newline_delimited")
        chunk = stream.read(CHUNK_BYTES)
    return JsonScan(
        found or "newline_delimited",
        has_bom,
        is_refused_by_duckdb(stream),
        max(lines.longest_line_bytes, CHUNK_BYTES),
    )


def _format(head: bytes, line: int) -> JsonFormat:
    if head.startswith(b"["):
        return "array"
    if MULTILINE_OBJECT.match(head):
        return "unstructured"
    if head.startswith(b"{"):
        return "newline_delimited"
    if head.startswith(b"\0"):
        raise Fault(line, *NUL_PROBLEM)
    raise Fault(line, "not a JSON object", OBJECT_HINT)


def _lines_before(chunk: bytes, rest: bytes) -> int:
    return chunk.count(b"\n", 0, len(chunk) - len(rest))


class _LineTracker:
    """Tracks the lines of a file and raises Fault for lines over the limits."""

    def __init__(self) -> None:
        self.number = 1
        """Number of the line in which the next chunk begins."""
        self.longest_line_bytes = 0
        """Length of the longest line that is not within one chunk."""
        self._line_bytes = 0
        """Length of the current line so far."""
        self._entries = 0
        """Entries of the current line so far, if it is longer than a chunk."""
        self._whitespace_bytes = 0
        """Length of the whitespace at the end of the last chunk."""
        self._is_between_lines = True
        """Whether that whitespace contains a line break. If not, it may be part of a text."""

    def read(self, chunk: bytes, *, are_rows: bool) -> None:
        if b"\0" in chunk:
            raise Fault(self.number + chunk.count(b"\n", 0, chunk.index(b"\0")), *NUL_PROBLEM)
        self._track_whitespace(chunk)
        first_end = chunk.find(b"\n")
        self._line_bytes += len(chunk) if first_end < 0 else first_end
        self.longest_line_bytes = max(self.longest_line_bytes, self._line_bytes)
        if are_rows:
            self._check_row(chunk if first_end < 0 else chunk[:first_end])
        if first_end >= 0:
            self._line_bytes = len(chunk) - chunk.rfind(b"\n") - 1
            self._entries = 0
            self.number += chunk.count(b"\n")

    def _check_row(self, piece: bytes) -> None:
        if self._line_bytes > limits.MAX_RECORD_BYTES:
            raise too_long_fault(self.number)
        if self._line_bytes > len(piece):
            self._entries += piece.count(b",") + piece.count(b"[") + piece.count(b"{")
            if self._entries > limits.MAX_JSON_ENTRIES:
                raise too_many_entries(self.number)

    def _track_whitespace(self, chunk: bytes) -> None:
        rest = chunk.lstrip(WHITESPACE)
        leading = len(chunk) - len(rest)
        self._whitespace_bytes += leading
        self._is_between_lines = self._is_between_lines or b"\n" in chunk[:leading]
        if self._is_between_lines and self._whitespace_bytes > limits.MAX_BLANK_BYTES:
            raise Fault(
                self.number,
                f"more than {limits.MAX_BLANK_BYTES >> 20} MiB of consecutive blank lines",
                DAMAGED_HINT,
            )
        if rest:
            self._whitespace_bytes = len(rest) - len(rest.rstrip(WHITESPACE))
            self._is_between_lines = b"\n" in rest[len(rest) - self._whitespace_bytes :]
