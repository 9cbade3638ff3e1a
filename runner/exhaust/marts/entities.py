"""Courses, their batches, and the people who may request reports on them."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Role(StrEnum):
    """What gives a requester the right to a batch; the first of these that holds."""

    COURSE_CREATOR = "course creator"
    BATCH_CREATOR = "batch creator"
    MENTOR = "mentor"


@dataclass(frozen=True)
class Requester:
    """A user who created a course, or who created or mentors a batch."""

    user_id: str
    root_org_id: str | None


@dataclass(frozen=True)
class Course:
    course_id: str
    course_name: str | None
    status: str | None
    tenant_name: str | None
    batches: int
    enrolments: int
    """For the operator, those that are left out too; for a requester, the rows."""
    rows: int = 0
    """Rows of the reports of its batches, with the learners that the requester sees."""

    @property
    def id(self) -> str:
        return self.course_id

    @property
    def name(self) -> str:
        return self.course_name or ""

    @property
    def is_retired(self) -> bool:
        return self.status == "Retired"


@dataclass(frozen=True)
class Batch:
    course_id: str
    batch_id: str
    batch_name: str | None
    status: str | None
    starts_on: date | None
    ends_on: date | None
    enrolled: int
    """The rows of the report, as the mart names them."""
    completed: int
    left_out_inactive: int
    left_out_no_enrolment_date: int
    left_out_enrolment_date_unreadable: int
    left_out_outside_the_tenant: int
    sees_all_learners: bool
    """Whether the requester sees all learners, or only those of their own root organisation."""
    role: str | None = None
    """The requester's `Role`; None for the operator."""

    @property
    def id(self) -> str:
        return self.batch_id

    @property
    def name(self) -> str:
        return self.batch_name or ""

    @property
    def rows(self) -> int:
        """Rows of the report, with the learners that the requester sees."""
        return self.enrolled

    @property
    def left_out(self) -> dict[str, int]:
        """Enrolments that are not rows of the report, by reason."""
        return {
            "inactive": self.left_out_inactive,
            "no enrolment date": self.left_out_no_enrolment_date,
            "enrolment date unreadable": self.left_out_enrolment_date_unreadable,
            "outside the tenant": self.left_out_outside_the_tenant,
        }
