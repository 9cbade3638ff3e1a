"""Where a task reports while it runs, and the clock that it reads."""

import time
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

STANDARD_OUTPUT = "-"
"""The name of standard output where a file's name is expected."""


class Console(Protocol):
    """Takes the messages and the progress of a task; both may come from several threads."""

    def say(self, message: str) -> None:
        """Takes a message for the user; it may hold several lines."""

    def progress(self, what: str, share: float) -> None:
        """Takes the name of the current step and the share (0 to 1) of the whole that is done."""


class Silence:
    """A console that drops everything."""

    def say(self, message: str) -> None:
        pass

    def progress(self, what: str, share: float) -> None:
        pass


class Clock:
    """The system's clock; tests replace it."""

    def now(self) -> datetime:
        """Returns the time in UTC."""
        return datetime.now(UTC)

    def today(self, zone: "ZoneInfo") -> date:
        """Returns the current day in a time zone."""
        return self.now().astimezone(zone).date()

    def monotonic(self) -> float:
        """Returns seconds since some moment; they never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)


SILENCE = Silence()
SYSTEM_CLOCK = Clock()
