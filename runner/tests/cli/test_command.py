"""What all commands share: the requester, exit codes, and exceptions."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from cli_support import BATCH, COURSE, MENTOR, RETIRED, TRACEBACK, call

import exhaust.project.settings


@pytest.mark.parametrize("command", [["courses"], ["batches", COURSE], ["export", COURSE]])
def test_a_requester_sees_only_their_own_batches(
    sample: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    assert call(*command, "--json", "--as", MENTOR) == 0
    by_option = capsys.readouterr().out
    assert BATCH in by_option or command == ["courses"]
    assert "0130300000000000102" not in by_option
    assert "do_31300000000000000002" not in by_option
    monkeypatch.setenv("EXHAUST_USER", "nobody")
    assert call(*command) == 5
    assert "`nobody` has not created a course" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["export", "no such name"], 3),
        (["batches", "no such name"], 3),
        (["export", COURSE, "-b", "no such name"], 3),
        (["export", "do_"], 3),
        (["export", "foundational literacy"], 4),
        (["export", RETIRED], 5),
    ],
    ids=str,
)
def test_errors_have_exit_codes_and_hints(
    sample: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int
) -> None:
    assert call(*arguments) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert "\nhint: " in shown.err
    assert list(sample.iterdir()) == []


@pytest.mark.not_on_spark  # Another process cannot open the metastore.
@pytest.mark.parametrize("arguments", [["export", COURSE, "-o", "-"], ["courses"]], ids=str)
def test_a_closed_pipe_is_not_an_error(sample: Path, arguments: list[str]) -> None:
    outlet, inlet = os.pipe()
    os.close(outlet)
    buffered = {name: os.environ[name] for name in os.environ if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        [Path(sys.executable).with_name("exhaust"), *arguments, "-q"],
        stdout=inlet,
        stderr=subprocess.PIPE,
        env=buffered,
    )
    os.close(inlet)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("arguments", [["courses"], ["batches", "x"], ["export", "x"], ["build"]])
def test_without_a_load_the_hint_is_to_load(
    no_warehouse: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert call(*arguments) == 7
    assert "exhaust load DIR" in capsys.readouterr().err


def test_no_connection_exits_with_8(
    no_warehouse: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PGHOST", str(no_warehouse))
    assert call("courses", "--target", "postgres") == 8
    assert TRACEBACK not in capsys.readouterr().err


class TestExceptions:
    """How a command reports exceptions."""

    def fail_with(self, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
        def read(*_: object, **__: object) -> None:
            raise error

        monkeypatch.undo()
        monkeypatch.setattr(exhaust.project.settings, "read_settings", read)

    def test_an_interrupt_exits_with_130(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.fail_with(monkeypatch, KeyboardInterrupt())
        assert call("courses") == 130
        assert capsys.readouterr().err == "Interrupted.\n"

    @pytest.mark.parametrize("is_project", [True, False])
    def test_an_unexpected_error_is_logged(
        self,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        is_project: bool,
    ) -> None:
        if is_project:
            (tmp_path / "dbt_project.yml").touch()
        self.fail_with(monkeypatch, RuntimeError("first\nsecond"))
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        assert call("courses", "--project-dir", str(tmp_path)) == 1
        first, second = capsys.readouterr().err.splitlines()
        assert first == "error: Unexpected: RuntimeError: first"
        (log,) = tmp_path.rglob("exhaust*.log")
        assert str(log) in second
        assert (log == tmp_path / "logs" / "exhaust.log") is is_project
        assert stat.S_IMODE(log.stat().st_mode) == 0o600
        assert "RuntimeError: first\nsecond" in log.read_text()

    def test_an_exit_of_typer_keeps_its_code(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fail_with(monkeypatch, typer.Exit(3))
        assert call("courses") == 3
