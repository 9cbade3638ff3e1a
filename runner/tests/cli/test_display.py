import io
import re

import pytest

from exhaust.cli.display import Display, table_lines
from exhaust.errors import ExhaustError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_table_in_a_pipe_is_neither_cut_nor_coloured() -> None:
    name = "[red]" + "long " * 100 + "\x1b[31m"
    file = io.StringIO()
    lines = list(table_lines(["ID", "Rows"], [["0001", 1234567], [name, 5]], file))
    head, first, second = lines
    assert head.split() == ["ID", "Rows"]
    assert first.split() == ["0001", "1,234,567"]
    assert second.startswith("[red]" + "long " * 100 + r"\x1b[31m")
    assert second.endswith(" 5")
    assert "\x1b" not in "".join(lines)


def test_a_table_on_a_terminal_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    file = Terminal()
    coloured = table_lines(["ID", "Name"], [["do_31300000000000000001", "word " * 9]], file)
    lines = [re.sub(r"\x1b\[\d*m", "", line) for line in coloured]
    assert len(lines) > 2
    assert lines[1].split()[0] == "do_31300000000000000001"
    assert max(map(len, lines)) <= 40


def test_results_go_to_standard_output_and_messages_to_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    display = Display()
    display.say("a message")
    display.preview(["Shown"], [["row"]])
    display.table(["Found"], [["row"]])
    display.error(ExhaustError("what is\nwrong\x1b", "do this"))
    shown = capsys.readouterr()
    assert shown.out.split() == ["Found", "row"]
    assert shown.err == "a message\nShown\nrow\nerror: what is\nwrong\\x1b\nhint: do this\n"


def test_quiet_leaves_results_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    display = Display(quiet=True)
    display.say("a message")
    display.preview(["Shown"], [["row"]])
    display.table(["Found"], [["row"]])
    display.error(ExhaustError("wrong"))
    shown = capsys.readouterr()
    assert shown.out.split() == ["Found", "row"]
    assert shown.err == "error: wrong\n"


def test_no_progress_bar_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Display().progress("work", 0.5)
    shown = capsys.readouterr()
    assert shown.out + shown.err == ""


def use_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Makes standard error a terminal; not a fixture, because pytest replaces it before a test."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    return terminal


@pytest.mark.parametrize("quiet", [True, False])
def test_progress_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch, quiet: bool) -> None:
    terminal = use_terminal(monkeypatch)
    display = Display(quiet=quiet)
    display.progress("[red]wörk\x07", 0.5)
    display.say("[red] a message")
    display.close()
    shown = terminal.getvalue()
    assert ("50%" in shown) is not quiet
    assert (r"[red]wörk\x07" in shown) is not quiet
    assert ("[red] a message" in shown) is not quiet


def test_no_progress_bar_for_finished_work(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    Display().progress("done", 1.0)
    assert "%" not in terminal.getvalue()


def test_the_progress_bar_ends_with_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    display = Display()
    display.progress("work", 0.5)
    display.progress("work", 1.0)
    ended = len(terminal.getvalue())
    display.say("after it")
    assert terminal.getvalue()[ended:] == "after it\n"
