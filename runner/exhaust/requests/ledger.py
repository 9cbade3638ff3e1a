"""The ledger of report requests: who requested what, its progress, and where its files are.

It has a table of requests, with Sunbird's own columns and ours, and a table of their batches. A
unique index prevents duplicate requests.
"""

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.errors import NotFound, UsageError
from exhaust.marts.names import cleaned
from exhaust.project.profile import Profile
from exhaust.reports.kinds import Kind
from exhaust.requests.downloads import Download, Way, forget_downloads, read_downloads
from exhaust.requests.entities import (
    ENDED,
    MAX_TRIES,
    Claim,
    LeaseLost,
    NewRequest,
    Request,
    Status,
    Worker,
)
from exhaust.requests.functions import Functions
from exhaust.requests.requesters import check_room, is_of
from exhaust.requests.rows import read_requests
from exhaust.requests.store import BATCHES, REQUESTS, Store
from exhaust.requests.tables import Tables, find_request
from exhaust.requests.workers import read_workers, record_worker
from exhaust.text import Message, visible

LEASE = timedelta(minutes=2)


class Ledger:
    """An open ledger. Use it as a context manager; leaving it closes the connections."""

    def __init__(self, store: Store, clock: Clock, lease: timedelta, functions: str | None) -> None:
        self._store = store
        self._tables = Tables(clock, lease)
        self._changes = self._tables if functions is None else Functions(functions)
        """How requesters change requests; who may not write the tables calls functions."""
        self.lease = lease

    @classmethod
    def open(
        cls,
        profile: Profile,
        clock: Clock = SYSTEM_CLOCK,
        lease: timedelta = LEASE,
        *,
        writing: bool = True,
        console: Console = SILENCE,
    ) -> Self:
        """Opens the ledger of a warehouse; without `writing`, for reading it only.

        The console is told once if another process has to be waited for. Raises NoConnection, Busy,
        PermissionDenied, DataError if a newer exhaust created it.
        """
        store = Store.open(profile, writing=writing, console=console, clock=clock)
        return cls(store, clock, lease, store.functions() if writing else None)

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(
        self, new: NewRequest, worker: str | None = None, max_under_way: int | None = None
    ) -> Request:
        """Adds a request; it waits, or is the worker's at once.

        Raises Busy while a request of the same channel for one of the batches is under way. But a
        request that a worker takes at once replaces one of the same requester whose worker has
        stopped. Raises Busy if the requester has `max_under_way` requests under way.
        """
        while True:
            try:
                with self._store.begin() as connection:
                    if max_under_way is not None:
                        check_room(connection, new.requester, max_under_way)
                    return self._read(connection, self._changes.insert(connection, new, worker))
            except IntegrityError:
                replacing = None if worker is None else new.requester
                with self._store.begin() as connection:
                    blocking = self._changes.blocking(connection, new, replacing)
                if blocking is not None:
                    raise blocking.error() from None
                # That one has ended meanwhile, or it took the ID: try again.

    def claim(self, worker: str, public_key: str | None = None) -> Claim | None:
        """Takes the request that has waited longest; returns None if there is none.

        A request whose worker's lease has ended waits again; after the third try it fails. The
        passwords of requests that are older than a day are forgotten.
        """
        # A worker of this name may be recorded at the same time, by another thread.
        with suppress(IntegrityError), self._store.begin() as connection:
            record_worker(connection, worker, self._tables.now(), public_key)
            self._tables.forget_passwords(connection)
        tables = self._tables
        is_free = sa.or_(
            REQUESTS.c.status.not_in([*ENDED, Status.PROCESSING]), tables.has_stopped()
        )
        while True:
            with self._store.begin() as connection:
                free_id = connection.scalar(
                    sa.select(REQUESTS.c.request_id)
                    .where(is_free)
                    .order_by(REQUESTS.c.dt_job_submitted, REQUESTS.c.request_id)
                    .limit(1)
                    .with_for_update(skip_locked=True)
                )
                if free_id is None:
                    return None
                free = find_request(connection, free_id)
                if free and free.is_under_way and free.tries < MAX_TRIES:
                    tables.take(connection, free_id, worker)
                    sealed = tables.sealed_password(connection, free_id)
                    return Claim(self._read(connection, free_id), worker, sealed)
                reason = (free and free.error) or Message("Its worker stopped three times.")
                tables.end(connection, free_id, Status.FAILED, reason)

    def heartbeat(self, claim: Claim, rows_done: int | None = None) -> None:
        """Holds a request for another lease. Raises LeaseLost if it is no longer this worker's."""
        with self._store.begin() as connection:
            self._changes.heartbeat(connection, claim, rows_done)

    def batch_done(
        self,
        claim: Claim,
        batch_id: str,
        file: str | None,
        rows: int,
        publish: Callable[[], None] = lambda: None,
    ) -> None:
        """Records a batch as done, so that no other try makes it again.

        `file` is None for standard output. `publish` gives the file its name: it is called while
        no other worker can take the request.
        """
        with self._store.begin() as connection:
            self._changes.batch_done(connection, claim, batch_id, file, rows)
            publish()

    def succeed(self, claim: Claim) -> Request:
        """Ends a request that has all its files."""
        with self._store.begin() as connection:
            self._changes.succeed(connection, claim)
            return self._read(connection, claim.request.request_id)

    def fail(self, claim: Claim, reason: str, *, is_final: bool) -> Request:
        """Ends a request that failed, or makes it wait for another try, up to three times."""
        with self._store.begin() as connection:
            if is_final or claim.request.tries >= MAX_TRIES:
                self._changes.fail(connection, claim, reason)
            else:
                self._tables.requeue(connection, claim, reason, tries=claim.request.tries)
            return self._read(connection, claim.request.request_id)

    def put_back(self, claim: Claim, reason: str) -> None:
        """Makes a request wait again without counting the try, because it did not cause the
        failure."""
        with self._store.begin() as connection:
            self._tables.requeue(connection, claim, reason, tries=claim.request.tries - 1)

    def release(self, worker: str, reason: str) -> None:
        """Puts back whatever a worker holds, which is at most one request."""
        with self._store.begin() as connection:
            held = connection.execute(
                sa.select(REQUESTS.c.request_id).where(REQUESTS.c.lease_owner == worker)
            ).all()
            for row in held:
                claim = Claim(self._read(connection, row.request_id), worker)
                with suppress(LeaseLost):
                    self._tables.requeue(connection, claim, reason, tries=claim.request.tries - 1)

    def cancel(self, request_id: str, requester: str | None = None) -> Request:
        """Ends a request that is under way.

        Raises UsageError if it has ended, NotFound if there is no such request, or it is not the
        requester's own.
        """
        with self._store.begin() as connection:
            request_id = self._read(connection, request_id, requester).request_id
            was_under_way = self._changes.cancel(connection, request_id)
            request = self._read(connection, request_id)
        if not was_under_way:
            raise UsageError(
                f"The request {request_id} has ended: it is {request.status}.",
                "Only a request that is waiting or being processed can be cancelled.",
            )
        return request

    def request(self, request_id: str, requester: str | None = None) -> Request:
        """Returns a request. Raises NotFound if there is no such request, or it is not the
        requester's own."""
        with self._store.begin() as connection:
            return self._read(connection, request_id, requester)

    def requests(
        self, requester: str | None = None, tag: str | None = None, limit: int | None = None
    ) -> list[Request]:
        """Returns all requests, or the requester's own, newest first.

        With a `tag`, only those for these batches, for whichever channel; with a `limit`, only the
        newest.
        """
        which = [] if requester is None else [is_of(requester)]
        if tag is not None:
            start = f"{tag}:"
            which.append(sa.func.substr(REQUESTS.c.tag, 1, len(start)) == start)
        with self._store.begin() as connection:
            return read_requests(connection, sa.and_(sa.true(), *which), limit)

    def under_way(
        self, kind: Kind, course_id: str, batch_id: str, channel: str | None
    ) -> list[Request]:
        """Returns the requests for a batch that are waiting or being processed, newest first.

        With a channel, only those for the learners of that channel's requesters.
        """
        ids = sa.select(BATCHES.c.request_id).where(
            BATCHES.c.dataset == kind.dataset,
            BATCHES.c.course_id == course_id,
            BATCHES.c.batch_id == batch_id,
            BATCHES.c.is_under_way,
            sa.true() if channel is None else BATCHES.c.channel == channel,
        )
        with self._store.begin() as connection:
            found = read_requests(connection, REQUESTS.c.request_id.in_(ids))
        return [request for request in found if request.is_under_way]

    def record_download(
        self, request_id: str, user_id: str | None, file: str, way: Way = Way.SESSION
    ) -> None:
        """Writes down that somebody takes a file of a request; a user ID of None is the
        operator. Raises NotFound if there is no such request."""
        new_id = secrets.token_hex(16)
        with self._store.begin() as connection:
            given = (new_id, request_id, user_id, file, way)
            if not self._changes.record_download(connection, *given):
                raise NotFound(f"There is no request {visible(request_id)}.")

    def downloads(self, limit: int) -> list[Download]:
        """Returns the newest downloads, newest first."""
        with self._store.begin() as connection:
            return read_downloads(connection, limit)

    def forget_downloads(self, retention: timedelta) -> None:
        """Removes the downloads of longer ago."""
        with self._store.begin() as connection:
            forget_downloads(connection, self._tables.now() - retention)

    def workers(self) -> list[Worker]:
        """Returns the workers that were seen lately, the one that was seen last first."""
        with self._store.begin() as connection:
            return read_workers(connection, self._tables.now())

    def public_key(self) -> str:
        """Returns the key that a password is sealed to: that of the worker seen last.

        Raises NotFound if no worker has published one.
        """
        for worker in self.workers():
            if worker.public_key:
                return worker.public_key
        raise NotFound(
            Message("No worker has published a key yet, so no password can be sent to one."),
            Message("Run `exhaust process` once."),
        )

    def forget_files(self, request_ids: Sequence[str], retention: timedelta) -> list[str]:
        """Forgets the files of those of the requests that ended so long ago; returns their IDs."""
        with self._store.begin() as connection:
            rows = connection.execute(
                sa.select(REQUESTS.c.request_id).where(
                    REQUESTS.c.request_id.in_(request_ids),
                    REQUESTS.c.dt_job_completed < self._tables.now() - retention,
                )
            )
            old = [row.request_id for row in rows]
            connection.execute(
                sa.update(BATCHES).where(BATCHES.c.request_id.in_(old)).values(file=None)
            )
            return old

    def _read(
        self, connection: Connection, request_id: str, requester: str | None = None
    ) -> Request:
        is_own = sa.true() if requester is None else is_of(requester)
        for text in (request_id, cleaned(request_id).upper()):
            has_id = sa.and_(REQUESTS.c.request_id == text, is_own)
            for found in read_requests(connection, has_id):
                return found
        raise NotFound(
            f"There is no request {visible(request_id)}"
            + (f" of {visible(requester)}." if requester is not None else "."),
            "`exhaust status` lists them.",
        )
