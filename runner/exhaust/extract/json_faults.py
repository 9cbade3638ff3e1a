"""Where and why a JSON file cannot be read, in plain words.

DuckDB reads files fast and tells of a fault in bytes or records, not lines. So a file on which it
failed is read once more by the functions here. What they find odd they let DuckDB look at: it takes
NaN and a comma after the last entry, for one, and both have to agree.
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
    NUL_PROBLEM,
    UTF8_PROBLEM,
    Fault,
    check_text,
    first_twice,
    too_long,
)

LONG = 1 << 20
"""Bytes of an object that DuckDB looks at: in Python, its values would take too much memory."""
STEP = 1 << 16
"""Characters of a file that are looked at first; then twice as many."""
LARGEST_STEP = 1 << 23
NEAR_THE_END = 16
"""Characters before the end of a text that may be wrong only because it goes on."""
BLANKS = re.compile(r"[ \t\r\n]*+")


ONE_A_LINE = "Each line has to be one, whole and alone, or the file an array of them."


def check_json_lines(stream: BinaryIO) -> None:
    """Raises the first Fault of a file that has an object in each line."""
    with duckdb.connect() as duck:
        for number, line in enumerate(_lines(stream), start=1):
            check_text(line, number)
            if line.strip():
                _check_line(line.decode(), number, duck)


def check_json_objects(stream: BinaryIO, *, is_array: bool) -> None:
    """Raises the first Fault of a file of objects that take several lines, or of an array."""
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
        raise text.fault("something follows the end of the array", "Put all rows into one array.")


def too_many_keys(line: int, keys: int) -> Fault:
    return Fault(
        line,
        f"the object has {keys:,} keys; {limits.MAX_COLUMNS:,} are the most",
        "Each key is a column. Is this a map that should be the value of one?",
    )


def too_many_entries(line: int) -> Fault:
    return Fault(
        line,
        f"the object has more than {limits.MAX_JSON_ENTRIES:,} brackets and commas",
        "No table of Sunbird has such values. Is the file damaged? Unload the table again.",
    )


class _Object(list[tuple[str, Any]]):
    """The names and values of a JSON object; a name may be there twice."""


# As floats, because Python refuses the longest integers.
_decoder = json.JSONDecoder(object_pairs_hook=_Object, parse_int=float)


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a file; of one that is too long, the beginning."""
    return iter(partial(stream.readline, limits.MAX_RECORD + 1), b"")


def _check_line(line: str, number: int, duck: duckdb.DuckDBPyConnection) -> None:
    reason = ""
    value = None
    if len(line) < LONG:
        try:
            value = _decoder.decode(line)
        except json.JSONDecodeError as error:
            reason = f" ({_reason(error)} at character {error.colno:,})"
        except RecursionError:
            reason = " (it is nested too deeply)"
    if value is None and (names := _names(line, duck)) is not None:
        value = _Object((name, None) for name in names)
    if not isinstance(value, _Object):
        raise Fault(number, f"this is not a JSON object{reason}", ONE_A_LINE)
    _check_object(value, number)


def _reason(error: json.JSONDecodeError) -> str:
    return (error.msg[0].lower() + error.msg[1:]).removesuffix(" at").removesuffix(" starting")


def _names(line: str, duck: duckdb.DuckDBPyConnection) -> list[str] | None:
    """The keys of an object as DuckDB reads it; None if it does not."""
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
    if twice := first_twice(names):
        raise Fault(line, f"the object has `{twice}` twice", "Keep one of them.")
    if any("\0" in text for pair in value for text in pair if isinstance(text, str)):
        raise Fault(line, *NUL_PROBLEM)
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise Fault(line, "half of a character stands alone (a \\ud8… or \\udc…)") from error


class _Text:
    """The text of a file, of which only what is looked at is in memory."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._text = ""
        self._at = 0
        self._size = 0
        """Bytes of the text."""
        self._lines_before = 0

    def next(self) -> str:
        """The next character that is not blank; empty at the end."""
        while True:
            blanks = BLANKS.match(self._text, self._at)
            self._at = blanks.end() if blanks else self._at
            if self._at < len(self._text) or not self._read(STEP):
                return self._text[self._at : self._at + 1]

    def take(self, character: str) -> None:
        if self.next() != character:
            found = f"`{self.next()}`" if self.next() else "the end of the file"
            raise self.fault(f"`{character}` was expected, but there is {found}")
        self._at += 1

    def take_object(self) -> None:
        if self.next() != "{":
            raise self.fault("this is not a JSON object", "Each entry of the array has to be one.")
        size = STEP
        while True:
            self._check_size()
            try:
                value, self._at = self._decoded()
            except json.JSONDecodeError as error:
                may_go_on = (
                    error.msg.startswith("Unterminated")
                    or error.pos > len(self._text) - NEAR_THE_END
                )
                at = error.pos - self._at
                if not (may_go_on and self._read(size)):
                    self._at += at
                    raise self.fault(f"this is not JSON ({_reason(error)})") from error
                size = min(2 * size, LARGEST_STEP)
            else:
                break
        _check_object(value, self._line())

    def fault(self, problem: str, hint: str | None = None) -> Fault:
        return Fault(self._line(), problem, hint)

    def _check_size(self) -> None:
        """Looks at all that was read: if the object had ended in it, it would have been taken."""
        if self._size > limits.MAX_RECORD + LARGEST_STEP:
            raise too_long(self._line(), "an object")
        if self._size > limits.MAX_JSON_ENTRIES:
            entries = sum(self._text.count(mark, self._at) for mark in ",[{")
            if entries > limits.MAX_JSON_ENTRIES:
                raise too_many_entries(self._line())

    def _decoded(self) -> tuple[_Object, int]:
        try:
            return _decoder.raw_decode(self._text, self._at)
        except RecursionError as error:
            raise self.fault("this is nested too deeply") from error

    def _line(self) -> int:
        return self._lines_before + self._text.count("\n", 0, self._at) + 1

    def _read(self, size: int) -> bool:
        """Reads on, and forgets what was taken."""
        data = self._stream.read(size)
        self._lines_before = self._line() - 1
        if self._at:
            self._text = self._text[self._at :]
            self._size = len(self._text.encode())
            self._at = 0
        self._size += len(data)
        try:
            self._text += self._decode(data, not data)
        except UnicodeDecodeError as error:
            lines = self._text.count("\n") + error.object.count(b"\n", 0, error.start)
            raise Fault(self._lines_before + lines + 1, *UTF8_PROBLEM) from error
        return bool(data)
