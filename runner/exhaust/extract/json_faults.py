"""Finds where and why a JSON file cannot be read.

DuckDB reads files fast but reports faults by byte or record, not by line. So a file that DuckDB
cannot read is read again here. A line that Python refuses is a fault only if DuckDB refuses it too:
DuckDB accepts a comma after the last entry, for example.
"""

import codecs
import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO

import duckdb

from exhaust.extract import limits
from exhaust.extract.faults import (
    DAMAGED_HINT,
    NUL_PROBLEM,
    UTF8_PROBLEM,
    Fault,
    check_text,
    first_duplicate,
    too_long_fault,
)

LONG_OBJECT_BYTES = 1 << 20
"""Length from which DuckDB checks an object. In Python its values would take too much memory."""
FIRST_READ_BYTES = 1 << 16
"""How much of a file is read first. The size then doubles with each read."""
MAX_READ_BYTES = 1 << 23
UNCERTAIN_TAIL_CHARACTERS = 16
"""An error so close to the end of the text may only mean that more must be read."""
WHITESPACE = re.compile(r"[ \t\r\n]*+")


OBJECT_HINT = "Write one JSON object per line, or one array of objects."


def check_json_lines(stream: BinaryIO) -> None:
    """Raises the first Fault of a file with an object in each line."""
    with duckdb.connect() as duck:
        for number, line in enumerate(_lines(stream), start=1):
            check_text(line, number)
            if line.strip():
                _check_line(line.decode(), number, duck)


def check_json_objects(stream: BinaryIO, *, is_array: bool) -> None:
    """Raises the first Fault of a file of multi-line objects, or of an array of objects."""
    text = _Text(stream)
    if not is_array:
        while text.next():
            text.take_object()
        return
    text.take("[")
    if text.next() != "]":
        text.take_object()
        while text.next() == ",":
            text.take(",")
            text.take_object()
    text.take("]")
    if text.next():
        raise text.fault("the array is followed by other text", "Put all rows into one array.")


def too_many_keys(line: int, keys: int) -> Fault:
    return Fault(
        line,
        f"the object has {keys:,} keys; the limit is {limits.MAX_COLUMNS:,}",
        "Each key becomes a column. Put a map with many keys into a single column.",
    )


def too_many_entries(line: int) -> Fault:
    return Fault(
        line,
        f"the object has more than {limits.MAX_JSON_ENTRIES:,} brackets and commas",
        f"No Sunbird table has such values. {DAMAGED_HINT}",
    )


class _Object(list[tuple[str, Any]]):
    """The names and values of a JSON object. Names may repeat."""


# Integers are parsed as floats because Python refuses very long ones.
_decoder = json.JSONDecoder(object_pairs_hook=_Object, parse_int=float)


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yields the lines of a file. A line that is too long is cut just above the limit."""
    return iter(partial(stream.readline, limits.MAX_RECORD_BYTES + 1), b"")


def _check_line(line: str, number: int, duck: duckdb.DuckDBPyConnection) -> None:
    reason = ""
    value = None
    if len(line) < LONG_OBJECT_BYTES:
        try:
            value = _decoder.decode(line)
        except json.JSONDecodeError as error:
            reason = f" ({_reason(error)} at character {error.colno:,})"
        except RecursionError:
            reason = " (nested too deeply)"
    if value is None and (names := _names(line, duck)) is not None:
        value = _Object((name, None) for name in names)
    if not isinstance(value, _Object):
        raise Fault(number, f"not a JSON object{reason}", OBJECT_HINT)
    _check_object(value, number)


def _reason(error: json.JSONDecodeError) -> str:
    return (error.msg[0].lower() + error.msg[1:]).removesuffix(" at").removesuffix(" starting")


def _names(line: str, duck: duckdb.DuckDBPyConnection) -> list[str] | None:
    """Returns the keys of an object as DuckDB reads them; None if it cannot."""
    try:
        found = duck.execute("select json_keys($1)", [line]).fetchone()
    except duckdb.Error:
        return None
    return found[0] if found and line.lstrip().startswith("{") else None


def _check_object(value: _Object, line: int) -> None:
    names = [name for name, _ in value]
    if not names:
        raise Fault(line, "the object has no keys", "Remove it, or unload the table again.")
    if len(names) > limits.MAX_COLUMNS:
        raise too_many_keys(line, len(names))
    if duplicate := first_duplicate(names):
        raise Fault(line, f"the object has the key `{duplicate}` twice", "Keep one of them.")
    if any("\0" in text for pair in value for text in pair if isinstance(text, str)):
        raise Fault(line, *NUL_PROBLEM)
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise Fault(line, "the text has an unpaired surrogate (\\ud8… or \\udc…)") from error


class _Text:
    """The text of a file. Only the part under inspection is in memory."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._text = ""
        self._position = 0
        self._size = 0
        """Length of the text in memory, in bytes."""
        self._lines_before = 0

    def next(self) -> str:
        """Returns the next character that is not whitespace; empty at the end."""
        while True:
            blanks = WHITESPACE.match(self._text, self._position)
            self._position = blanks.end() if blanks else self._position
            if self._position < len(self._text) or not self._read(FIRST_READ_BYTES):
                return self._text[self._position : self._position + 1]

    def take(self, character: str) -> None:
        if self.next() != character:
            found = f"`{self.next()}`" if self.next() else "the end of the file"
            raise self.fault(f"expected `{character}`, found {found}")
        self._position += 1

    def take_object(self) -> None:
        if self.next() != "{":
            raise self.fault("not a JSON object", "Each entry of the array must be a JSON object.")
        size = FIRST_READ_BYTES
        while True:
            self._check_size()
            try:
                value, self._position = self._decoded()
            except json.JSONDecodeError as error:
                may_go_on = (
                    error.msg.startswith("Unterminated")
                    or error.pos > len(self._text) - UNCERTAIN_TAIL_CHARACTERS
                )
                offset = error.pos - self._position
                if not (may_go_on and self._read(size)):
                    self._position += offset
                    raise self.fault(f"invalid JSON ({_reason(error)})") from error
                size = min(2 * size, MAX_READ_BYTES)
            else:
                break
        _check_object(value, self._line())

    def fault(self, problem: str, hint: str | None = None) -> Fault:
        return Fault(self._line(), problem, hint)

    def _check_size(self) -> None:
        """Raises Fault if the object exceeds a limit. It has not ended in the text read so far."""
        if self._size > limits.MAX_RECORD_BYTES + MAX_READ_BYTES:
            raise too_long_fault(self._line(), "the object")
        if self._size > limits.MAX_JSON_ENTRIES:
            entries = sum(self._text.count(mark, self._position) for mark in ",[{")
            if entries > limits.MAX_JSON_ENTRIES:
                raise too_many_entries(self._line())

    def _decoded(self) -> tuple[_Object, int]:
        try:
            return _decoder.raw_decode(self._text, self._position)
        except RecursionError as error:
            raise self.fault("the object is nested too deeply") from error

    def _line(self) -> int:
        return self._lines_before + self._text.count("\n", 0, self._position) + 1

    def _read(self, size: int) -> bool:
        """Reads on and drops what has been taken. Returns False at the end of the file."""
        data = self._stream.read(size)
        self._lines_before = self._line() - 1
        if self._position:
            self._text = self._text[self._position :]
            self._size = len(self._text.encode())
            self._position = 0
        self._size += len(data)
        try:
            self._text += self._decode(data, not data)
        except UnicodeDecodeError as error:
            lines = self._text.count("\n") + error.object.count(b"\n", 0, error.start)
            raise Fault(self._lines_before + lines + 1, *UTF8_PROBLEM) from error
        return bool(data)
