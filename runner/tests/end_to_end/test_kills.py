"""Commands that are killed or stopped while they load, build or make a report.

Nothing of them runs on, and they can be run again.
"""

import signal
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from processes_support import Started, let_lease_end, started
from support import PROJECT, wait_until

from exhaust.project.settings import Settings

SAMPLE = str(PROJECT / "seeds")
COMMAND = (
    "from exhaust.cli import main\n"
    "from exhaust.cli.display import Display\n"
    "from exhaust.extract import processes\n"
    "processes.MIN_PARALLEL_BYTES = 0\n"
    "Display.progress = lambda self, what, share: print('at', what, flush=True)\n"
    "main()\n"
)
"""Prints what it works on. Files are scanned by worker processes, as if they were large."""
KILLS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def run(
    settings: Settings, folder: Path, command: str, *arguments: str
) -> AbstractContextManager[Started]:
    return started(
        [sys.executable, "-c", COMMAND, command, *arguments],
        {**settings.environment, "EXHAUST_PROJECT_DIR": str(settings.project_dir)},
        folder,
    )


def reach(command: Started, what: str) -> None:
    """Waits until a command works on something."""
    assert command.process.stdout
    for line in command.process.stdout:
        if line == f"at {what}\n":
            return
    pytest.fail(command.process.communicate()[1])


def kill(command: Started, number: signal.Signals) -> None:
    command.process.send_signal(number)
    code, _, errors = command.end()
    if number is signal.SIGKILL:
        assert code == -number
        wait_until(lambda: not command.living(), seconds=2)
    else:
        assert code == 128 + number
        assert errors.splitlines()[-1] == "Interrupted."
        assert "Traceback" not in errors
        assert not command.living()


@pytest.mark.not_on_spark
@pytest.mark.parametrize("number", KILLS, ids=str)
def test_nothing_of_a_load_runs_on(
    settings: Settings, tmp_path: Path, number: signal.Signals
) -> None:
    with run(settings, tmp_path, "load", SAMPLE) as command:
        reach(command, "user_enrolments")
        kill(command, number)
    if number is signal.SIGKILL:
        let_lease_end(settings)
    with run(settings, tmp_path, "load", SAMPLE) as command:
        code, _, errors = command.end()
    assert code == 0, errors
    if path := settings.profile.options.get("path"):
        assert list(Path(path).parent.iterdir()) == [Path(path)]


@pytest.mark.not_on_spark
@pytest.mark.parametrize("number", KILLS, ids=str)
def test_nothing_of_a_build_runs_on(
    settings: Settings, tmp_path: Path, number: signal.Signals
) -> None:
    with run(settings, tmp_path, "load", SAMPLE) as command:
        assert command.end()[0] == 0
    with run(settings, tmp_path, "build") as command:
        reach(command, "stg_enrolments")
        assert len(command.living()) > 1
        kill(command, number)


def test_nothing_of_a_demo_runs_on(settings_duckdb: Settings, tmp_path: Path) -> None:
    project = tmp_path / "project"
    with run(settings_duckdb, tmp_path, "init", str(project), "-q") as command:
        assert command.end()[0] == 0
    with run(settings_duckdb, tmp_path, "demo", "--project-dir", str(project)) as command:
        reach(command, "stg_enrolments")
        assert len(command.living()) > 1
        kill(command, signal.SIGKILL)
    with run(settings_duckdb, tmp_path, "demo", "--project-dir", str(project)) as command:
        assert command.end()[0] == 0
    assert list(project.glob(".*part*")) == []
