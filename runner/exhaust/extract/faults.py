"""What can be wrong in a line of a file, in plain words."""

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


def too_long(line: int, what: str = "this") -> Fault:
    return Fault(
        line,
        f"{what} is longer than {LONGEST_RECORD >> 20} MiB",
        "Is a quote opened that nothing closes, or is the file damaged? Unload the table again.",
    )


def check_text(line: bytes, number: int) -> None:
    """Raises a Fault if a line is too long, holds a NUL or is not UTF-8."""
    if len(line) > LONGEST_RECORD:
        raise too_long(number)
    if b"\0" in line:
        raise Fault(number, *NUL_PROBLEM)
    try:
        line.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(number, line, error.start) from error


def _not_utf8(number: int, line: bytes, place: int) -> Fault:
    problem, hint = UTF8_PROBLEM
    # If no other character is UTF-8 either, the whole file is something else, and not damaged.
    if line.decode(errors="ignore").isascii():
        problem = f"{problem}, but probably Windows-1252 or Latin-1"
        hint = conversion("WINDOWS-1252")
    return Fault(number, f"{problem} (byte 0x{line[place]:02X} at position {place + 1:,})", hint)


def conversion(encoding: str) -> str:
    """The hint for a file in another encoding."""
    return f"Write the extract in UTF-8, or convert the file: iconv -f {encoding} -t UTF-8."


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
    """The first of several names that is there twice."""
    seen = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
