"""Requests, as the ledger keeps them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from exhaust.reports.form import ReportForm
from exhaust.reports.kinds import KINDS, Kind


class Status(StrEnum):
    SUBMITTED = "SUBMITTED"
    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


UNDER_WAY = (Status.SUBMITTED, Status.PROCESSING)
ENDED = tuple(status for status in Status if status not in UNDER_WAY)

MAX_TRIES = 3

ALL_FILES = "*"
"""Stands for all files of a request, in one archive; also in the log of downloads."""

WORKER_MINUTES = 10
"""How long after it was last seen a worker is expected to come back."""

SINCE_A_FILE = "file"
"""Stands for an earlier report that an export had as a file, in place of a request's ID."""

MAX_CLOCK_SKEW = timedelta(hours=1)
"""How far the clocks of workers may differ: a time that is later still was made up."""


class LeaseLost(Exception):
    """The request of this ID is no longer the worker's: it was cancelled, or another has it."""


@dataclass(frozen=True)
class Request:
    """A request for the reports of some batches of a course; times are UTC."""

    request_id: str
    course_id: str
    course_name: str | None
    batch_ids: list[str]
    requester: str
    channel: str
    """The requester's root organisation; empty if they have none."""
    status: Status
    submitted_at: datetime
    completed_at: datetime | None
    rows_done: int
    rows_expected: int
    position: int | None
    """The rank in the queue, from 1; None if it is not waiting."""
    tries: int
    error: str | None
    files: dict[str, str]
    """The files of the batches that are done, by batch ID."""
    request_data: Mapping[str, Any]
    dataset: str
    execution_time: int | None = None
    """The milliseconds from the last claim to the end."""

    @property
    def kind(self) -> Kind:
        return KINDS[self.dataset]

    @property
    def tag(self) -> str:
        return tag_of(self.course_id, self.batch_ids, self.channel)

    @property
    def is_under_way(self) -> bool:
        return self.status in UNDER_WAY

    @property
    def form(self) -> ReportForm:
        return ReportForm.of_data(self.request_data)

    @property
    def batch_names(self) -> Mapping[str, str]:
        """The names of its batches when it was made, by ID; a batch may have none."""
        names: Mapping[str, str] = self.request_data.get("batchNames", {})
        return names

    @property
    def sees_all_learners(self) -> bool:
        """Whether it was for all learners, and not only for those of the channel."""
        return bool(self.request_data["allLearners"])


class DamagedRequest(Request):
    """A request whose row no exhaust has written: it has failed, and its error says why."""


@dataclass(frozen=True)
class Worker:
    """A process that makes requested reports."""

    name: str
    last_seen_at: datetime
    """When it last looked for a request, or was making a report (UTC)."""
    public_key: str | None = None
    """Passwords that are sealed to it can be opened by this worker only, in Base64."""

    def is_expected(self, now: datetime) -> bool:
        """Returns whether it was seen so lately that it is probably still there; `now` is UTC
        without a time zone."""
        return self.last_seen_at >= now - timedelta(minutes=WORKER_MINUTES)


@dataclass(frozen=True)
class Claim:
    """A request that a worker holds until its lease ends."""

    request: Request
    worker: str
    sealed_password: str | None = field(default=None, repr=False)
    """As the ledger has it, until the request ends or a day has passed."""


@dataclass(frozen=True)
class NewRequest:
    """A request that is about to be submitted."""

    kind: Kind
    course_id: str
    course_name: str | None
    batches: Mapping[str, int]
    """The rows that each batch will have, by ID."""
    requester: str
    channel: str
    day: date
    """The day in the report's time zone, which is a part of the ID."""
    target: str
    """The target of the profile, which is a part of the ID."""
    request_data: Mapping[str, Any]
    sealed_password: str | None = field(default=None, repr=False)

    @property
    def form_mark(self) -> str:
        """Tells apart the forms of a report, each of which may be under way at a time."""
        return mark_of(ReportForm.of_data(self.request_data))

    @property
    def batch_ids(self) -> list[str]:
        """Always in one order: requests that lock each other's batches would wait for ever."""
        return sorted(self.batches, key=str.encode)

    @property
    def request_id(self) -> str:
        return request_id(
            self.kind.dataset,
            self.course_id,
            self.batch_ids,
            self.requester,
            self.channel,
            self.day,
            self.target,
            self.form_mark,
        )

    @property
    def tag(self) -> str:
        return tag_of(self.course_id, self.batch_ids, self.channel)


def tag_of(course_id: str, batch_ids: Sequence[str], channel: str) -> str:
    """Returns Sunbird's name for what requests are for."""
    return f"{course_id}_{','.join(batch_ids)}:{channel}"


def request_id(
    dataset: str,
    course_id: str,
    batch_ids: Sequence[str],
    requester: str,
    channel: str,
    day: date,
    target: str,
    form_mark: str = "",
) -> str:
    """Returns the ID of a request: the same for the same report, requester, day, target and form.

    Sunbird's ID has no target, but a Sunbird has only one. The default form leaves no mark.
    """
    batches = ",".join(sorted(batch_ids, key=str.encode))
    parts = [dataset, f"{course_id}_{batches}", requester, channel, f"{day:%Y-%m-%d}", target]
    text = "|".join([*parts, form_mark] if form_mark else parts)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def mark_of(form: ReportForm) -> str:
    """Returns a mark of a form, short enough for an index; empty for the default form."""
    return hashlib.sha256(form.key.encode()).hexdigest() if form.key else ""
