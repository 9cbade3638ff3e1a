"""What can be wrong with a line of a file, as messages and hints."""

from collections.abc import Sequence

from exhaust.extract import limits

NUL_PROBLEM = (
    "the text contains a NUL character, which cannot be loaded",
    "Remove it at the source. If every line has one, the file is not UTF-8.",
)
UTF8_PROBLEM = ("the text is not UTF-8", "Write the extract in UTF-8.")


DAMAGED_HINT = "The file may be damaged. Unload the table again."


class Fault(Exception):
    """A problem in a line of a file (counted from 1), with a hint about what to do."""

    def __init__(self, line: int, problem: str, hint: str | None = None) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem
        self.hint = hint


def too_long_fault(line: int, what: str = "the line") -> Fault:
    return Fault(
        line,
        f"{what} is longer than {limits.MAX_RECORD_BYTES >> 20} MiB",
        "A quote may be unclosed, or the file damaged. Unload the table again.",
    )


def check_text(line: bytes, number: int) -> None:
    """Raises Fault if a line is too long, contains a NUL character or is not UTF-8."""
    if len(line) > limits.MAX_RECORD_BYTES:
        raise too_long_fault(number)
    if b"\0" in line:
        raise Fault(number, *NUL_PROBLEM)
    try:
        line.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(number, line, error.start) from error


def _not_utf8(number: int, line: bytes, offset: int) -> Fault:
    problem, hint = UTF8_PROBLEM
    problem = f"{problem} (byte 0x{line[offset]:02X} at position {offset + 1:,})"
    # If no other character is UTF-8 either, the file is in another encoding rather than damaged.
    if line.decode(errors="ignore").isascii():
        problem = f"{problem}, but probably Windows-1252 or Latin-1"
        hint = conversion_hint("WINDOWS-1252")
    return Fault(number, problem, hint)


def conversion_hint(encoding: str) -> str:
    """Returns the hint for a file in another encoding."""
    return f"Write the extract in UTF-8, or convert the file: iconv -f {encoding} -t UTF-8."


def first_duplicate(names: Sequence[str]) -> str | None:
    """Returns the first name that occurs a second time, or None."""
    seen = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
