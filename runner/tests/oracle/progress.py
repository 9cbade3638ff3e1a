"""What the learners have done: dates, progress and scores."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
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
        _day(enrolled_at(enrolment)),
        _day(completed_at),
        "Issued" if has_certificate else None,
        str(100 if completed_at else _share(course, enrolment)),
    ]


@cache
def _day(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    local = moment.replace(tzinfo=UTC).astimezone(ZONE)
    return f"{local.day:02}/{local.month:02}/{local.year:04}"


def _share(course: Course, enrolment: Row) -> int:
    statuses = as_object(parsed(enrolment.get("contentstatus")))
    completed = {content for content, s in statuses.items() if number(plain(s)) == 2 * MILLION}
    if course.has_leaves:
        done, total = len(completed & course.mandatory), len(course.mandatory)
    else:
        done, total = len(completed) * MILLION, course.leaf_nodes_count
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


def best_attempts(tables: Tables) -> dict[Key, dict[str, Attempt]]:
    """Returns the best attempts by enrolment and content. The content may be of any type."""
    best: dict[Key, dict[str, Attempt]] = defaultdict(dict)
    for key, row in tables["assessment_aggregator"].items():
        user_id, course_id, batch_id, content_id, attempt_id = key
        score, maximum = number(row.get("total_score")), number(row.get("total_max_score"))
        if score is None or score < 0 or maximum is None or maximum <= 0:
            continue
        at = timestamp(row.get("last_attempted_on")) or timestamp(row.get("updated_on"))
        attempt = Attempt(score, maximum, at or datetime.min, attempt_id)
        others = best[user_id, course_id, batch_id]
        if content_id not in others or attempt.is_better_than(others[content_id]):
            others[content_id] = attempt
    return best


def score_cells(course: Course, best: dict[str, Attempt]) -> list[str | None]:
    """Returns Total Score and one cell per assessment."""
    attempts = [best.get(assessment) for assessment in course.assessments]
    tried = [attempt for attempt in attempts if attempt]
    total = _percent(sum(a.score for a in tried), sum(a.maximum for a in tried)) if tried else None
    return [total, *(_percent(a.score, a.maximum) if a else None for a in attempts)]


def _percent(score: int, maximum: int) -> str:
    return f"{-(-100 * score // maximum)}%"
