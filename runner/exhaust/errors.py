"""Every error that a user can meet, with its exit code and its code in JSON.

    ExhaustError           1   unexpected      unexpected failure
    ├── DiskFull           1   disk_full       a disk has no room
    ├── UsageError         2   usage           wrong usage, or a folder that does not exist
    │   ├── PasswordNeeded 2   password_needed the file opens only with a password
    │   └── WrongPassword  2   wrong_password  the file opens with another password
    ├── NotFound           3   not_found       no such course, batch, request, or file to verify
    ├── Ambiguous          4   ambiguous       several courses or batches match
    ├── PermissionDenied   5   not_allowed     not allowed, including a retired course
    ├── Busy               6   busy            held by another process, or still being processed
    ├── DataError          7   data            not loaded, not built, unreadable, failed a test
    └── NoConnection       8   no_connection   the warehouse cannot be reached

A message says what is wrong and what was looked at; a hint says what to do next.
"""

from typing import ClassVar

from exhaust.text import Message


class ExhaustError(Exception):
    """Ends a command with a message on standard error and, where there is one, a hint."""

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "unexpected"
    """What programs read in the JSON of an error; it stays the same."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class DiskFull(ExhaustError):
    code = "disk_full"

    def __init__(
        self,
        reason: str,
        hint: str = "Free some space and run the command again. Nothing that existed before has "
        "changed.",
    ) -> None:
        super().__init__(f"A disk is full: {reason.rstrip('.')}.", hint)


DISK_IS_FULL = ("No space left on device", "File too large", "Disk quota exceeded")
"""What the operating system says then, and what engines and dbt quote."""


class UsageError(ExhaustError):
    exit_code = 2
    code = "usage"


class PasswordNeeded(UsageError):
    code = "password_needed"

    def __init__(self, file: object) -> None:
        super().__init__(
            Message("{file} opens only with a password.", file=file),
            Message("Give it with --password or --password-stdin."),
        )


class WrongPassword(UsageError):
    code = "wrong_password"

    def __init__(self, file: object) -> None:
        super().__init__(
            Message("The password is wrong: it does not open {file}.", file=file),
            Message("Ask whoever requested the report for its password."),
        )


class NotFound(ExhaustError):
    exit_code = 3
    code = "not_found"


class Ambiguous(ExhaustError):
    exit_code = 4
    code = "ambiguous"


class PermissionDenied(ExhaustError):
    exit_code = 5
    code = "not_allowed"


class Busy(ExhaustError):
    exit_code = 6
    code = "busy"


class DataError(ExhaustError):
    exit_code = 7
    code = "data"


class NoConnection(ExhaustError):
    exit_code = 8
    code = "no_connection"
