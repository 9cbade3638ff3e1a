"""Every error a user can meet, each with its exit code.

    ExhaustError        1   unexpected
    ├── NoRoom          1   a disk is full
    ├── UsageError      2   wrong usage; a folder that is not there
    ├── NotFound        3   no such course or batch
    ├── Ambiguous       4   several match
    ├── PermissionDenied      5   refused
    ├── Busy            6   held by another process, or still being processed
    ├── DataError           7   the data: not loaded, not built, cannot be read, failed a test
    └── NoConnection    8   no connection to the warehouse

A message says what is wrong and what was looked at; a hint says what to do next.
"""

from typing import ClassVar


class ExhaustError(Exception):
    """Ends a command with one line on standard error and, where there is one, a hint."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NoRoom(ExhaustError):
    def __init__(self, reason: str) -> None:
        super().__init__(
            f"A disk is full: {reason.rstrip('.')}.",
            "Make room, and run the command again: what was there before still is.",
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
