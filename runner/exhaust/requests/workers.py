"""The workers that the ledger has seen."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exhaust.requests.entities import MAX_CLOCK_SKEW, Worker
from exhaust.requests.rows import as_text, time_of
from exhaust.requests.sealing import is_public_key
from exhaust.requests.store import WORKERS

FORGOTTEN_AFTER = timedelta(days=1)
"""How long the row of a worker that is gone is kept for `workers`."""


def record_worker(connection: Connection, name: str, now: datetime, public_key: str | None) -> None:
    """Records that a worker is looking for requests, and its public key.

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
    values = {"name": name, "last_seen_at": now, "public_key": public_key}
    for row in (WORKERS.c.name == name, WORKERS.c.name == gone):
        if connection.execute(sa.update(WORKERS).where(row).values(values)).rowcount:
            return
    connection.execute(sa.insert(WORKERS).values(values))


def renew_worker(connection: Connection, name: str, now: datetime) -> None:
    """Records that a worker is at work, if it has ever looked for requests."""
    own = sa.update(WORKERS).where(WORKERS.c.name == name)
    connection.execute(own.values(last_seen_at=now))


def read_workers(connection: Connection, now: datetime) -> list[Worker]:
    """Returns the workers, the one that was seen last first; leaves out rows that cannot be."""
    rows = connection.execute(sa.select(*as_text(WORKERS)))
    workers = [
        Worker(row.name or "", at, row.public_key if is_public_key(row.public_key) else None)
        for row in rows
        if (at := time_of(row.last_seen_at)) and at <= now + MAX_CLOCK_SKEW
    ]
    return sorted(sorted(workers, key=_name), key=lambda one: one.last_seen_at, reverse=True)


def _name(worker: Worker) -> str:
    return worker.name
