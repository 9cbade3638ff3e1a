"""What is wrong in a file that was read: the kind of it, how often, and the first example."""

from dataclasses import dataclass

from exhaust.text import counted, visible

MAX_EXAMPLE = 60
"""Characters of a value that are shown."""


@dataclass(frozen=True)
class Problem:
    what: str
    times: int
    row: int
    """The number of the first row that has it; the header is row 1."""
    label: str
    value: str
    original: str | None = None
    """The value as it was exported, if that is known."""

    @property
    def line(self) -> str:
        instead = "" if self.original is None else f" in place of `{shown(self.original)}`"
        return (
            f"{self.what}: {counted(self.times, 'time')}, first in row {self.row:,}, "
            f"{shown(self.label)}: `{shown(self.value)}`{instead}"
        )


def shown(text: str) -> str:
    """Returns a value of a file as it may be shown: it may be long, or control a terminal."""
    short = visible(text[: MAX_EXAMPLE + 1])
    return short if len(short) <= MAX_EXAMPLE else short[: MAX_EXAMPLE - 1] + "…"
