"""Who holds the lock that a session of PostgreSQL waits for, in words."""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from exhaust.console import Console
from exhaust.errors import Busy
from exhaust.text import counted

MAX_STATEMENT = 100
"""Characters of the holder's statement that are shown."""

HOLDER = """
with recursive waiting as (
    select
        pg_locks.pid,
        coalesce(extract(epoch from clock_timestamp() - min(pg_locks.waitstart)), 0) as seconds
    from pg_locks
    join pg_stat_activity on pg_stat_activity.pid = pg_locks.pid
    where not pg_locks.granted and {waiting}
    group by pg_locks.pid
),
holders as (
    select unnest(pg_blocking_pids(waiting.pid)) as pid from waiting
    union
    select unnest(pg_blocking_pids(holders.pid)) from holders
)
select
    (select max(waiting.seconds) from waiting),
    holders.pid,
    pg_stat_activity.usename,
    pg_stat_activity.application_name,
    pg_stat_activity.xact_start at time zone 'UTC',
    pg_stat_activity.state,
    pg_stat_activity.query
from holders
left join pg_stat_activity on pg_stat_activity.pid = holders.pid
where cardinality(pg_blocking_pids(holders.pid)) = 0
order by pg_stat_activity.xact_start
limit 1
"""
"""Of those who wait for nobody, the one whose transaction is the oldest."""


@dataclass(frozen=True)
class Holder:
    """A session that others wait for."""

    waited: timedelta
    """How long the longest of them has waited."""
    pid: int
    user: str | None
    application: str | None
    since: datetime | None
    """When its transaction began (UTC); None if we may not see that."""
    state: str | None
    statement: str | None

    def __str__(self) -> str:
        if self.user is None:
            return f"process {self.pid}"
        who = f"process {self.pid} (user {self.user}"
        who += f", application {self.application})" if self.application else ")"
        if self.since is None or not self.statement:
            return who
        text = " ".join(self.statement.split())
        text = text if len(text) <= MAX_STATEMENT else f"{text[:MAX_STATEMENT]} …"
        since = f"in a transaction since {self.since:%Y-%m-%d %H:%M:%S} UTC"
        doing = "it runs" if self.state == "active" else f"it is {self.state}, after"
        return f"{who}, {since}; {doing}: {text}"


class LockWatch:
    """Looks who holds the lock that sessions of a server wait for, on a connection of its own.

    `waiting` is a condition, as SQL, for these sessions in pg_stat_activity.
    """

    def __init__(
        self,
        server: str,
        connect: Callable[[], psycopg.Connection],
        waiting: str,
        console: Console,
    ) -> None:
        self.holder: Holder | None = None
        """The one that was seen last."""
        self._server = server
        self._connect = connect
        self._waiting = waiting
        self._console = console
        self._connection: psycopg.Connection | None = None
        self._said: int | None = None
        self._is_over = False

    def look(self, after: timedelta = timedelta(0)) -> None:
        """Says once for each holder who it is, if it has been waited for that long."""
        try:
            if self._connection is None:
                self._connection = self._connect()
            if self._is_over:
                return
            found = self._connection.execute(HOLDER.format(waiting=self._waiting)).fetchone()
        except psycopg.Error:
            self.close()  # The next look tries again.
            return
        if not found:
            self.holder = None
            return
        seconds, *rest = found
        self.holder = Holder(timedelta(seconds=float(seconds)), *rest)
        if self.holder.waited >= after and self.holder.pid != self._said:
            self._said = self.holder.pid
            self._console.say(f"Waiting for a lock in {self._server}, held by {self.holder} ...")

    def busy(self, limit: timedelta) -> Busy:
        """Returns the error for a wait that took too long; it names the holder."""
        seconds = limit.total_seconds()
        length = counted(round(seconds / 60), "minute") if seconds >= 60 else f"{seconds:g} seconds"
        pid = self.holder.pid if self.holder else "PROCESS"
        return Busy(
            f"A lock in {self._server} is held by {self.holder or 'another process'},"
            f" and still was after {length}.",
            "Try again when its transaction has ended. If it was forgotten, its user, or a "
            f"superuser, can end it: select pg_terminate_backend({pid}). The variable "
            "lock_timeout_minutes says how long to wait.",
        )

    def end(self) -> None:
        """Ends a look that another thread takes: behind a pooler, it may wait for the very session
        that its caller holds."""
        self._is_over = True
        if self._connection is not None:
            with (
                suppress(OSError, psycopg.Error),
                socket.socket(fileno=os.dup(self._connection.fileno())) as connection,
            ):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
