"""Where and why a file cannot be read, in plain words.

DuckDB reads files fast and tells of a fault in records, not lines. So a file on which it failed is
read once more, line by line, by the functions here.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from exhaust.extract.limits import LONGEST_RECORD

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


def check_text(line: bytes, number: int) -> None:
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
    check_text(line, number)
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
