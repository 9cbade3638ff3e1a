"""The command that compares two report files."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exhaust import api
from exhaust.cli.command import Options, command
from exhaust.cli.display import Display
from exhaust.cli.passwords import Password, PasswordStdin, known_password
from exhaust.cli.reports import output_of
from exhaust.cli.streams import standard_output
from exhaust.errors import UsageError
from exhaust.text import counted, visible

if TYPE_CHECKING:
    from exhaust.reports.diff import ComparedFile, Diff

MAX_SHOWN = 20
"""Differences that are shown for people."""
COLUMNS = ("Change", "Batch", "User", "Column", "Old", "New")


class DiffFormat(StrEnum):
    CSV = "csv"


@command
def diff(
    options: Options,
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A report file.")],
    new: Annotated[
        Path, typer.Argument(metavar="NEW", help="A later report of the course, in any format.")
    ],
    format: Annotated[
        DiffFormat | None,
        typer.Option("--format", help="Write every difference as CSV, to -o or standard output."),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("-o", metavar="FILE", help="File for the CSV; `-` is standard output."),
    ] = None,
    password: Password = False,
    password_stdin: PasswordStdin = False,
) -> None:
    """Compare two reports of a course, by learner and batch.

    Says who is new, gone, has completed or was certified since, and which cells changed. Both files
    may be in any format, also saved by a spreadsheet program: values that it broke are listed as
    broken, not as changes. A password opens both files.

    \b
    Examples:
      exhaust diff monday.xlsx friday.xlsx
      exhaust diff monday.csv friday.xlsx --format csv -o since-monday.csv
    """
    wants_csv = format is not None or output is not None
    if wants_csv and output is None and options.json:
        raise UsageError("Both --json and --format csv write to standard output.", "Add -o FILE.")
    given = known_password(password, password_stdin)
    found = api.diff(
        old,
        new,
        old_password=given,
        new_password=given,
        project=options.project_dir,
        output=(output_of(options, output) or standard_output()) if wants_csv else None,
        limit=None if options.json else MAX_SHOWN,
    )
    options.answer.give_all(found)
    _say_notes(found, options.display)
    if wants_csv or options.json:
        for line in _counts(found):
            options.display.say(line)
        return
    for line in _counts(found):
        options.display.line(line)
    _show(found, options.display)


def _say_notes(found: "Diff", display: Display) -> None:
    for file in (found.old, found.new):
        for note in file.notes:
            display.say(note)
        if file.broken:
            display.say(f"{visible(file.file)}: values that a spreadsheet program broke:")
        for broken in file.broken:
            display.say(f"  {broken}")
    for note in found.notes:
        display.say(note)


def _counts(found: "Diff") -> list[str]:
    lines = [
        f"{_named(found.old)}; {_named(found.new)}.",
        f"{found.learners_new:,} new, {found.learners_gone:,} gone, "
        f"{found.learners_completed:,} completed since, "
        f"{found.learners_certified:,} certified since.",
        f"{counted(found.learners_changed, 'learner')} changed in "
        f"{counted(found.cells_changed, 'cell')}; {found.learners_unchanged:,} unchanged.",
    ]
    if found.cells_by_column:
        cells = (f"{visible(label)} {number:,}" for label, number in found.cells_by_column.items())
        lines.append(f"Changed cells: {', '.join(cells)}.")
    for what, labels in (("added", found.columns_added), ("removed", found.columns_removed)):
        if labels:
            lines.append(f"Columns {what}: {', '.join(map(visible, labels))}.")
    return lines


def _named(file: "ComparedFile") -> str:
    return f"{visible(file.file)}: {counted(file.rows, 'row')}"


def _show(found: "Diff", display: Display) -> None:
    if not found.differences:
        return
    display.line("")
    display.table(
        COLUMNS,
        [
            (one.change, one.batch_id, one.user_id, one.column, one.old, one.new)
            for one in found.differences
        ],
    )
    more = found.total - len(found.differences)
    if more:
        display.say(
            f"And {counted(more, 'more difference')}: write them all with --format csv -o FILE, "
            "or print them with --json."
        )
