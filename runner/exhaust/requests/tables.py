"""Changes of the ledger by who may write its tables: its owner and workers.

Every change of a request names the state and the worker that it changes, so no check can be
overtaken by another process.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exhaust.console import Clock
from exhaust.requests.entities import (
    ENDED,
    MAX_CLOCK_SKEW,
    Claim,
    LeaseLost,
    NewRequest,
    Request,
    Status,
)
from exhaust.requests.requesters import Blocking
from exhaust.requests.rows import read_requests, time_of
from exhaust.requests.store import BATCHES, DOWNLOADS, MAX_REASON, REQUESTS, rows_of
from exhaust.requests.workers import renew_worker
from exhaust.text import Message

PASSWORDS_KEPT = timedelta(days=1)
REPLACED = Message("Its worker stopped, and the report was requested again.")
"""As the functions in functions.sql say it too."""


def find_request(connection: Connection, request_id: str) -> Request | None:
    """Returns the request of just this ID."""
    return next(iter(read_requests(connection, REQUESTS.c.request_id == request_id)), None)


class Tables:
    """The statements of the changes; each method takes a connection in a transaction."""

    def __init__(self, clock: Clock, lease: timedelta) -> None:
        self._clock = clock
        self._lease = lease

    def now(self) -> datetime:
        """UTC without a time zone, as SQLite keeps it."""
        return self._clock.now().replace(tzinfo=None)

    def insert(self, connection: Connection, new: NewRequest, worker: str | None) -> str:
        """Adds a request and returns its ID; with a worker, it is the worker's at once.

        Raises IntegrityError while one of its batches is under way, and if the ID is taken.
        """
        new_id = _next_id(connection, new.request_id)
        connection.execute(
            sa.insert(REQUESTS).values(
                tag=new.tag,
                request_id=new_id,
                job_id=new.kind.dataset,
                status=Status.SUBMITTED,
                request_data=dict(new.request_data),
                requested_by=new.requester,
                requested_channel=new.channel,
                dt_job_submitted=self.now(),
                batch_number=len(new.batches),
                course_id=new.course_id,
                course_name=new.course_name,
                rows_expected=sum(new.batches.values()),
                encryption_key=new.sealed_password,
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
                    "form": new.form_mark,
                }
                for batch_id in new.batch_ids
            ],
        )
        if worker is not None:
            self.take(connection, new_id, worker)
        return new_id

    def blocking(
        self, connection: Connection, new: NewRequest, replacing: str | None
    ) -> Blocking | None:
        """Returns the request that blocks a new one.

        Ends it instead if it is one of `replacing` whose worker has stopped, or is not under way
        at all.
        """
        found = connection.execute(
            sa.select(BATCHES.c.batch_id, BATCHES.c.request_id, self.has_stopped())
            .outerjoin(REQUESTS, BATCHES.c.request_id == REQUESTS.c.request_id)
            .where(
                BATCHES.c.dataset == new.kind.dataset,
                BATCHES.c.course_id == new.course_id,
                BATCHES.c.batch_id.in_(new.batch_ids),
                BATCHES.c.channel == new.channel,
                BATCHES.c.form == new.form_mark,
                BATCHES.c.is_under_way,
            )
        ).first()
        if found is None:
            return None
        request = find_request(connection, found.request_id)
        if request is None or not request.is_under_way:
            reason = request.error if request else None
            self.end(connection, found.request_id, Status.FAILED, reason)
            return None
        if found.has_stopped and request.requester == replacing:
            self.end(connection, found.request_id, Status.FAILED, REPLACED)
            return None
        return Blocking(
            batch_id=found.batch_id,
            is_own=request.requester == new.requester,
            role=request.request_data.get("roles", {}).get(found.batch_id),
            submitted_at=request.submitted_at,
            status=request.status,
            rows_done=request.rows_done,
            rows_expected=request.rows_expected,
            has_stopped=bool(found.has_stopped),
        )

    def has_stopped(self) -> sa.ColumnElement[bool]:
        """Selects what is being processed, but not held: a lease that is too long was made up."""
        until = REQUESTS.c.lease_until
        now = self.now()
        has_no_lease = sa.or_(until.is_(None), until < now, until > now + MAX_CLOCK_SKEW)
        return sa.and_(REQUESTS.c.status == Status.PROCESSING, has_no_lease).label("has_stopped")

    def take(self, connection: Connection, request_id: str, worker: str) -> None:
        """Makes a request a worker's."""
        now = self.now()
        connection.execute(
            sa.update(REQUESTS)
            .where(REQUESTS.c.request_id == request_id)
            .values(
                status=Status.PROCESSING,
                iteration=REQUESTS.c.iteration + 1,
                lease_owner=worker,
                lease_until=now + self._lease,
                claimed_at=now,
                rows_done=rows_of(request_id),
            )
        )

    def forget_passwords(self, connection: Connection) -> None:
        """Forgets the passwords of requests that are older than a day."""
        connection.execute(
            sa.update(REQUESTS)
            .where(
                REQUESTS.c.encryption_key.is_not(None),
                REQUESTS.c.dt_job_submitted < self.now() - PASSWORDS_KEPT,
            )
            .values(encryption_key=None)
        )

    def sealed_password(self, connection: Connection, request_id: str) -> str | None:
        """Returns the sealed password of a request that has one."""
        return connection.scalar(
            sa.select(REQUESTS.c.encryption_key).where(REQUESTS.c.request_id == request_id)
        )

    def heartbeat(self, connection: Connection, claim: Claim, rows_done: int | None) -> None:
        """Holds a request for another lease. Raises LeaseLost."""
        self.hold(connection, claim, {} if rows_done is None else {"rows_done": rows_done})
        renew_worker(connection, claim.worker, self.now())

    def record_download(
        self,
        connection: Connection,
        download_id: str,
        request_id: str,
        user_id: str | None,
        file: str,
        way: str,
    ) -> bool:
        """Writes down who takes a file; returns whether the request is there."""
        if not connection.scalar(sa.select(sa.exists().where(REQUESTS.c.request_id == request_id))):
            return False
        connection.execute(
            sa.insert(DOWNLOADS).values(
                download_id=download_id,
                request_id=request_id,
                user_id=user_id,
                way=way,
                file=file,
                taken_at=self.now(),
            )
        )
        return True

    def cancel(self, connection: Connection, request_id: str) -> bool:
        """Ends a request that is cancelled; returns whether it was under way."""
        return self.end(connection, request_id, Status.CANCELLED, None)

    def hold(self, connection: Connection, claim: Claim, values: Mapping[str, Any]) -> None:
        """Changes a request, and holds it for another lease. Raises LeaseLost."""
        held = connection.execute(
            sa.update(REQUESTS)
            .where(
                REQUESTS.c.request_id == claim.request.request_id,
                REQUESTS.c.status == Status.PROCESSING,
                REQUESTS.c.lease_owner == claim.worker,
                REQUESTS.c.iteration == claim.request.tries,
            )
            .values(lease_until=self.now() + self._lease, **values)
        )
        if held.rowcount != 1:
            raise LeaseLost(claim.request.request_id)

    def batch_done(
        self, connection: Connection, claim: Claim, batch_id: str, file: str | None, rows: int
    ) -> None:
        """Records a batch as done. Raises LeaseLost."""
        request_id = claim.request.request_id
        self.hold(connection, claim, {"dt_file_created": self.now()})
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
        self.hold(
            connection,
            claim,
            {
                "rows_done": rows_of(request_id),
                "processed_batches": sorted(row.batch_id for row in done),
                "download_urls": sorted({row.file for row in done if row.file}),
            },
        )

    def succeed(self, connection: Connection, claim: Claim) -> None:
        """Ends a request that has all its files. Raises LeaseLost."""
        request_id = claim.request.request_id
        # A build in between may have changed what was expected.
        rows = rows_of(request_id)
        self.hold(connection, claim, {"rows_done": rows, "rows_expected": rows})
        self.end(connection, request_id, Status.SUCCESS, None)

    def fail(self, connection: Connection, claim: Claim, reason: str) -> None:
        """Ends a request that failed. Raises LeaseLost."""
        self.hold(connection, claim, {})
        self.end(connection, claim.request.request_id, Status.FAILED, reason)

    def requeue(self, connection: Connection, claim: Claim, reason: str, tries: int) -> None:
        """Makes a request wait again. Raises LeaseLost."""
        values = {
            "status": Status.SUBMITTED,
            "iteration": tries,
            "err_message": reason[:MAX_REASON],
            "lease_owner": None,
        }
        self.hold(connection, claim, values)

    def end(
        self, connection: Connection, request_id: str, status: Status, reason: str | None
    ) -> bool:
        """Ends a request; returns whether it was under way."""
        now = self.now()
        claimed_at = time_of(
            connection.scalar(
                sa.select(sa.cast(REQUESTS.c.claimed_at, sa.Text)).where(
                    REQUESTS.c.request_id == request_id
                )
            )
        )
        took = int((now - claimed_at).total_seconds() * 1000) if claimed_at else None
        ended = connection.execute(
            sa.update(REQUESTS)
            .where(REQUESTS.c.request_id == request_id, REQUESTS.c.status.not_in(ENDED))
            .values(
                status=status,
                err_message=reason and reason[:MAX_REASON],
                dt_job_completed=now,
                execution_time=took,
                lease_owner=None,
                lease_until=None,
            )
        )
        # Even of one that somebody gave another status.
        of_request = sa.update(REQUESTS).where(REQUESTS.c.request_id == request_id)
        connection.execute(of_request.values(encryption_key=None))
        connection.execute(
            sa.update(BATCHES).where(BATCHES.c.request_id == request_id).values(is_under_way=False)
        )
        return ended.rowcount == 1


def _next_id(connection: Connection, base: str) -> str:
    """The first request of a day has the ID itself, later ones have a number after it."""
    # Also of batches without a request: a file of SQLite may have them.
    ids = sa.union(sa.select(REQUESTS.c.request_id), sa.select(BATCHES.c.request_id)).subquery()
    found = connection.execute(sa.select(ids).where(ids.c.request_id.startswith(base)))
    taken = {row.request_id for row in found}
    numbers = [re.fullmatch(rf"{base}(-[0-9]{{1,6}})?", one) for one in taken]
    highest = max((int((one[1] or "-1")[1:]) for one in numbers if one), default=0)
    free = (f"{base}-{number}" if number > 1 else base for number in count(highest + 1))
    return next(one for one in free if one not in taken)
