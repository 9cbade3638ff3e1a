"""Every error that a user can meet, with its exit code.

    ExhaustError           1   unexpected failure
    ├── DiskFull           1   a disk has no room
    ├── UsageError         2   wrong usage, including a folder that does not exist
    ├── NotFound           3   no such course, batch, request, or file to verify
    ├── Ambiguous          4   several courses or batches match
    ├── PermissionDenied   5   not allowed, including a retired course
    ├── Busy               6   held by another process, or still being processed
    ├── DataError          7   the data: not loaded, not built, unreadable, or failed a test
    └── NoConnection       8   the warehouse cannot be reached

A message says what is wrong and what was looked at; a hint says what to do next.
"""

from typing import ClassVar


class ExhaustError(Exception):
    """Ends a command with a message on standard error and, where there is one, a hint."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class DiskFull(ExhaustError):
    def __init__(self, reason: str) -> None:
        super().__init__(
            f"A disk is full: {reason.rstrip('.')}.",
            "Free some space and run the command again. Nothing that existed before has changed.",
        )


class UsageError(ExhaustError):
    exit_code = 2


class NotFound(ExhaustError):
    exit_code = 3


class Ambiguous(ExhaustError):
    exit_code = 4


class PermissionDenied(ExhaustError):
    exit_code = 5


class Busy(ExhaustError):
    exit_code = 6


class DataError(ExhaustError):
    exit_code = 7


class NoConnection(ExhaustError):
    exit_code = 8
