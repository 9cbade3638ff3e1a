"""Where and why a file cannot be read, in plain words.

DuckDB reads files fast and tells of a fault in records, not lines. So a file on which it failed is
read once more, line by line, by the functions here.
"""

import codecs
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO

from exhaust.extract.dialect import BACKSLASH, DOUBLED, LONGEST_RECORD

NUL_PROBLEM = (
    "there is a NUL character, which no text may hold",
    "Remove it where the data comes from; if it is in every line, the file is not UTF-8.",
)
UTF8_PROBLEM = ("this is not UTF-8", "Write the extract in UTF-8.")


class Fault(Exception):
    """What is wrong in a line of a file (counted from 1), and what to do."""

    def __init__(self, line: int, problem: str, hint: str | None = None) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem
        self.hint = hint


QUOTED = {
    DOUBLED: re.compile(rb'(?:[^"]|"")*+', re.DOTALL),
    BACKSLASH: re.compile(rb'(?:[^"\\]|\\.)*+', re.DOTALL),
}
UNQUOTED = re.compile(rb"[^,\r\n]*+")
OPENING = re.compile(rb' *+"')
AFTER_QUOTED = re.compile(rb" *+(?=[,\r\n]|$)")


def check_csv(stream: BinaryIO, escape: str, width: int) -> None:
    """Raises the first Fault of a CSV file of so many columns, as DuckDB would see it."""
    start = found = 1
    first_end: bytes | None = None
    is_quoted = False
    for number, line in enumerate(stream, start=1):
        _check_text(line, number)
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if not is_quoted:
            start, found = number, 1
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
                at = _end(UNQUOTED, line, at)
            if line.startswith(b",", at):
                at += 1
                found += 1
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


def _check_text(line: bytes, number: int) -> None:
    if len(line) > LONGEST_RECORD:
        raise Fault(number, f"this is longer than {LONGEST_RECORD >> 20} MiB")
    if b"\0" in line:
        raise Fault(number, *NUL_PROBLEM)
    try:
        line.decode()
    except UnicodeDecodeError as error:
        raise Fault(number, *UTF8_PROBLEM) from error


class _Object(list[tuple[str, Any]]):
    """The names and values of a JSON object; a name may be there twice."""


def check_json_lines(lines: Iterable[bytes]) -> None:
    """Raises the first Fault of a file of JSON lines."""
    for number, line in enumerate(lines, start=1):
        _check_object(line, number)


def _check_object(line: bytes, number: int) -> None:
    _check_text(line, number)
    if not line.strip():
        return
    try:
        value = json.loads(line.decode(), object_pairs_hook=_Object)
        json.dumps(value, ensure_ascii=False).encode()
    except (json.JSONDecodeError, RecursionError):
        value = None
    except UnicodeEncodeError as error:
        raise Fault(number, "half of a character stands alone (a \\ud8… or \\udc…)") from error
    if not isinstance(value, _Object):
        raise Fault(
            number, "this is not a JSON object", "Each line has to be one, whole and alone."
        )
    if twice := first_twice([name for name, _ in value]):
        raise Fault(number, f"the object has `{twice}` twice", "Keep one of them.")
    if any(isinstance(text, str) and "\0" in text for _, text in value):
        raise Fault(number, *NUL_PROBLEM)


def first_twice(names: Sequence[str]) -> str | None:
    """The first of several names that stands there twice."""
    return next((name for name in names if names.count(name) > 1), None)
