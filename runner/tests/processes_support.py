"""Commands that tests start and kill, and what is left of them."""

import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from exhaust.pipeline.lease import TABLE
from exhaust.project.settings import Settings
from exhaust.requests.ledger import LEASE, Ledger
from exhaust.requests.store import REQUESTS
from exhaust.warehouse import class_of, connect

MARK = "MARK_OF_A_TEST"
"""An environment variable that a command's children inherit, and theirs."""


class Started:
    """A command that runs, with all processes that it has started."""

    def __init__(self, process: "subprocess.Popen[str]", mark: str) -> None:
        self.process = process
        self._mark = f"{MARK}={mark}".encode()

    def living(self) -> list[str]:
        """Returns the IDs of the processes that live."""
        return [folder.name for folder in Path("/proc").glob("[0-9]*") if self._is_of_it(folder)]

    def _is_of_it(self, folder: Path) -> bool:
        try:
            return self._mark in (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            return False

    def end(self) -> tuple[int, str, str]:
        """Waits for the end; returns the exit code, standard output and standard error."""
        output, errors = self.process.communicate(timeout=120)
        return self.process.returncode, output, errors


@contextmanager
def started(
    command: Sequence[str], environment: Mapping[str, str], folder: Path
) -> Iterator[Started]:
    """Starts a command in a session of its own; kills it if the block raises."""
    mark = secrets.token_hex(8)
    process = subprocess.Popen(
        command,
        env={**environment, MARK: mark},
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield Started(process, mark)
    finally:
        process.kill()
        process.communicate()


def lives(pid: str) -> bool:
    """Returns whether a process lives; one that has ended may still wait to be asked about."""
    try:
        return ") Z " not in Path("/proc", pid, "stat").read_text()
    except OSError:
        return False


def let_lease_end(settings: Settings) -> None:
    """Ends the lease of a load or a build that was killed, which the next one would wait for.

    Only on Postgres: elsewhere, the lock of a file has ended with the process.
    """
    if class_of(settings.profile).lock_file(settings.profile) is None:
        with connect(settings.profile, writing=True) as warehouse:
            table = warehouse.relation(settings.profile.schema, TABLE)
            warehouse.execute(f"update {table} set lease_until = started_at")


def let_leases_of_requests_end(settings: Settings) -> None:
    """As if two minutes had passed: a worker that was killed has lost its requests."""
    with Ledger.open(settings.profile) as ledger, ledger._store.begin() as connection:
        ended = datetime.now(UTC).replace(tzinfo=None) - LEASE
        connection.execute(sa.update(REQUESTS).values(lease_until=ended))


def exhaust(*arguments: str) -> list[str]:
    """Returns the command line of a command, of the package that these tests import."""
    return [sys.executable, "-c", "from exhaust.cli import main; main()", *arguments]
