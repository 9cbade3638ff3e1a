"""The workers that the ledger has seen."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exhaust.requests.entities import Worker
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


def read_workers(connection: Connection) -> list[Worker]:
    """Returns the workers, the one that was seen last first."""
    newest_first = sa.select(WORKERS).order_by(WORKERS.c.last_seen_at.desc(), WORKERS.c.name)
    return [Worker(row.name, row.last_seen_at) for row in connection.execute(newest_first)]
