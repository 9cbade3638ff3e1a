"""The process in which dbt runs; a package stands in for dbt."""

import signal
from pathlib import Path

import pytest
from dbt_support import settings_in
from processes_support import lives
from support import new_processes, wait_until

from exhaust.pipeline.dbt import run_dbt
from exhaust.project.settings import Settings

pytestmark = pytest.mark.not_on_spark


def run_dbt_ignoring_interrupts(settings: Settings) -> None:
    """As in a shell that started the command in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run_dbt(settings, ["build"])


def test_dbt_ends_if_the_command_is_killed(tmp_path: Path) -> None:
    """Otherwise it would go on building, with the lease of nobody.

    It ends even if it is stuck.
    """
    cli = tmp_path / "dbt" / "cli"
    cli.mkdir(parents=True)
    for package in (cli, cli.parent):
        (package / "__init__.py").touch()
    (cli / "main.py").write_text(
        "import os, signal, time\n"
        "def cli(prog_name):\n"
        "    signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "    with open('part', 'w') as file:\n        file.write(str(os.getpid()))\n"
        "    os.rename('part', 'pid')\n"
        "    while True:\n        time.sleep(60)\n"
    )
    settings = settings_in(tmp_path, {"PYTHONPATH": str(tmp_path)})
    command = new_processes().Process(target=run_dbt_ignoring_interrupts, args=(settings,))
    command.start()
    wait_until((tmp_path / "pid").exists)
    pid = (tmp_path / "pid").read_text()
    assert lives(pid)

    command.kill()
    command.join()

    wait_until(lambda: not lives(pid), seconds=2)
