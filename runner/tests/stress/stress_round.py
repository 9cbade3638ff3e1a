"""A round of the stress test: builds, a load, exports and plain dbt, all started at once."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from support import PROJECT

from exhaust.project.settings import Settings

EXHAUST = (sys.executable, "-c", "from exhaust.cli import main; main()")
DBT = (str(Path(sys.executable).with_name("dbt")),)
TIMEOUT_SECONDS = 600
"""How long a round may take: longer is a deadlock."""


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    kind: str
    """load, build, export or dbt."""
    code: int
    output: str


class Started:
    """A running command; its output goes to a file, so that it never waits for a reader."""

    def __init__(self, kind: str, process: subprocess.Popen[bytes], output: Path) -> None:
        self._kind = kind
        self._process = process
        self._output = output

    def wait(self) -> Ended:
        code = self._process.wait(TIMEOUT_SECONDS)
        return Ended(self._kind, code, self._output.read_text("utf-8", "replace"))

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


class Shell:
    """Runs the commands of this checkout as processes, on a warehouse of the tests."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self._folder = folder
        self._count = 0
        profiles = folder / "profiles"
        profiles.mkdir()
        shutil.copy(PROJECT / "profiles.example.yml", profiles / "profiles.yml")
        self._environment = {
            **settings.environment,
            "EXHAUST_PROJECT_DIR": str(PROJECT),
            "EXHAUST_PROFILES_DIR": str(profiles),
            "DBT_PROFILES_DIR": str(profiles),
        }

    def start(self, kind: str, *arguments: str) -> Started:
        """Starts `exhaust` with arguments that begin with the kind, or `dbt`."""
        self._count += 1
        output = self._folder / f"{self._count}-{kind}.txt"
        command = [*DBT, *arguments] if kind == "dbt" else [*EXHAUST, kind, *arguments]
        with output.open("wb") as file:
            process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        return Started(kind, process, output)

    def run(self, kind: str, *arguments: str) -> Ended:
        return self.start(kind, *arguments).wait()

    def start_dbt(self, model: str) -> Started:
        """Starts plain dbt for one model."""
        target = self.settings.profile.target
        return self.start("dbt", "run", "--select", model, "--target", target)


def run_round(
    shell: Shell, extract: Path, model: str, exports: Sequence[Path]
) -> tuple[list[Ended], list[Ended]]:
    """Starts all commands at once and waits for them.

    Returns the exports, which write to the folders `exports` in this order, and the others.
    """
    started = [shell.start("build"), shell.start("load", str(extract))]
    writing = [shell.start("export", "--all", "--output-dir", str(folder)) for folder in exports]
    started += [shell.start_dbt(model), shell.start("build")]
    try:
        return [one.wait() for one in writing], [one.wait() for one in started]
    except BaseException:
        for one in (*writing, *started):
            one.kill()
        raise
