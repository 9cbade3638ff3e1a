"""The ledger of report requests: who requested what, its progress, and where its files are.

It has a table of requests, with Sunbird's own columns and ours, and a table of their batches. A
unique index prevents duplicate requests, and every change of a request names the state and the
worker that it changes, so no check can be overtaken by another process.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.errors import NotFound, UsageError
from exhaust.marts.names import cleaned
from exhaust.project.profile import Profile
from exhaust.requests.entities import (
    UNDER_WAY,
    Claim,
    LeaseLost,
    NewRequest,
    Request,
    Status,
    Worker,
)
from exhaust.requests.requesters import is_of, under_way
from exhaust.requests.store import BATCHES, MAX_REASON, REQUESTS, Store, read_requests, rows_of
from exhaust.requests.workers import read_workers, record_worker, renew_worker
from exhaust.text import visible

MAX_TRIES = 3
LEASE = timedelta(minutes=2)


class Ledger:
    """An open ledger. Use it as a context manager; leaving it closes the connections."""

    def __init__(self, store: Store, clock: Clock, lease: timedelta) -> None:
        self._store = store
        self._clock = clock
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
        return cls(store, clock, lease)

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, new: NewRequest, worker: str | None = None) -> Request:
        """Adds a request; it waits, or is the worker's at once.

        Raises Busy while a request of the same channel for one of the batches is under way. But a
        request that a worker takes at once replaces one of the same requester whose worker has
        stopped.
        """
        while True:
            try:
                return self._insert(new, worker)
            except IntegrityError:
                self._check_under_way(new, None if worker is None else new.requester)
                # That one has ended meanwhile, or it took the ID: try again.

    def _insert(self, new: NewRequest, worker: str | None) -> Request:
        with self._store.begin() as connection:
            new_id = self._next_id(connection, new.request_id)
            connection.execute(
                sa.insert(REQUESTS).values(
                    tag=new.tag,
                    request_id=new_id,
                    job_id=new.kind.dataset,
                    status=Status.SUBMITTED,
                    request_data=dict(new.request_data),
                    requested_by=new.requester,
                    requested_channel=new.channel,
                    dt_job_submitted=self._now(),
                    batch_number=len(new.batches),
                    course_id=new.course_id,
                    course_name=new.course_name,
                    rows_expected=sum(new.batches.values()),
                )
            )
            connection.execute(
                sa.insert(BATCHES),
                [
                    {
                        "request_id": new_id,
                        "batch_id": batch_id,
                        "dataset": new.kind.dataset,
                        "course_id": new.course_id,
                        "channel": new.channel,
                        "is_under_way": True,
                    }
                    for batch_id in new.batch_ids
                ],
            )
            if worker is not None:
                self._take(connection, new_id, worker)
        return self.request(new_id)

    def _next_id(self, connection: Connection, base: str) -> str:
        """The first request of a day has the ID itself, later ones have a number after it."""
        taken = connection.execute(
            sa.select(REQUESTS.c.request_id).where(REQUESTS.c.request_id.startswith(base))
        )
        highest = max((int(row.request_id[len(base) + 1 :] or 1) for row in taken), default=0)
        return f"{base}-{highest + 1}" if highest else base

    def _check_under_way(self, new: NewRequest, replacing: str | None) -> None:
        """Raises Busy, unless the request is one of `replacing` whose worker has stopped."""
        with self._store.begin() as connection:
            found = connection.execute(
                sa.select(BATCHES.c.batch_id, REQUESTS)
                .join(REQUESTS, BATCHES.c.request_id == REQUESTS.c.request_id)
                .where(
                    BATCHES.c.dataset == new.kind.dataset,
                    BATCHES.c.course_id == new.course_id,
                    BATCHES.c.batch_id.in_(new.batch_ids),
                    BATCHES.c.channel == new.channel,
                    BATCHES.c.is_under_way,
                )
            ).first()
            if found is None:
                return
            has_stopped = found.status == Status.PROCESSING and found.lease_until < self._now()
            if has_stopped and found.requested_by == replacing:
                reason = "Its worker stopped, and the report was requested again."
                self._end(connection, found.request_id, Status.FAILED, reason)
                return
        raise under_way(found, new.requester, has_stopped=has_stopped)

    def claim(self, worker: str) -> Claim | None:
        """Takes the request that has waited longest; returns None if there is none.

        A request whose worker's lease has ended waits again; after the third try it fails.
        """
        # A worker of this name may be recorded at the same time, by another thread.
        with suppress(IntegrityError), self._store.begin() as connection:
            record_worker(connection, worker, self._now())
        while True:
            is_free = sa.or_(
                REQUESTS.c.status == Status.SUBMITTED,
                sa.and_(
                    REQUESTS.c.status == Status.PROCESSING, REQUESTS.c.lease_until < self._now()
                ),
            )
            with self._store.begin() as connection:
                free = connection.execute(
                    sa.select(REQUESTS)
                    .where(is_free)
                    .order_by(REQUESTS.c.dt_job_submitted, REQUESTS.c.request_id)
                    .limit(1)
                    .with_for_update(skip_locked=True)
                ).first()
                if free is None:
                    return None
                if free.iteration < MAX_TRIES:
                    self._take(connection, free.request_id, worker)
                    return Claim(self._read(connection, free.request_id), worker)
                reason = free.err_message or "Its worker stopped three times."
                self._end(connection, free.request_id, Status.FAILED, reason)

    def _take(self, connection: Connection, request_id: str, worker: str) -> None:
        now = self._now()
        connection.execute(
            sa.update(REQUESTS)
            .where(REQUESTS.c.request_id == request_id)
            .values(
                status=Status.PROCESSING,
                iteration=REQUESTS.c.iteration + 1,
                lease_owner=worker,
                lease_until=now + self.lease,
                claimed_at=now,
                rows_done=rows_of(request_id),
            )
        )

    def heartbeat(self, claim: Claim, rows_done: int | None = None) -> None:
        """Holds a request for another lease. Raises LeaseLost if it is no longer this worker's."""
        with self._store.begin() as connection:
            self._hold(connection, claim, {} if rows_done is None else {"rows_done": rows_done})
            renew_worker(connection, claim.worker, self._now())

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
        request_id = claim.request.request_id
        with self._store.begin() as connection:
            self._hold(connection, claim, {"dt_file_created": self._now()})
            connection.execute(
                sa.update(BATCHES)
                .where(BATCHES.c.request_id == request_id, BATCHES.c.batch_id == batch_id)
                .values(file=file, rows=rows)
            )
            done = connection.execute(
                sa.select(BATCHES).where(
                    BATCHES.c.request_id == request_id, BATCHES.c.rows.is_not(None)
                )
            ).all()
            self._hold(
                connection,
                claim,
                {
                    "rows_done": rows_of(request_id),
                    "processed_batches": sorted(row.batch_id for row in done),
                    "download_urls": sorted({row.file for row in done if row.file}),
                },
            )
            publish()

    def succeed(self, claim: Claim) -> Request:
        """Ends a request that has all its files."""
        request_id = claim.request.request_id
        with self._store.begin() as connection:
            # A build in between may have changed what was expected.
            rows = rows_of(request_id)
            self._hold(connection, claim, {"rows_done": rows, "rows_expected": rows})
            self._end(connection, request_id, Status.SUCCESS, None)
            return self._read(connection, request_id)

    def fail(self, claim: Claim, reason: str, *, is_final: bool) -> Request:
        """Ends a request that failed, or makes it wait for another try, up to three times."""
        with self._store.begin() as connection:
            if is_final or claim.request.tries >= MAX_TRIES:
                self._hold(connection, claim, {})
                self._end(connection, claim.request.request_id, Status.FAILED, reason)
            else:
                self._requeue(connection, claim, reason, tries=claim.request.tries)
            return self._read(connection, claim.request.request_id)

    def put_back(self, claim: Claim, reason: str) -> None:
        """Makes a request wait again without counting the try, because it did not cause the
        failure."""
        with self._store.begin() as connection:
            self._requeue(connection, claim, reason, tries=claim.request.tries - 1)

    def release(self, worker: str, reason: str) -> None:
        """Puts back whatever a worker holds, which is at most one request."""
        with self._store.begin() as connection:
            held = connection.execute(
                sa.select(REQUESTS.c.request_id).where(REQUESTS.c.lease_owner == worker)
            ).all()
            for row in held:
                claim = Claim(self._read(connection, row.request_id), worker)
                self._requeue(connection, claim, reason, tries=claim.request.tries - 1)

    def _requeue(self, connection: Connection, claim: Claim, reason: str, tries: int) -> None:
        values = {
            "status": Status.SUBMITTED,
            "iteration": tries,
            "err_message": reason[:MAX_REASON],
            "lease_owner": None,
        }
        self._hold(connection, claim, values)

    def cancel(self, request_id: str, requester: str | None = None) -> Request:
        """Ends a request that is under way.

        Raises UsageError if it has ended, NotFound if there is no such request, or it is not the
        requester's own.
        """
        with self._store.begin() as connection:
            request_id = self._read(connection, request_id, requester).request_id
            was_under_way = self._end(connection, request_id, Status.CANCELLED, None)
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

    def requests(self, requester: str | None = None) -> list[Request]:
        """Returns all requests, or the requester's own, newest first."""
        of_requester = sa.true() if requester is None else is_of(requester)
        with self._store.begin() as connection:
            return read_requests(connection, of_requester)

    def workers(self) -> list[Worker]:
        """Returns the workers that were seen lately, the one that was seen last first."""
        with self._store.begin() as connection:
            return read_workers(connection)

    def forget_files(self, request_ids: Sequence[str], retention: timedelta) -> list[str]:
        """Forgets the files of those of the requests that ended so long ago; returns their IDs."""
        with self._store.begin() as connection:
            rows = connection.execute(
                sa.select(REQUESTS.c.request_id).where(
                    REQUESTS.c.request_id.in_(request_ids),
                    REQUESTS.c.dt_job_completed < self._now() - retention,
                )
            )
            old = [row.request_id for row in rows]
            connection.execute(
                sa.update(BATCHES).where(BATCHES.c.request_id.in_(old)).values(file=None)
            )
            return old

    def _now(self) -> datetime:
        """UTC without a time zone, as SQLite keeps it."""
        return self._clock.now().replace(tzinfo=None)

    def _hold(self, connection: Connection, claim: Claim, values: Mapping[str, Any]) -> None:
        held = connection.execute(
            sa.update(REQUESTS)
            .where(
                REQUESTS.c.request_id == claim.request.request_id,
                REQUESTS.c.status == Status.PROCESSING,
                REQUESTS.c.lease_owner == claim.worker,
                REQUESTS.c.iteration == claim.request.tries,
            )
            .values(lease_until=self._now() + self.lease, **values)
        )
        if held.rowcount != 1:
            raise LeaseLost(claim.request.request_id)

    def _end(
        self, connection: Connection, request_id: str, status: Status, reason: str | None
    ) -> bool:
        """Ends a request; returns whether it was under way."""
        now = self._now()
        row = connection.execute(
            sa.select(REQUESTS.c.claimed_at).where(REQUESTS.c.request_id == request_id)
        ).one()
        took = int((now - row.claimed_at).total_seconds() * 1000) if row.claimed_at else None
        ended = connection.execute(
            sa.update(REQUESTS)
            .where(REQUESTS.c.request_id == request_id, REQUESTS.c.status.in_(UNDER_WAY))
            .values(
                status=status,
                err_message=reason and reason[:MAX_REASON],
                dt_job_completed=now,
                execution_time=took,
                lease_owner=None,
                lease_until=None,
            )
        )
        connection.execute(
            sa.update(BATCHES).where(BATCHES.c.request_id == request_id).values(is_under_way=False)
        )
        return ended.rowcount == 1

    def _read(
        self, connection: Connection, request_id: str, requester: str | None = None
    ) -> Request:
        is_own = sa.true() if requester is None else is_of(requester)
        has_id = REQUESTS.c.request_id.in_([request_id, cleaned(request_id).upper()])
        found = read_requests(connection, sa.and_(has_id, is_own))
        if not found:
            raise NotFound(
                f"There is no request {visible(request_id)}"
                + (f" of {visible(requester)}." if requester is not None else "."),
                "`exhaust status` lists them.",
            )
        return found[0]
