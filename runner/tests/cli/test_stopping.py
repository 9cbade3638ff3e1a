"""Workers that are stopped with a signal, as a service manager does it."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_support import BATCH, MENTOR, call
from support import new_processes

from exhaust import api, cli
from exhaust.requests import worker


def _process_until_stopped(
    environment: dict[str, str], arguments: list[str], log: Path, started: Any
) -> None:
    """Runs `exhaust process`, which gets stuck in its first request."""

    def get_stuck(*_: object) -> None:
        started.set()
        signal.pause()

    os.environ.clear()
    os.environ.update(environment)
    pytest.MonkeyPatch().setattr(worker, "open_marts", get_stuck)
    sys.argv = ["exhaust", "process", *arguments]
    with log.open("w", encoding="utf-8") as sys.stderr:
        cli.main()


@pytest.mark.not_on_spark
@pytest.mark.parametrize(
    ("arguments", "number", "code"),
    [
        (["--watch"], signal.SIGTERM, 0),
        (["--watch"], signal.SIGINT, 130),
        ([], signal.SIGTERM, 143),
    ],
    ids=str,
)
def test_a_worker_that_is_stopped_puts_its_request_back(
    sample_with_results: Path, arguments: list[str], number: signal.Signals, code: int
) -> None:
    assert call("request", BATCH, "--as", MENTOR) == 0
    processes = new_processes()
    started = processes.Event()
    log = sample_with_results / "log"
    process = processes.Process(
        target=_process_until_stopped, args=(dict(os.environ), arguments, log, started)
    )
    process.start()
    assert started.wait(60)
    os.kill(process.pid or 0, number)
    process.join(60)
    assert process.exitcode == code
    (request,) = api.requests(api.open_project())
    assert (request.status, request.tries) == ("SUBMITTED", 0)
    assert request.error == "Its worker was stopped."
    (last,) = log.read_text("utf-8").splitlines()
    if arguments:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC (Stopped|Interrupted)\.", last)
    assert ("Stopped." in last) is (code == 0)


def test_the_lines_of_a_watch_begin_with_the_time(
    sample_with_results: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call("request", BATCH, "--as", MENTOR) == 0
    capsys.readouterr()
    monkeypatch.setattr(
        "exhaust.cli.requests.SYSTEM_CLOCK.sleep", lambda _: signal.raise_signal(signal.SIGINT)
    )
    assert call("process", "--watch") == 130
    first, last = capsys.readouterr().err.splitlines()
    time = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC "
    assert re.fullmatch(rf"{time}[0-9A-F]{{32}}: SUCCESS, 11 of 11 rows", first)
    assert re.fullmatch(rf"{time}Interrupted\.", last)
    assert call("process") == 0
    assert capsys.readouterr().err == "No requests are waiting.\n"


DURING_AN_IMPORT = """
import enum, signal
from exhaust.cli.stopping import stopped_by_signals

make = enum.EnumType.__call__

def interrupted(*arguments, **named):
    enum.EnumType.__call__ = make
    signal.raise_signal(signal.SIGTERM)
    return make(*arguments, **named)

with stopped_by_signals():
    enum.EnumType.__call__ = interrupted
    import _duckdb
    signal.pause()
"""


@pytest.mark.not_on_spark
def test_a_signal_while_native_code_is_loaded_ends_the_command_a_moment_later() -> None:
    """DuckDB makes its enumerations with Python, and aborts the process if that raises."""
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", DURING_AN_IMPORT],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (143, "Interrupted.\n")
