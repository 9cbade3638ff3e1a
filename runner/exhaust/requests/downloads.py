"""The log of downloads: who took which files of a request, when, and how."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exhaust.requests.rows import as_text, time_of
from exhaust.requests.store import DOWNLOADS


class Way(StrEnum):
    """How somebody showed who they are."""

    SESSION = "session"
    LINK = "link"


@dataclass(frozen=True)
class Download:
    """That somebody took a file of a request; the time is UTC."""

    download_id: str
    request_id: str
    user_id: str | None
    """None is the operator."""
    way: str
    file: str
    taken_at: datetime | None


def read_downloads(connection: Connection, limit: int) -> list[Download]:
    """Returns the newest downloads, newest first."""
    newest = sa.select(*as_text(DOWNLOADS)).order_by(
        DOWNLOADS.c.taken_at.desc(), DOWNLOADS.c.download_id
    )
    return [
        Download(
            row.download_id or "",
            row.request_id or "",
            row.user_id,
            row.way or "",
            row.file or "",
            time_of(row.taken_at),
        )
        for row in connection.execute(newest.limit(limit))
    ]


def forget_downloads(connection: Connection, before: datetime) -> None:
    """Removes the downloads before a time."""
    connection.execute(sa.delete(DOWNLOADS).where(DOWNLOADS.c.taken_at < before))
