"""Helpers for the tests of the ledger."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from support import ManualClock

from exhaust.reports.kinds import PROGRESS
from exhaust.requests import store
from exhaust.requests.entities import Claim, NewRequest, Request
from exhaust.requests.ledger import Ledger

DAY = date(2026, 11, 23)


DATA = {"layout": "exhaust", "allLearners": True}


def stored_time(clock: ManualClock) -> datetime:
    """Returns the time as the ledger stores it, in UTC without a time zone."""
    return clock.now().replace(tzinfo=None)


def new_request(**changes: Any) -> NewRequest:
    values = {
        "kind": PROGRESS,
        "course_id": "do_1",
        "course_name": "Mathematics",
        "batches": {"002": 30, "001": 12},
        "requester": "u1",
        "channel": "tn",
        "day": DAY,
        "target": "one",
        "request_data": DATA,
        **changes,
    }
    return NewRequest(**values)


Submit = Callable[..., Request]


def has_id(request_id: str) -> sa.ColumnElement[bool]:
    return store.REQUESTS.c.request_id == request_id


def claim_of(ledger: Ledger, worker: str = "a") -> Claim:
    claim = ledger.claim(worker)
    assert claim
    return claim


def finish(ledger: Ledger, claim: Claim) -> Request:
    for batch_id in claim.request.batch_ids:
        ledger.batch_done(claim, batch_id, f"/r/{batch_id}.csv", 1)
    return ledger.succeed(claim)
