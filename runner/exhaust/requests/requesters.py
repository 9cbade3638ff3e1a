"""Whose requests are in the ledger, and what others learn of them."""

from typing import Any

import sqlalchemy as sa

from exhaust.errors import Busy
from exhaust.marts.entities import Role
from exhaust.marts.names import trimmed
from exhaust.marts.state import minute
from exhaust.requests.store import REQUESTS
from exhaust.text import visible

ROLES = {
    Role.COURSE_CREATOR: "the course's creator",
    Role.BATCH_CREATOR: "the batch's creator",
    Role.MENTOR: "a mentor of the batch",
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


def under_way(found: sa.Row[Any], requester: str, *, has_stopped: bool) -> Busy:
    """Returns the error for a batch that somebody has requested already.

    `found` is the row of that request, with the `batch_id`; a ledger of before version 2 does not
    know the roles.
    """
    role = found.request_data.get("roles", {}).get(found.batch_id)
    is_own = found.requested_by == requester
    by = "another export of yours" if is_own else ROLES.get(role, "another user")
    return Busy(
        f"The request for this report is being processed: batch {visible(found.batch_id)} was "
        f"requested at {minute(found.dt_job_submitted)} by {by} and is {found.status}, with "
        f"{found.rows_done:,} of {found.rows_expected:,} rows.",
        "Its worker has stopped. Run `exhaust process` to take it up again."
        if has_stopped
        else "You can request it again when it has ended.",
    )
