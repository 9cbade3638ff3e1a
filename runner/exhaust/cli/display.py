"""What a person sees: results on standard output, messages and progress on standard error."""

import io
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from exhaust.cli.stopping import MESSAGE
from exhaust.cli.streams import print_line, print_message
from exhaust.console import SYSTEM_CLOCK
from exhaust.errors import ExhaustError
from exhaust.text import visible

if TYPE_CHECKING:
    from rich.progress import Progress


class Display:
    """The console of a command; it also prints results. `close` ends its progress bar."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._has_times = False
        self._bar: Progress | None = None
        self._lock = threading.RLock()

    def say(self, message: str) -> None:
        """Prints a message, unless the user wants only errors."""
        if not self._quiet:
            self._write(message)

    def begin_lines_with_the_time(self) -> None:
        """Makes every line of a message begin with the time, as in a log."""
        self._has_times = True

    def error(self, error: ExhaustError) -> None:
        """Ends the progress bar, and prints what is wrong and what to do."""
        self.close()
        self._write(f"error: {error.message}")
        if error.hint:
            self._write(f"hint: {error.hint}")

    def interrupted(self) -> None:
        """Ends the progress bar, and says that the user ended the command."""
        self.close()
        self._write(MESSAGE)

    def _write(self, message: str) -> None:
        start = f"{SYSTEM_CLOCK.now():%Y-%m-%d %H:%M:%S} UTC " if self._has_times else ""
        text = "\n".join(start + visible(line) for line in message.split("\n"))
        with self._lock:
            if self._bar:
                self._bar.console.print(
                    text, markup=False, highlight=False, emoji=False, soft_wrap=True
                )
            else:
                print_message(text)

    def progress(self, what: str, share: float) -> None:
        """Shows a progress bar on standard error, if that is a terminal, until all is done."""
        if self._quiet or not sys.stderr.isatty():
            return
        with self._lock:
            if share >= 1.0:
                self.close()
                return
            if self._bar is None:
                self._bar = _new_bar()
                self._bar.start()
            (task,) = self._bar.task_ids
            self._bar.update(task, description=visible(what), completed=share)

    def close(self) -> None:
        """Removes the progress bar."""
        with self._lock:
            if self._bar:
                self._bar.stop()
            self._bar = None

    def line(self, text: str) -> None:
        """Prints a line of a result on standard output."""
        print_line(visible(text))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Prints a result for people on standard output, with numbers aligned right."""
        for line in table_lines(columns, rows, sys.stdout):
            print_line(line)

    def preview(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Prints a table that is a message: on standard error, unless the user wants only
        errors."""
        if not self._quiet:
            for line in table_lines(columns, rows, sys.stderr):
                print_message(line)


def _new_bar() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    bar.add_task("", total=1.0)
    return bar


def table_lines(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], file: TextIO
) -> Iterator[str]:
    """Yields aligned columns; on a terminal, all but the first (IDs, to be copied) wrap."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for index, name in enumerate(columns):
        is_number = any(isinstance(row[index], int) for row in rows)
        table.add_column(
            Text(name),
            justify="right" if is_number else "left",
            no_wrap=index == 0 or not file.isatty(),
            overflow="fold",
        )
    for row in rows:
        table.add_row(
            *(Text(f"{cell:,}" if isinstance(cell, int) else visible(cell)) for cell in row)
        )
    # Not to the file itself, to which Rich would write even what it captures.
    text = io.StringIO()
    is_terminal = file.isatty()
    width = None if is_terminal else 1_000_000
    Console(file=text, force_terminal=is_terminal, width=width).print(table)
    yield from map(str.rstrip, text.getvalue().splitlines())
