"""One builder at a time for each target: a load or a build holds its lease while it runs.

On Postgres, the lease is a row with a heartbeat. Plain dbt claims it too (macros/hooks/lease.sql).
It needs no session of its own, so it also holds behind a transaction pooler. Elsewhere, it is a
lock on a file, which the system releases when its holders have ended.
"""

import fcntl
import getpass
import json
import os
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.errors import Busy, DiskFull, ExhaustError
from exhaust.marts.state import minute
from exhaust.project import sql
from exhaust.project.settings import Settings
from exhaust.repeating import repeating
from exhaust.reports.files import NO_ROOM, plain_errors
from exhaust.text import Message
from exhaust.warehouse import LockWait, class_of, connect

LEASE = timedelta(seconds=60)
HEARTBEATS_PER_LEASE = 4
TABLE = "build_lease"


@dataclass(frozen=True)
class Lease:
    """What a child process needs to share the lease of its parent."""

    environment: Mapping[str, str] = field(default_factory=dict)
    descriptors: Sequence[int] = ()
    """File descriptors that it inherits: the lock holds until it has closed them too."""
    lost: threading.Event = field(default_factory=threading.Event)
    """Set when another process has taken the lease over."""

    def check(self) -> None:
        """Raises Busy if another process has taken the lease over."""
        if self.lost.is_set():
            raise Busy(
                "Another load or build took over, because this one could not renew its lease.",
                "Run the command again when the other has ended.",
            )


class LeaseConsole:
    """A console that stops a task, with Busy, once its lease is lost."""

    def __init__(self, console: Console, lease: Lease) -> None:
        self._console = console
        self._lease = lease

    def say(self, message: str) -> None:
        self._console.say(message)

    def progress(self, what: str, share: float) -> None:
        self._lease.check()
        self._console.progress(what, share)


def holding_target(
    settings: Settings,
    command: str,
    console: Console = SILENCE,
    clock: Clock = SYSTEM_CLOCK,
    lease: timedelta = LEASE,
) -> AbstractContextManager[Lease]:
    """Holds a target for a load or a build until the block ends.

    Waits for another holder. Raises Busy, which names the holder, if it still holds the target
    after ten seconds.
    """
    wait = LockWait(console, clock)
    holder = f"`exhaust {command}` of {_user()}@{socket.gethostname()}, process {os.getpid()}"
    file = class_of(settings.profile).lock_file(settings.profile)
    if file is None:
        return _holding_row(settings, holder, wait, lease)
    return _holding_file(settings, file, holder, wait, clock)


@contextmanager
def _holding_row(
    settings: Settings, holder: str, wait: LockWait, lease: timedelta
) -> Iterator[Lease]:
    token = secrets.token_hex(16)
    seconds = lease.total_seconds()
    held = Lease({"EXHAUST_LEASE": token})
    with connect(settings.profile, writing=True) as warehouse:
        table = warehouse.relation(settings.profile.schema, TABLE)
        if TABLE not in warehouse.tables(settings.profile.schema):
            warehouse.create_schema(settings.profile.schema)
            warehouse.create_table(sql.lease("lease_table", table))
        while not warehouse.query(sql.lease("lease_claim", table, token, holder, seconds)):
            for other, since, until in warehouse.query(sql.lease("lease_held", table)):
                if wait.is_over:
                    raise _busy(settings, other, since, until)
                wait.pause(_waiting(settings, other), 0.5)

    def renew() -> bool:
        renewal = sql.lease("lease_renewal", table, token, seconds)
        # Each time on a connection of its own: a server or a pooler may end one that is left idle.
        # If it cannot be reached now, some heartbeats are left.
        with suppress(ExhaustError), connect(settings.profile, writing=True) as warehouse:
            if not warehouse.query(renewal):
                held.lost.set()
        return not held.lost.is_set()

    try:
        with repeating(renew, seconds / HEARTBEATS_PER_LEASE):
            yield held
    finally:
        with suppress(ExhaustError), connect(settings.profile, writing=True) as warehouse:
            warehouse.execute(sql.lease("lease_release", table, token))


@contextmanager
def _holding_file(
    settings: Settings, file: Path, holder: str, wait: LockWait, clock: Clock
) -> Iterator[Lease]:
    content = json.dumps({"holder": holder, "since": clock.now().isoformat()})
    while (descriptor := _lock(file)) is None:
        other, since = _holder_of(file)
        if wait.is_over:
            raise _busy(settings, other, since)
        wait.pause(_waiting(settings, other), 0.1)
    try:
        if descriptor < 0:
            yield Lease()
            return
        with plain_errors(file):
            os.truncate(descriptor, 0)
            os.write(descriptor, content.encode())
        yield Lease(descriptors=[descriptor])
    finally:
        if descriptor >= 0:
            # Removed while it is locked: `_lock` finds out that its file is no longer this one.
            file.unlink(missing_ok=True)
            os.close(descriptor)


NO_FILE = -1
"""Instead of a descriptor, where no file can be made: there, no warehouse can be written to."""


def _lock(file: Path) -> int | None:
    """Returns the descriptor of the locked file; None if another process has locked it."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise DiskFull(f"{file} cannot be written: {error.strerror}") from error
        return NO_FILE
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if file.exists() and os.path.samestat(os.fstat(descriptor), file.stat()):
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def _holder_of(file: Path) -> tuple[str, datetime | None]:
    try:
        content = json.loads(file.read_text("utf-8"))
        return content["holder"], datetime.fromisoformat(content["since"])
    except (OSError, ValueError, KeyError, TypeError):
        return "another process", None


def builder_of_file(settings: Settings) -> Busy | None:
    """Says who loads or builds a warehouse that nobody can read meanwhile; None if nobody does, and
    for other warehouses."""
    file = class_of(settings.profile).lock_file(settings.profile)
    if file is None or not file.exists():
        return None
    descriptor = _lock(file)
    if descriptor is None:
        return _busy(settings, *_holder_of(file))
    if descriptor >= 0:
        # It was killed. Without the file, nobody has to look again.
        file.unlink(missing_ok=True)
        os.close(descriptor)
    return None


def _waiting(settings: Settings, holder: str) -> str:
    return f"The target {settings.profile.target} is held by {holder}: waiting for it to end ..."


def _busy(
    settings: Settings, holder: str, since: datetime | None, until: datetime | None = None
) -> Busy:
    target = settings.profile.target
    return Busy(
        Message(
            "The target {target} is held by {holder}, since {since}.",
            target=target,
            holder=holder,
            since=minute(since),
        )
        if since
        else Message("The target {target} is held by {holder}.", target=target, holder=holder),
        Message(
            "Try again when it has ended. If it was killed, its lease ends at {until:%H:%M:%S} "
            "UTC.",
            until=until,
        )
        if until
        else Message("Try again when it has ended."),
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
