"""The marts that say why the report says what it says, read for one learner of a course."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from exhaust.marts.access import sees_learner
from exhaust.marts.entities import Batch, Requester
from exhaust.marts.state import Marts
from exhaust.text import Message


@dataclass(frozen=True)
class Enrolment:
    """An enrolment, in the report or not; times are UTC."""

    batch_id: str
    user_id: str
    root_org_id: str | None
    left_out_reason: str | None
    """None for a row of the report."""
    enrolment_date_text: str | None
    enrolled_at: datetime | None
    completion_date_text: str | None
    completed_at: datetime | None
    contents_completed: int | None
    """Of those that count; None if the enrolment is left out."""
    contents_total: int | None
    """How many count; None if the enrolment is left out."""
    has_content_tree: bool
    """Whether the tree of the course has contents; if not, the course only states their number."""
    has_duplicates: bool
    """Whether several loaded rows have its key; the newest counts."""
    is_known_user: bool
    is_self_signed_up: bool | None
    """None for an unknown user."""
    school_organisation_id: str | None
    school_state: str | None
    school_district: str | None
    school_block: str | None
    school_cluster: str | None


@dataclass(frozen=True)
class Content:
    """A content of the course, or one that the learner has opened."""

    batch_id: str
    content_id: str
    content_name: str | None
    content_ordinal: int | None
    """Its position in the course, from 1; None if it is no longer in the course."""
    content_status: str | None
    """As recorded: 2 is completed."""
    is_completed: bool
    is_mandatory: bool | None
    optional_node_id: str | None
    """The content or unit that makes it optional."""
    counts: bool
    """Whether it counts for the progress, completed or not."""


@dataclass(frozen=True)
class Attempt:
    """An attempt at an assessment, or at another content."""

    batch_id: str
    content_id: str
    assessment_name: str | None
    assessment_ordinal: int | None
    """None if the content is not an assessment of the course."""
    attempt_id: str
    total_score: Decimal | None
    total_max_score: Decimal | None
    score: Decimal | None
    """As a whole percentage, rounded up."""
    attempted_at: datetime | None
    """In UTC."""
    has_duplicates: bool
    is_counted: bool
    """Whether it is the one in the report."""
    reason: str
    """Why it is, or is not."""


@dataclass(frozen=True)
class School:
    """An organisation that the learner belongs or belonged to, or a school that they declared."""

    batch_id: str
    source: str
    """`membership` or `declaration`."""
    organisation_id: str
    persona: str
    """The role in which they declared it; empty for a membership."""
    school_id: str | None
    school_name: str | None
    is_chosen: bool
    reason: str
    """Why it is the school of the report, or is not."""


@dataclass(frozen=True)
class Location:
    """An entry of the learner's own locations."""

    batch_id: str
    position: int
    entry_id: str | None
    entry_code: str | None
    location_type: str | None
    location_name: str | None
    is_chosen: bool
    reason: str
    """Why it is the location of its type, or is not."""


NOT_THE_BEST = Message("another attempt is better")
REASONS = (
    NOT_THE_BEST,
    Message("outside an enrolment"),
    Message("enrolment left out"),
    Message("not an assessment of the course"),
    Message("no score"),
    Message("negative score"),
    Message("no maximum"),
    Message("maximum not positive"),
    Message("only attempt"),
    Message("highest score"),
    Message("same score, higher share"),
    Message("same score, later"),
    Message("same score, lower ID"),
    Message("organisation unknown"),
    Message("not a school"),
    Message("membership ended"),
    Message("lowest organisation ID"),
    Message("another school has a lower organisation ID"),
    Message("validated"),
    Message("lowest persona, then organisation ID"),
    Message("another declaration is validated"),
    Message("another declaration has a lower persona or organisation ID"),
    Message("user unknown"),
    Message("self-signed-up: only declarations count"),
    Message("State-validated: only memberships count"),
    Message("the only one"),
    Message("location unknown"),
    Message("location without a type"),
    Message("location without a name"),
    Message("another entry of this type comes first"),
    Message("first entry of its type"),
)
"""Each `reason` that the marts give to an attempt, a school or a location."""

Record = TypeVar("Record", Enrolment, Content, Attempt, School, Location)

MARTS: dict[type, tuple[str, str]] = {
    Enrolment: ("enrolment_explanations", "batch_id"),
    Content: ("content_explanations", "batch_id, content_ordinal, content_id"),
    Attempt: (
        "attempt_explanations",
        "batch_id, assessment_ordinal, content_id, attempted_at, attempt_id",
    ),
    School: ("school_explanations", "batch_id, source desc, organisation_id, persona"),
    Location: ("location_explanations", "batch_id, position"),
}
"""The mart of each kind of record, and its order."""
TEXTS = {"batch_id", "content_id", "attempt_id", "source", "organisation_id", "persona"}
NAMES = tuple(name for name, _ in MARTS.values())


@dataclass(frozen=True)
class Learner:
    """A learner of a course, and who is asking: they see what they may export."""

    course_id: str
    user_id: str
    requester: Requester | None
    batches: Sequence[Batch]
    """Those that a requester may have; the operator also sees batches that are unknown."""
    batch_id: str | None = None
    """Only this batch; None means all."""


def read(marts: Marts, kind: type[Record], learner: Learner) -> list[Record]:
    """Returns the records of a learner that the requester may see, by batch, in a fixed order."""
    mart, order = MARTS[kind]
    columns = ", ".join(field.name for field in fields(kind))
    rows = marts.warehouse.query(
        f"select {columns} from {marts.relation(mart)} where {_condition(marts, learner)} "
        f"order by {_ordered(marts, order)}"
    )
    return [kind(*row) for row in rows]


def _ordered(marts: Marts, order: str) -> str:
    """Returns an order that is the same on every engine: bytewise, nulls last."""
    terms = []
    for term in order.split(", "):
        column, _, direction = term.partition(" ")
        text = marts.warehouse.bytewise(column) if column in TEXTS else column
        terms.append(f"{text} {direction} nulls last")
    return ", ".join(terms)


def _condition(marts: Marts, learner: Learner) -> str:
    literal = marts.warehouse.literal
    condition = f"course_id = {literal(learner.course_id)} and user_id = {literal(learner.user_id)}"
    if learner.batch_id is not None:
        condition += f" and batch_id = {literal(learner.batch_id)}"
    if learner.requester is None:
        return condition
    return f"{condition} and {sees_learner(marts, learner.requester, learner.batches)}"
