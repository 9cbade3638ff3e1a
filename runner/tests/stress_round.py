"""A round of the stress test: builds, a load, exports and plain dbt, all started at once."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from processes_support import exhaust
from support import PROJECT

from exhaust.project.settings import Settings

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
        command = [*DBT, *arguments] if kind == "dbt" else exhaust(kind, *arguments)
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


def run_round(
    shell: Shell, extract: Path, model: str, exports: Sequence[Path], waves: int
) -> tuple[list[Ended], list[Ended]]:
    """Starts all commands at once and waits for them.

    With several waves, a part of the exports starts only when those before have ended: then they
    meet later parts of a build. Returns the exports, which write to the folders `exports` in this
    order, and the others.
    """
    running: list[Started] = []

    def start(kind: str, *arguments: str) -> Started:
        running.append(shell.start(kind, *arguments))
        return running[-1]

    try:
        others = [start("build"), start("load", str(extract))]
        ended: list[Ended] = []
        for wave in range(waves):
            size = len(exports) // waves
            folders = exports[wave * size : (wave + 1) * size]
            started = [start("export", "--all", "--output-dir", str(one)) for one in folders]
            if wave == 0:
                target = shell.settings.profile.target
                others.append(start("dbt", "run", "--select", model, "--target", target))
                others.append(start("build"))
            ended += [one.wait() for one in started]
        return ended, [one.wait() for one in others]
    except BaseException:
        for one in running:
            one.kill()
        raise
