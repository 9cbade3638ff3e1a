"""Passwords of report files: typed at a prompt, or read from standard input.

Never an argument or an environment variable: others on the machine could read those.
"""

import os
import sys
from typing import Annotated

import typer

from exhaust.cli.streams import Closed
from exhaust.errors import UsageError
from exhaust.reports.protection import check_password

Password = Annotated[
    bool, typer.Option("--password", help="Ask for the password of the file, without showing it.")
]
PasswordStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin", help="Read the password of the file from the first line of stdin."
    ),
]


def new_password(password: bool, password_stdin: bool) -> str | None:
    """Returns the password for a file to be written; None if neither option was given.

    The prompt asks twice. Raises UsageError for one that cannot protect a file, and what
    `known_password` raises.
    """
    given = known_password(password, password_stdin)
    if given is not None:
        check_password(given)
        if password and _ask("Repeat the password: ") != given:
            raise UsageError("The two passwords are not the same.", "Run the command again.")
    return given


def known_password(password: bool, password_stdin: bool) -> str | None:
    """Returns the password of a file to be read; None if neither option was given.

    Raises UsageError for both options at once, without a terminal to ask at, and if standard input
    is empty.
    """
    if password and password_stdin:
        raise UsageError(
            "Both --password and --password-stdin were given.", "Give only one of them."
        )
    if password:
        return _ask("Password: ")
    return _read() if password_stdin else None


def _ask(prompt: str) -> str:
    from getpass import getpass

    try:
        # Without a terminal, getpass would read standard input, and show what is typed there.
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        raise UsageError(
            "There is no terminal to ask for the password.", "Use --password-stdin."
        ) from None
    try:
        return getpass(prompt)
    except EOFError:
        raise UsageError("No password was typed.", "Run the command again.") from None


def _read() -> str:
    if sys.stdin.isatty():
        raise UsageError(
            "Standard input is a terminal, which shows what is typed.", "Use --password instead."
        )
    line = b"" if isinstance(sys.stdin, Closed) else sys.stdin.buffer.readline()
    if not line:
        raise UsageError(
            "Standard input is empty: there is no password.",
            "Send it as the first line, for example from a password manager.",
        )
    try:
        return line.removesuffix(b"\n").removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        # Not quoted, nor as the cause: the error holds the password.
        raise UsageError("The password is not UTF-8.", "Check the encoding.") from None
