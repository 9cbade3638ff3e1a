"""Standard output and standard error, where they are closed, full, or nobody reads them."""

import io
import os
import sys
from typing import BinaryIO, TextIO

from exhaust.errors import UsageError
from exhaust.reports.files import plain_errors


class Closed(io.TextIOWrapper):
    """Stands for a stream that was closed before the command began; it drops everything."""


def open_closed_streams() -> None:
    """Opens the standard streams that are closed.

    Otherwise a file that is opened next would get the number of a standard stream, and whatever
    writes to that stream would write to the file.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            mode = "r" if number == 0 else "w"
            _take_number(number)
            stream = Closed(open(number, f"{mode}b", closefd=False), encoding="utf-8")  # noqa: SIM115
            setattr(sys, name, stream)


def _take_number(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)


def standard_output() -> BinaryIO:
    """Returns standard output for bytes. Raises UsageError if it is closed."""
    if isinstance(sys.stdout, Closed):
        raise UsageError("Standard output is closed, and `-o -` writes to it.", "Give a file.")
    return sys.stdout.buffer


def print_line(text: str) -> None:
    """Prints a line of a result. Raises DiskFull or UsageError if standard output does not take it;
    a closed pipe stays a BrokenPipeError."""
    with plain_errors("Standard output"):
        print(text, flush=True)


def print_message(text: str) -> None:
    """Prints a line on standard error; if that does not take it, the result counts, and the message
    is lost."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        discard(sys.stderr)


def flush_output() -> None:
    """Writes what standard output still holds; raises as `print_line` does."""
    with plain_errors("Standard output"):
        sys.stdout.flush()


def drop_output() -> None:
    """Drops what standard output still holds, if it does not take it."""
    try:
        sys.stdout.flush()
    except OSError:
        discard(sys.stdout)


def discard(stream: TextIO) -> None:
    """Drops what a stream still holds: Python would write it once more when it ends, and fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
