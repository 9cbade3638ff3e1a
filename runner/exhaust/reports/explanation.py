"""What an explanation holds: the values of a learner's rows, and what they are made from."""

from collections.abc import Sequence
from dataclasses import dataclass

from exhaust.marts.explanations import Attempt, Content, Enrolment, Location, School
from exhaust.marts.records import Build


@dataclass(frozen=True)
class Value:
    """A cell of the report."""

    column_id: str
    """Its `column_name` in the header plan; the ID of the assessment for a score."""
    label: str
    value: str | None
    """As in the file; None is blank."""
    because: str
    """Why it says so."""


@dataclass(frozen=True)
class ExplainedEnrolment:
    """An enrolment: its row of the report, or the reason why it has none."""

    batch_id: str
    is_row: bool
    because: str
    """Why it is a row of the report, or is not."""
    enrolment: Enrolment
    values: Sequence[Value]
    """The cells of the row, in order; only one if a column was named. Empty without a row."""
    contents: Sequence[Content]
    attempts: Sequence[Attempt]
    schools: Sequence[School]
    locations: Sequence[Location]
    """What the values are made from; with a column, only what concerns it. Without a row, there are
    only attempts."""


@dataclass(frozen=True)
class Explanation:
    """Why the report of a course says what it says of a learner."""

    course_id: str
    course_name: str | None
    user_id: str
    column: str | None
    """The label of the column that was named."""
    enrolments: Sequence[ExplainedEnrolment]
    """By batch."""
    attempts_elsewhere: Sequence[Attempt]
    """Attempts in batches of the course in which the learner is not enrolled."""
    build: Build
