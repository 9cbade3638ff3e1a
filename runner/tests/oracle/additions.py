"""The columns that a report may add, by the section "More columns" of docs/report.md."""

from collections import Counter, defaultdict
from datetime import datetime

from oracle.courses import Course
from oracle.extract import Key, Row
from oracle.progress import AttemptsByContent, best, contents, contents_with, day, percent
from oracle.values import as_list, as_object, decimal, parsed, plain, timestamp

ADDED_COLUMNS = [
    *("Status", "Contents Completed", "Assessments Attempted", "Total Score (all)"),
    *("Last Activity", "Certificate Date"),
]
ADDED_PER_ASSESSMENT = ["Score", "Attempts", "Points", "Maximum"]


class Additions:
    """The added cells of each row, from the valid attempts by enrolment and content."""

    def __init__(self, attempts: dict[Key, AttemptsByContent]) -> None:
        self._attempts = attempts
        self._maximums: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        for (_, course_id, _), by_content in attempts.items():
            for content_id, of_content in by_content.items():
                self._maximums[course_id, content_id].update(one.maximum for one in of_content)

    def of_learner(self, course: Course, key: Key, enrolment: Row) -> list[str | None]:
        """Returns the columns from Status to Certificate Date."""
        by_content = self._attempts.get(key, {})
        tried = [assessment for assessment in course.assessments if assessment in by_content]
        times = [one.at for assessment in tried for one in by_content[assessment]]
        times.append(timestamp(enrolment.get("datetime")) or datetime.min)
        return [
            _status(enrolment, bool(tried)),
            _of(*contents(course, enrolment)),
            _of(len(tried), len(course.assessments)),
            self._total(course, key),
            day(max(times)) if max(times) > datetime.min else None,
            day(_certified_at(enrolment)),
        ]

    def of_assessment(self, key: Key, assessment: str) -> list[str | None]:
        """Returns the columns from Attempts to Maximum of one assessment."""
        attempts = self._attempts.get(key, {}).get(assessment, [])
        if not attempts:
            return ["0", None, None]
        counts = best(attempts)
        return [str(len(attempts)), decimal(counts.score), decimal(counts.maximum)]

    def _total(self, course: Course, key: Key) -> str | None:
        points = total = 0
        for assessment in course.assessments:
            own = self._attempts.get(key, {}).get(assessment)
            if own:
                points += best(own).score
                total += best(own).maximum
            elif maximums := self._maximums.get((key[1], assessment)):
                most = max(maximums.values())
                total += max(maximum for maximum, times in maximums.items() if times == most)
        return percent(points, total) if total else None


def _status(enrolment: Row, has_tried: bool) -> str:
    if timestamp(enrolment.get("completedon")):
        return "Completed"
    has_begun = contents_with(enrolment, 1) or contents_with(enrolment, 2)
    return "In progress" if has_begun or has_tried else "Not started"


def _of(part: int, whole: int) -> str | None:
    return f"{part} of {whole}" if whole > 0 else None


def _certified_at(enrolment: Row) -> datetime | None:
    certificates = [
        as_object(certificate)
        for column in ("issued_certificates", "certificates")
        for certificate in as_list(parsed(enrolment.get(column)))
    ]
    times = [timestamp(plain(certificate.get("lastIssuedOn"))) for certificate in certificates]
    return max((time for time in times if time), default=None)
