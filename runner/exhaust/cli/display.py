"""What a person sees: results on standard output, messages and progress on standard error."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from exhaust.errors import ExhaustError

if TYPE_CHECKING:
    from rich.console import Console

Progress = Callable[[str, float], None]
"""Takes what is being worked on, and the share (0 to 1) of the whole that is done."""

# Also what reverses the direction of text, and bytes of an argument that are no UTF-8; not the
# joiners (U+200C, U+200D), which Indic scripts need.
UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: object) -> str:
    """A value as one line that cannot drive a terminal; None is blank."""
    return "" if text is None else UNSAFE.sub(_escaped, str(text))


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """`1 row`, `1,234 rows`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


class Display:
    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._console: Console | None = None

    def say(self, message: str) -> None:
        """A message to the user, unless they asked for quiet."""
        if not self._quiet:
            self._write(message)

    def error(self, error: ExhaustError) -> None:
        """What is wrong, and what to do."""
        self._write(f"error: {error.message}")
        if error.hint:
            self._write(f"hint: {error.hint}")

    def _write(self, message: str) -> None:
        text = "\n".join(map(visible, message.split("\n")))
        if self._console:
            self._console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)
        else:
            print(text, file=sys.stderr, flush=True)

    def json(self, result: object) -> None:
        """A result for machines, on standard output."""
        print(json.dumps(result, indent=2, default=str))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A result for people, on standard output; numbers to the right."""
        print_table(columns, rows, sys.stdout)

    def preview(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A table that is a message: on standard error, unless they asked for quiet."""
        if not self._quiet:
            print_table(columns, rows, sys.stderr)

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """A progress bar on standard error, if that is a terminal."""
        if self._quiet or not sys.stderr.isatty():
            yield lambda *_: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        self._console = Console(stderr=True)
        with Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        ) as bar:
            task = bar.add_task("", total=1.0, start=False, visible=False)

            def advance(what: str, share: float) -> None:
                # Not shown between the works of a worker that waits for them.
                bar.update(task, description=visible(what), completed=share, visible=share < 1.0)
                bar.start_task(task)

            try:
                yield advance
            finally:
                self._console = None


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], file: TextIO) -> None:
    """Aligned columns; on a terminal all but the first (ids, to be copied) wrap at its width."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    numeric = [any(isinstance(row[place], int) for row in rows) for place in range(len(columns))]
    for place, (name, is_number) in enumerate(zip(columns, numeric, strict=True)):
        table.add_column(
            Text(name),
            justify="right" if is_number else "left",
            no_wrap=place == 0 or not file.isatty(),
            overflow="fold",
        )
    for row in rows:
        table.add_row(
            *(Text(f"{cell:,}" if isinstance(cell, int) else visible(cell)) for cell in row)
        )
    console = Console(file=file, width=None if file.isatty() else 1_000_000)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        print(line.rstrip(), file=file)
