"""What can be wrong in a line of a file, in plain words."""

from collections.abc import Sequence

from exhaust.extract import limits

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
        f"{what} is longer than {limits.MAX_RECORD >> 20} MiB",
        "Is a quote opened that nothing closes, or is the file damaged? Unload the table again.",
    )


def check_text(line: bytes, number: int) -> None:
    """Raises a Fault if a line is too long, holds a NUL or is not UTF-8."""
    if len(line) > limits.MAX_RECORD:
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


def first_twice(names: Sequence[str]) -> str | None:
    """The first of several names that is there twice."""
    seen = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
