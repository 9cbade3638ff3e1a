"""The command that checks a report file."""

from pathlib import Path
from typing import Annotated

import typer

from exhaust import api
from exhaust.cli.command import Options, command
from exhaust.cli.passwords import Password, PasswordStdin, known_password
from exhaust.errors import DataError
from exhaust.text import counted, visible


@command
def verify(
    options: Options,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A report file.")],
    receipt: Annotated[
        Path | None,
        typer.Option(
            "--receipt",
            metavar="FILE",
            help="The receipt of the file. [default: <file>.receipt.json, or the one in its folder "
            "that fits]",
        ),
    ] = None,
    password: Password = False,
    password_stdin: PasswordStdin = False,
) -> None:
    """Check a report file against its receipt.

    Reads every format, also of files that a spreadsheet program has saved. Says what was changed:
    IDs that became numbers, lost zeros, dates in another form, missing or sorted rows. If the
    project lists public keys, the receipt must be signed. The exit code is 7 if the file does not
    pass.

    \b
    Examples:
      exhaust verify 0130300000000000101_progress_20261123.csv
      exhaust verify renamed.csv --receipt 0130300000000000101_progress_20261123.csv.receipt.json
    """
    found = api.verify(
        file,
        receipt,
        options.project_dir,
        password=known_password(password, password_stdin),
    )
    options.answer.give_all(found)
    for note in found.notes:
        options.display.say(note)
    if not found.is_unchanged:
        changes = "\n".join(f"  {change}" for change in found.changes)
        shown = visible(found.receipt)
        headline = (
            f"The receipt {shown} of {found.file} cannot be trusted"
            if found.matches_receipt
            else f"{found.file} does not match its receipt {shown}"
        )
        raise DataError(f"{headline}:\n{changes}", found.hint)
    options.display.say(f"{found.file} is unchanged: {counted(found.rows, 'row')}.")
