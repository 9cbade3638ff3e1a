"""Tests of how the command takes passwords."""

import io
import os
import pty
import subprocess
import sys
from collections.abc import Callable

import pytest

from exhaust.cli.passwords import known_password, new_password
from exhaust.cli.streams import Closed
from exhaust.errors import UsageError


class Stdin(io.TextIOWrapper):
    def __init__(self, content: bytes, is_terminal: bool = False) -> None:
        super().__init__(io.BytesIO(content))
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


GiveStdin = Callable[..., None]


@pytest.fixture
def give_stdin(monkeypatch: pytest.MonkeyPatch) -> GiveStdin:
    return lambda content, **options: monkeypatch.setattr(sys, "stdin", Stdin(content, **options))


def test_without_an_option_there_is_no_password() -> None:
    assert new_password(False, False) is None
    assert known_password(False, False) is None


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"secret1\n", "secret1"),
        (b"secret1", "secret1"),
        (b"secret1\r\n", "secret1"),
        (b" secret1 \n", " secret1 "),
        (b"secret1\nmore\n", "secret1"),
        ("ஆஆஆஆஆஆ\n".encode(), "ஆஆஆஆஆஆ"),
    ],
)
def test_stdin_gives_its_first_line(content: bytes, password: str, give_stdin: GiveStdin) -> None:
    give_stdin(content)
    assert new_password(False, True) == password


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Standard input is empty"),
        (b"\n", "The password is empty"),
        (b"12345\n", "too short"),
        (b"secret\0001\n", "null character"),
        (b"secret\xff1\n", "not UTF-8"),
    ],
)
def test_stdin_without_a_password_is_refused(
    content: bytes, message: str, give_stdin: GiveStdin
) -> None:
    give_stdin(content)
    with pytest.raises(UsageError, match=message) as raised:
        new_password(False, True)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_a_known_password_may_be_one_that_we_would_not_take(give_stdin: GiveStdin) -> None:
    give_stdin(b"123\n")
    assert known_password(False, True) == "123"


def test_a_terminal_is_no_stdin(give_stdin: GiveStdin) -> None:
    give_stdin(b"secret1\n", is_terminal=True)
    with pytest.raises(UsageError, match="which shows what is typed"):
        known_password(False, True)


def test_a_closed_stdin_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    with Closed(io.BytesIO(b"secret1\n")) as closed:
        monkeypatch.setattr(sys, "stdin", closed)
        with pytest.raises(UsageError, match="Standard input is empty"):
            known_password(False, True)


def test_only_one_option_can_be_given() -> None:
    with pytest.raises(UsageError, match="Both --password and --password-stdin"):
        known_password(True, True)


CALL = """
from exhaust.cli.passwords import new_password, known_password
from exhaust.errors import UsageError
try:
    print("got", repr({call}(True, False)))
except UsageError as error:
    print(error.message)
"""


def at_a_terminal(call: str, *typed: bytes) -> str:
    """Runs a function with a terminal of its own; returns all that the terminal shows."""
    process, terminal = pty.fork()
    if process == 0:
        os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
        os.execv(sys.executable, [sys.executable, "-c", CALL.format(call=call)])
    shown = b""
    answers = iter(typed)
    try:
        # A read fails when the other side has ended.
        while data := os.read(terminal, 1000):
            shown += data
            # What is typed before the prompt turns the echo off would be shown.
            if data.endswith(b"assword: "):
                os.write(terminal, next(answers))
    except OSError:
        pass
    os.close(terminal)
    os.waitpid(process, 0)
    return shown.decode()


def test_a_prompt_asks_twice_for_a_new_password_and_shows_nothing() -> None:
    shown = at_a_terminal("new_password", b"secret1\n", b"secret1\n")
    assert shown.split("\r\n") == ["Password: ", "Repeat the password: ", "got 'secret1'", ""]


def test_a_prompt_asks_once_for_a_known_password() -> None:
    shown = at_a_terminal("known_password", b"secret1\n")
    assert shown.split("\r\n") == ["Password: ", "got 'secret1'", ""]


def test_a_mistyped_password_is_refused() -> None:
    shown = at_a_terminal("new_password", b"secret1\n", b"secret2\n")
    assert "The two passwords are not the same." in shown
    assert "secret" not in shown


def test_a_short_password_is_not_asked_for_again() -> None:
    shown = at_a_terminal("new_password", b"12345\n")
    assert shown.count("assword: ") == 1
    assert "too short" in shown


def test_nothing_typed_is_no_password() -> None:
    end_of_input = b"\x04"
    assert "No password was typed." in at_a_terminal("new_password", end_of_input)


def test_without_a_terminal_there_is_no_prompt() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CALL.format(call="known_password")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        input="secret1\n",
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    )
    assert done.stdout == "There is no terminal to ask for the password.\n"
