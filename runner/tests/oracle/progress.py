"""What the learners have done: dates, progress and scores."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, reduce
from zoneinfo import ZoneInfo

from oracle.courses import Course
from oracle.extract import Key, Row, Tables
from oracle.values import MILLION, as_object, number, parsed, plain, timestamp

ZONE = ZoneInfo("Asia/Kolkata")


def enrolled_at(enrolment: Row) -> datetime | None:
    return timestamp(enrolment.get("enrolled_date")) or timestamp(enrolment.get("enrolleddate"))


def progress_cells(course: Course, enrolment: Row) -> list[str | None]:
    """Returns the columns from Enrolment Date to Progress."""
    completed_at = timestamp(enrolment.get("completedon"))
    certificates = [parsed(enrolment.get(c)) for c in ("issued_certificates", "certificates")]
    has_certificate = any(
        isinstance(certificate, (list, dict)) and certificate for certificate in certificates
    )
    return [
        day(enrolled_at(enrolment)),
        day(completed_at),
        "Issued" if has_certificate else None,
        str(100 if completed_at else _share(course, enrolment)),
    ]


@cache
def day(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    local = moment.replace(tzinfo=UTC).astimezone(ZONE)
    return f"{local.day:02}/{local.month:02}/{local.year:04}"


def contents_with(enrolment: Row, status: int) -> set[str]:
    """Returns the contents that have a status, whether or not the course still has them."""
    statuses = as_object(parsed(enrolment.get("contentstatus")))
    return {content for content, s in statuses.items() if number(plain(s)) == status * MILLION}


def contents(course: Course, enrolment: Row) -> tuple[int, int]:
    """Returns how many contents count as completed, and of how many."""
    completed = contents_with(enrolment, 2)
    if course.has_leaves:
        return len(completed & course.mandatory), len(course.mandatory)
    return len(completed), course.leaf_nodes_count // MILLION


def _share(course: Course, enrolment: Row) -> int:
    done, total = contents(course, enrolment)
    if total <= 0:
        return 0
    return 100 if done >= total else min(99, (200 * done + total) // (2 * total))


@dataclass(frozen=True)
class Attempt:
    """A valid attempt, with score and maximum in millionths."""

    score: int
    maximum: int
    at: datetime
    attempt_id: str

    def is_better_than(self, other: "Attempt") -> bool:
        if self.score != other.score:
            return self.score > other.score
        own_share, other_share = self.score * other.maximum, other.score * self.maximum
        if own_share != other_share:
            return own_share > other_share
        return self.at > other.at or (self.at == other.at and self.attempt_id < other.attempt_id)


AttemptsByContent = dict[str, list[Attempt]]


def valid_attempts(tables: Tables) -> dict[Key, AttemptsByContent]:
    """Returns the valid attempts by enrolment and content. The content may be of any type."""
    attempts: dict[Key, AttemptsByContent] = defaultdict(lambda: defaultdict(list))
    for key, row in tables["assessment_aggregator"].items():
        user_id, course_id, batch_id, content_id, attempt_id = key
        score, maximum = number(row.get("total_score")), number(row.get("total_max_score"))
        if score is None or score < 0 or maximum is None or maximum <= 0:
            continue
        at = timestamp(row.get("last_attempted_on")) or timestamp(row.get("updated_on"))
        attempt = Attempt(score, maximum, at or datetime.min, attempt_id)
        attempts[user_id, course_id, batch_id][content_id].append(attempt)
    return attempts


def best(attempts: list[Attempt]) -> Attempt:
    """Returns the best of at least one attempt."""
    return reduce(lambda one, other: other if other.is_better_than(one) else one, attempts)


def score_cells(course: Course, attempts: AttemptsByContent) -> list[str | None]:
    """Returns Total Score and one cell per assessment."""
    of_course = [best(attempts[a]) if a in attempts else None for a in course.assessments]
    tried = [attempt for attempt in of_course if attempt]
    total = percent(sum(a.score for a in tried), sum(a.maximum for a in tried)) if tried else None
    return [total, *(percent(a.score, a.maximum) if a else None for a in of_course)]


def percent(score: int, maximum: int) -> str:
    return f"{-(-100 * score // maximum)}%"
