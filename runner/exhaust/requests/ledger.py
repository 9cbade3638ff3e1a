"""The ledger of report requests: what was asked for, by whom, how far it is, where its files are.

A table of requests, whose columns are Sunbird's own and ours, and one of their batches. Nobody
looks before leaping: a unique index refuses a batch that is under way, and every change of a
request names the state, and the worker, that it is changed from.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from exhaust.cli.display import visible
from exhaust.errors import Busy, NotFound, UsageError
from exhaust.project.settings import Profile
from exhaust.requests.store import BATCHES, MAX_REASON, REQUESTS, Store

DATASET = "progress-exhaust"
MAX_TRIES = 3
LEASE = timedelta(minutes=2)


class Status(StrEnum):
    SUBMITTED = "SUBMITTED"
    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


UNDER_WAY = (Status.SUBMITTED, Status.PROCESSING)


class LeaseLost(Exception):
    """The request of this id is no longer the worker's: it was cancelled, or another one has it."""


@dataclass(frozen=True)
class Request:
    request_id: str
    course_id: str
    course_name: str | None
    batch_ids: list[str]
    requester: str
    channel: str
    status: Status
    submitted_at: datetime
    """UTC, as all times here."""
    completed_at: datetime | None
    rows_done: int
    rows_expected: int
    position: int | None
    """Among those that wait, from 1."""
    tries: int
    error: str | None
    files: dict[str, str]
    """Of the batches that are done, by batch id."""
    request_data: Mapping[str, Any]


@dataclass(frozen=True)
class Claim:
    """A request that a worker holds, until its lease runs out."""

    request: Request
    worker: str


def request_id(
    course_id: str, batch_ids: Sequence[str], requester: str, channel: str, day: date
) -> str:
    """Sunbird's id of a request: the same for the same report, requester and day."""
    text = "|".join(
        [DATASET, f"{course_id}_{_joined(batch_ids)}", requester, channel, f"{day:%Y-%m-%d}"]
    )
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def _joined(batch_ids: Sequence[str]) -> str:
    return ",".join(sorted(batch_ids, key=str.encode))


def _rows_of(request_id: str) -> sa.ScalarSelect[int]:
    """The rows of the batches of a request that are done."""
    rows = sa.func.coalesce(sa.func.sum(BATCHES.c.rows), 0)
    return sa.select(rows).where(BATCHES.c.request_id == request_id).scalar_subquery()


def utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class Ledger:
    """An open ledger. Use it as a context manager; leaving it closes the connections."""

    def __init__(self, store: Store, clock: Callable[[], datetime], lease: timedelta) -> None:
        self._store = store
        self._clock = clock
        self.lease = lease

    @classmethod
    def open(
        cls,
        profile: Profile,
        *,
        clock: Callable[[], datetime] = utc_now,
        lease: timedelta = LEASE,
    ) -> Self:
        """Opens the ledger of a warehouse.

        Raises NoConnection, Busy, DataError if a newer exhaust made it.
        """
        return cls(Store.open(profile), clock, lease)

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(
        self,
        *,
        course_id: str,
        course_name: str | None,
        batches: Mapping[str, int],
        requester: str,
        channel: str,
        day: date,
        request_data: Mapping[str, Any],
        worker: str | None = None,
    ) -> Request:
        """Puts a request in; `batches` gives the rows that each will have.

        It waits, or is the worker's at once. Raises Busy while a request of the same channel for
        one of the batches is under way; but what a worker takes at once replaces a request of the
        same requester whose worker has stopped.
        """
        base = request_id(course_id, list(batches), requester, channel, day)
        while True:
            try:
                with self._store.begin() as connection:
                    new_id = self._next_id(connection, base)
                    connection.execute(
                        sa.insert(REQUESTS).values(
                            tag=f"{course_id}_{_joined(list(batches))}:{channel}",
                            request_id=new_id,
                            job_id=DATASET,
                            status=Status.SUBMITTED,
                            request_data=dict(request_data),
                            requested_by=requester,
                            requested_channel=channel,
                            dt_job_submitted=self._clock(),
                            batch_number=len(batches),
                            course_id=course_id,
                            course_name=course_name,
                            rows_expected=sum(batches.values()),
                        )
                    )
                    connection.execute(
                        sa.insert(BATCHES),
                        [
                            {
                                "request_id": new_id,
                                "batch_id": batch_id,
                                "dataset": DATASET,
                                "course_id": course_id,
                                "channel": channel,
                                "is_under_way": True,
                            }
                            # In one order: requests that wait for each other's would wait for ever.
                            for batch_id in sorted(batches, key=str.encode)
                        ],
                    )
                    if worker is not None:
                        self._take(connection, new_id, worker)
                return self.request(new_id)
            except IntegrityError:
                self._refuse_what_is_under_way(
                    course_id, list(batches), channel, None if worker is None else requester
                )
                # It has ended in between, or the id was taken by one that has: once more.

    def _next_id(self, connection: Connection, base: str) -> str:
        """The first request of a day has the id itself, later ones a number after it."""
        taken = connection.execute(
            sa.select(REQUESTS.c.request_id).where(REQUESTS.c.request_id.startswith(base))
        )
        highest = max((int(row.request_id[len(base) + 1 :] or 1) for row in taken), default=0)
        return f"{base}-{highest + 1}" if highest else base

    def _refuse_what_is_under_way(
        self, course_id: str, batch_ids: Sequence[str], channel: str, replacing: str | None
    ) -> None:
        """Busy, unless it is a request of the requester `replacing` whose worker has stopped."""
        with self._store.begin() as connection:
            found = connection.execute(
                sa.select(BATCHES.c.batch_id, REQUESTS)
                .join(REQUESTS, BATCHES.c.request_id == REQUESTS.c.request_id)
                .where(
                    BATCHES.c.course_id == course_id,
                    BATCHES.c.batch_id.in_(batch_ids),
                    BATCHES.c.channel == channel,
                    BATCHES.c.is_under_way,
                )
            ).first()
            if found is None:
                return
            has_stopped = found.status == Status.PROCESSING and found.lease_until < self._clock()
            if has_stopped and found.requested_by == replacing:
                reason = "Its worker stopped, and the report was asked for again."
                self._end(connection, found.request_id, Status.FAILED, reason)
                return
        raise Busy(
            "The request for this report is being processed: batch "
            f"{visible(found.batch_id)} was requested at "
            f"{found.dt_job_submitted:%Y-%m-%d %H:%M} UTC, is {found.status}, and has "
            f"{found.rows_done:,} of {found.rows_expected:,} rows.",
            "Its worker has stopped: `exhaust process` takes it up."
            if has_stopped
            else "It can be requested again when it has ended.",
        )

    def claim(self, worker: str) -> Claim | None:
        """Takes the request that has waited longest.

        A request whose worker's lease ran out waits again; after the third time it has failed.
        """
        while True:
            now = self._clock()
            is_free = sa.or_(
                REQUESTS.c.status == Status.SUBMITTED,
                sa.and_(REQUESTS.c.status == Status.PROCESSING, REQUESTS.c.lease_until < now),
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
                reason = free.err_message or "Its worker stopped, three times."
                self._end(connection, free.request_id, Status.FAILED, reason)

    def _take(self, connection: Connection, request_id: str, worker: str) -> None:
        now = self._clock()
        connection.execute(
            sa.update(REQUESTS)
            .where(REQUESTS.c.request_id == request_id)
            .values(
                status=Status.PROCESSING,
                iteration=REQUESTS.c.iteration + 1,
                lease_owner=worker,
                lease_until=now + self.lease,
                claimed_at=now,
                rows_done=_rows_of(request_id),
            )
        )

    def heartbeat(self, claim: Claim, rows_done: int | None = None) -> None:
        """Holds a request for another lease; LeaseLost if it is no longer this worker's."""
        with self._store.begin() as connection:
            self._hold(connection, claim, {} if rows_done is None else {"rows_done": rows_done})

    def batch_done(
        self,
        claim: Claim,
        batch_id: str,
        file: str | None,
        rows: int,
        publish: Callable[[], None] = lambda: None,
    ) -> None:
        """Remembers a batch that is done, so that no other try makes it again; `file` is None for
        what went to standard output.

        `publish` gives the file its name: it is called while nobody else can take the request.
        """
        request_id = claim.request.request_id
        with self._store.begin() as connection:
            self._hold(connection, claim, {"dt_file_created": self._clock()})
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
                    "rows_done": _rows_of(request_id),
                    "processed_batches": sorted(row.batch_id for row in done),
                    "download_urls": sorted({row.file for row in done if row.file}),
                },
            )
            publish()

    def succeed(self, claim: Claim) -> Request:
        """Ends a request well, which has all its files."""
        request_id = claim.request.request_id
        with self._store.begin() as connection:
            # What was expected may have changed by a build in between.
            rows = _rows_of(request_id)
            self._hold(connection, claim, {"rows_done": rows, "rows_expected": rows})
            self._end(connection, request_id, Status.SUCCESS, None)
            return self._read(connection, request_id)

    def fail(self, claim: Claim, reason: str, *, is_final: bool) -> Request:
        """Ends a request that cannot be fulfilled; or lets it be tried again, up to three times."""
        with self._store.begin() as connection:
            if is_final or claim.request.tries >= MAX_TRIES:
                self._hold(connection, claim, {})
                self._end(connection, claim.request.request_id, Status.FAILED, reason)
            else:
                self._let_wait(connection, claim, reason, tries=claim.request.tries)
            return self._read(connection, claim.request.request_id)

    def put_back(self, claim: Claim, reason: str) -> None:
        """Lets a request wait again as if it had not been tried: it was not its own fault."""
        with self._store.begin() as connection:
            self._let_wait(connection, claim, reason, tries=claim.request.tries - 1)

    def _let_wait(self, connection: Connection, claim: Claim, reason: str, tries: int) -> None:
        values = {
            "status": Status.SUBMITTED,
            "iteration": tries,
            "err_message": reason[:MAX_REASON],
            "lease_owner": None,
        }
        self._hold(connection, claim, values)

    def cancel(self, request_id: str, requester: str | None = None) -> Request:
        """Ends a request that is under way; UsageError if it has ended, NotFound if there is none
        of that id, or it is not the requester's own."""
        with self._store.begin() as connection:
            self._read(connection, request_id, requester)
            was_under_way = self._end(connection, request_id, Status.CANCELLED, None)
            request = self._read(connection, request_id)
        if not was_under_way:
            raise UsageError(
                f"The request {request_id} has ended: it is {request.status}.",
                "Only what waits or is being processed can be cancelled.",
            )
        return request

    def request(self, request_id: str, requester: str | None = None) -> Request:
        """One request; NotFound if there is none of that id, or it is not the requester's own."""
        with self._store.begin() as connection:
            return self._read(connection, request_id, requester)

    def requests(self, requester: str | None = None) -> list[Request]:
        """All requests, or the requester's own, newest first."""
        of_requester = sa.true() if requester is None else REQUESTS.c.requested_by == requester
        with self._store.begin() as connection:
            return self._requests(connection, of_requester)

    def forget_files(self, request_ids: Sequence[str], kept: timedelta) -> list[str]:
        """Forgets the files of those of the requests that ended so long ago, and gives their
        ids."""
        with self._store.begin() as connection:
            rows = connection.execute(
                sa.select(REQUESTS.c.request_id).where(
                    REQUESTS.c.request_id.in_(request_ids),
                    REQUESTS.c.dt_job_completed < self._clock() - kept,
                )
            )
            old = [row.request_id for row in rows]
            connection.execute(
                sa.update(BATCHES).where(BATCHES.c.request_id.in_(old)).values(file=None)
            )
            return old

    def _hold(self, connection: Connection, claim: Claim, values: Mapping[str, Any]) -> None:
        held = connection.execute(
            sa.update(REQUESTS)
            .where(
                REQUESTS.c.request_id == claim.request.request_id,
                REQUESTS.c.status == Status.PROCESSING,
                REQUESTS.c.lease_owner == claim.worker,
                REQUESTS.c.iteration == claim.request.tries,
            )
            .values(lease_until=self._clock() + self.lease, **values)
        )
        if held.rowcount != 1:
            raise LeaseLost(claim.request.request_id)

    def _end(
        self, connection: Connection, request_id: str, status: Status, reason: str | None
    ) -> bool:
        """Whether a request was under way, and has now ended."""
        now = self._clock()
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
        found = self._requests(connection, REQUESTS.c.request_id == request_id)
        if not found or requester not in (None, found[0].requester):
            raise NotFound(
                f"There is no request {visible(request_id)}"
                + (f" of {visible(requester)}." if requester is not None else "."),
                "`exhaust status` lists them.",
            )
        return found[0]

    def _requests(self, connection: Connection, which: sa.ColumnElement[bool]) -> list[Request]:
        """Those for which the condition holds, newest first."""
        # Before their batches: Postgres may show one that has come in between.
        rows = connection.execute(
            sa.select(REQUESTS)
            .where(which)
            .order_by(REQUESTS.c.dt_job_submitted.desc(), REQUESTS.c.request_id)
        ).all()
        waiting = connection.execute(
            sa.select(REQUESTS.c.request_id)
            .where(REQUESTS.c.status == Status.SUBMITTED)
            .order_by(REQUESTS.c.dt_job_submitted, REQUESTS.c.request_id)
        )
        positions = {row.request_id: place for place, row in enumerate(waiting, 1)}
        files: dict[str, dict[str, str | None]] = {}
        of_requests = BATCHES.c.request_id.in_(sa.select(REQUESTS.c.request_id).where(which))
        for row in connection.execute(sa.select(BATCHES).where(of_requests)):
            files.setdefault(row.request_id, {})[row.batch_id] = row.file
        return [
            Request(
                request_id=row.request_id,
                course_id=row.course_id,
                course_name=row.course_name,
                batch_ids=sorted(files[row.request_id], key=str.encode),
                requester=row.requested_by,
                channel=row.requested_channel,
                status=Status(row.status),
                submitted_at=row.dt_job_submitted,
                completed_at=row.dt_job_completed,
                rows_done=row.rows_done,
                rows_expected=row.rows_expected,
                position=positions.get(row.request_id),
                tries=row.iteration,
                error=row.err_message,
                files={batch: file for batch, file in files[row.request_id].items() if file},
                request_data=row.request_data,
            )
            for row in rows
        ]
