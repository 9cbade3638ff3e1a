"""Commands that are killed leave nothing wrong and nothing behind; `make stress` kills more.

Each command gets SIGKILL and SIGTERM at moments that are spread over the time that it takes.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest
from cli_support import COURSE, MENTOR
from processes_support import exhaust, let_lease_end, let_leases_of_requests_end, started
from requests_support import ShiftedClock
from support import NO_MESSAGES, PROJECT, wait_until

from exhaust.project.settings import Settings, read_settings
from exhaust.reports.receipt import receipt_path
from exhaust.reports.verify import verify
from exhaust.requests.entities import Request, Status
from exhaust.requests.ledger import LEASE, Ledger
from exhaust.requests.worker import process

pytestmark = pytest.mark.not_on_spark

KILLS = int(os.environ.get("EXHAUST_SIGKILLS", "1"))
TERMS = int(os.environ.get("EXHAUST_SIGTERMS", "1"))
"""How often each command is killed, and terminated."""
TERMINATED = 128 + signal.SIGTERM
ENDED = {Status.SUCCESS, Status.FAILED, Status.CANCELLED}

WORKER_KEY = ".worker-key"
"""The only hidden file that is meant to stay: the next worker needs it."""


class Victim:
    """The commands of this checkout, on a warehouse and in folders of the test's own."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.project = folder / "project"
        self.out = folder / "out"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self._environment = {**settings.environment, "TMPDIR": str(self.temporary)}
        self.run("init", str(self.project))
        self._environment["EXHAUST_PROJECT_DIR"] = str(self.project)
        self.results = self.project / "results" / settings.profile.target
        self.codes: list[int] = []

    def commands(self, request_id: str) -> dict[str, list[str]]:
        out = str(self.out)
        return {
            "load": ["load", str(PROJECT / "seeds")],
            "build": ["build"],
            "export": ["export", COURSE, "--output-dir", out],
            "export --all": ["export", "--all", "--output-dir", out],
            "export --as": ["export", COURSE, "--as", MENTOR, "--output-dir", out],
            "process": ["process"],
            "download": ["download", request_id, "--output-dir", out],
        }

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            exhaust(*arguments),
            env=self._environment,
            cwd=self.temporary.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self, arguments: list[str], number: signal.Signals, after: float) -> None:
        """Starts a command and sends it a signal; checks how it ended and what is left of it."""
        with started(exhaust(*arguments), self._environment, self.temporary.parent) as command:
            try:
                command.process.wait(after)
            except subprocess.TimeoutExpired:
                command.process.send_signal(number)
            code, output, errors = command.end()
            expected = {0, -signal.SIGKILL if number == signal.SIGKILL else TERMINATED}
            if not output + errors:
                expected.add(-number)  # Python itself was still starting.
            assert code in expected, f"{code}\n{output}{errors}"
            assert "Traceback" not in errors, errors
            assert "Unexpected" not in errors, errors
            began = monotonic()
            wait_until(lambda: not command.living())
            assert monotonic() - began < 2
            self.codes.append(code)

    def requests(self) -> list[Request]:
        with Ledger.open(self.settings.profile, writing=False) as ledger:
            return ledger.requests()

    def let_leases_end(self) -> None:
        """As if two minutes had passed: whoever was killed has lost its requests and its target."""
        let_leases_of_requests_end(self.settings)
        let_lease_end(self.settings)

    def process_requests(self) -> None:
        project = read_settings(self.project, environ=self._environment)
        clock = ShiftedClock(LEASE + timedelta(minutes=1))
        with Ledger.open(project.profile, clock) as ledger:
            for _ in process(project, ledger, "last", NO_MESSAGES):
                pass

    def check_files(self) -> None:
        """Checks that no report is half, and that none is next to the receipt of another."""
        for folder in (self.out, self.results):
            for file in folder.rglob("[!.]*.csv"):
                assert receipt_path(file).is_file(), file
                assert verify(file).is_unchanged, file

    def leftovers(self) -> list[Path]:
        """Returns files that a command makes only for itself."""
        warehouse = Path(str(self.settings.profile.options.get("path", "")))
        beside = [] if warehouse == Path() else list(_hidden_or_partial(warehouse.parent))
        return [
            *self.temporary.iterdir(),
            *(file for folder in (self.out, self.results) for file in _hidden_or_partial(folder)),
            *beside,
        ]


def _hidden_or_partial(folder: Path) -> Iterator[Path]:
    for file in folder.rglob("*"):
        is_hidden = file.name.startswith(".") and file.name != WORKER_KEY
        if is_hidden or file.name.endswith((".part", ".lock")):
            yield file


@pytest.fixture
def victim(settings: Settings, tmp_path: Path) -> Victim:
    return Victim(settings, tmp_path)


def test_killed_commands_leave_nothing_wrong_and_nothing_behind(victim: Victim) -> None:
    victim.run("load", str(PROJECT / "seeds"))
    victim.run("build")
    victim.run("request", COURSE, "--as", MENTOR)
    victim.run("process")
    (first,) = victim.requests()
    for name, arguments in victim.commands(first.request_id).items():
        began = monotonic()
        victim.run(*arguments)
        seconds = monotonic() - began
        for number, count in ((signal.SIGKILL, KILLS), (signal.SIGTERM, TERMS)):
            for index in range(count):
                if name == "process" and not any(one.is_under_way for one in victim.requests()):
                    victim.run("request", COURSE, "--as", MENTOR)
                victim.stop(arguments, number, seconds * (index + 0.5) / count)
                victim.check_files()
                victim.let_leases_end()
        victim.run(*arguments)
        victim.check_files()
        assert victim.leftovers() == [], name
        print(f"{name}: {seconds:.1f} s; {sorted(victim.codes)}")
        victim.codes.clear()
    victim.process_requests()
    assert {request.status for request in victim.requests()} <= ENDED
