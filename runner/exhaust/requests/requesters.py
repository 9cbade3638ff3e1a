"""Whose requests are in the ledger, and what others learn of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exhaust.errors import Busy
from exhaust.marts.entities import Role
from exhaust.marts.names import trimmed
from exhaust.marts.state import minute
from exhaust.requests.entities import UNDER_WAY
from exhaust.requests.store import REQUESTS
from exhaust.text import Message, visible

ROLES: Mapping[str | None, Message] = {
    Role.COURSE_CREATOR: Message("the course's creator"),
    Role.BATCH_CREATOR: Message("the batch's creator"),
    Role.MENTOR: Message("a mentor of the batch"),
}
"""What others learn about who requested a report; never the user ID."""


def is_of(requester: str) -> sa.ColumnElement[bool]:
    """Selects the requests of a user ID, or of the same without the blanks around it."""
    others = REQUESTS.alias()
    is_exact = sa.exists().where(others.c.requested_by == requester)
    return sa.or_(
        REQUESTS.c.requested_by == requester,
        sa.and_(REQUESTS.c.requested_by == trimmed(requester), ~is_exact),
    )


def check_room(connection: Connection, requester: str, most: int) -> None:
    """Raises Busy if somebody has as many requests under way as they may."""
    under_way = sa.select(sa.func.count()).where(is_of(requester), REQUESTS.c.status.in_(UNDER_WAY))
    if (connection.scalar(under_way) or 0) >= most:
        raise Busy(
            Message(
                "{most:,} of your requests are waiting or being processed; more are not allowed "
                "at a time (`max_requests_under_way`).",
                most=most,
            ),
            Message("Wait until some have ended, or cancel some."),
        )


@dataclass(frozen=True)
class Blocking:
    """A request that blocks another one, as far as others may know it."""

    batch_id: str
    """The batch that both are for."""
    is_own: bool
    role: str | None
    """The requester's role; a ledger of before version 2 does not know it."""
    submitted_at: datetime
    status: str
    rows_done: int
    rows_expected: int
    has_stopped: bool
    """Whether its worker has stopped."""

    def error(self) -> Busy:
        other = ROLES.get(self.role, Message("another user"))
        return Busy(
            Message(
                "The request for this report is being processed: batch {batch} was requested at "
                "{moment} by {by} and is {status}, with {done:,} of {expected:,} rows.",
                batch=visible(self.batch_id),
                moment=minute(self.submitted_at),
                by=Message("another export of yours") if self.is_own else other,
                status=self.status,
                done=self.rows_done,
                expected=self.rows_expected,
            ),
            Message("Its worker has stopped. Run `exhaust process` to take it up again.")
            if self.has_stopped
            else Message("You can request it again when it has ended."),
        )
