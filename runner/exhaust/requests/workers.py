"""The workers that the ledger has seen."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exhaust.requests.entities import MAX_CLOCK_SKEW, Worker
from exhaust.requests.rows import as_text, time_of
from exhaust.requests.store import WORKERS

FORGOTTEN_AFTER = timedelta(days=1)
"""How long the row of a worker that is gone is kept for `workers`."""


def record_worker(connection: Connection, name: str, now: datetime) -> None:
    """Records that a worker is looking for requests.

    A new worker takes the row of one that is gone, so that the table does not grow with every run.
    Deleting that row would need one more privilege.
    """
    gone = (
        sa.select(WORKERS.c.name)
        .where(WORKERS.c.last_seen_at < now - FORGOTTEN_AFTER)
        .order_by(WORKERS.c.last_seen_at)
        .limit(1)
        .scalar_subquery()
    )
    if renew_worker(connection, name, now):
        return
    taken = sa.update(WORKERS).where(WORKERS.c.name == gone)
    if connection.execute(taken.values(name=name, last_seen_at=now)).rowcount == 0:
        connection.execute(sa.insert(WORKERS).values(name=name, last_seen_at=now))


def renew_worker(connection: Connection, name: str, now: datetime) -> bool:
    """Records that a worker is at work; returns False if it has never looked for requests."""
    own = sa.update(WORKERS).where(WORKERS.c.name == name)
    return connection.execute(own.values(last_seen_at=now)).rowcount == 1


def read_workers(connection: Connection, now: datetime) -> list[Worker]:
    """Returns the workers, the one that was seen last first; leaves out rows that cannot be."""
    rows = connection.execute(sa.select(*as_text(WORKERS)))
    seen = [(row.name or "", time_of(row.last_seen_at)) for row in rows]
    workers = [Worker(name, at) for name, at in seen if at and at <= now + MAX_CLOCK_SKEW]
    return sorted(sorted(workers, key=_name), key=lambda one: one.last_seen_at, reverse=True)


def _name(worker: Worker) -> str:
    return worker.name
