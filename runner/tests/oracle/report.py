"""Makes the report by its documented rules: one row per active enrolment with a date."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from oracle.additions import ADDED_COLUMNS, ADDED_PER_ASSESSMENT, Additions
from oracle.courses import Course, read_courses
from oracle.extract import Row, read_extract
from oracle.learners import Learners
from oracle.progress import enrolled_at, progress_cells, score_cells, valid_attempts
from oracle.values import is_true

FIXED_COLUMNS = (
    "Collection ID,Collection Name,Batch ID,Batch Name,User UUID,State,District,Org Name,School ID,"
    "School Name,Block Name,Cluster Name,User Type,User Sub Type,Declared Board,Enrolment Date,"
    "Completion Date,Certificate Status,Progress,Total Score"
)


@dataclass(frozen=True)
class Reports:
    """The reports by (course ID, batch ID), and the counts of left-out enrolments by reason."""

    files: dict[tuple[str, str], bytes]
    files_with_additions: dict[tuple[str, str], bytes]
    """The same reports, with all columns that they may add."""
    left_out: dict[tuple[str, str], Counter[str]]


def make_reports(extract: Path) -> Reports:
    """Returns the reports of all batches of known, unretired courses, as the operator sees them.

    Enrolments in unknown courses and batches are counted under the IDs that they contain.
    """
    tables = read_extract(extract)
    courses = dict(read_courses(tables))
    learners = Learners(tables)
    attempts = valid_attempts(tables)
    additions = Additions(attempts)
    rows: dict[tuple[str, str], list[Sequence[str | None]]] = defaultdict(list)
    long_rows: dict[tuple[str, str], list[Sequence[str | None]]] = defaultdict(list)
    left_out: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)

    for key, enrolment in sorted(tables["user_enrolments"].items()):
        user_id, course_id, batch_id = key
        course = courses.get(course_id)
        batch = tables["course_batch"].get((course_id, batch_id))
        reason = _reason_to_leave_out(course, batch, enrolment)
        if reason is None and course and batch:
            total, *scores = score_cells(course, attempts.get(key, {}))
            fixed = [
                *(course_id, course.name, batch_id, batch.get("name"), user_id),
                *learners.profile(user_id),
                *progress_cells(course, enrolment),
                total,
            ]
            rows[course_id, batch_id].append([*fixed, *scores])
            long_rows[course_id, batch_id].append(
                [
                    *fixed,
                    *additions.of_learner(course, key, enrolment),
                    *(
                        cell
                        for assessment, score in zip(course.assessments, scores, strict=True)
                        for cell in (score, *additions.of_assessment(key, assessment))
                    ),
                ]
            )
        elif reason:
            left_out[course_id, batch_id][reason] += 1

    batches = [
        (course_id, batch_id)
        for course_id, batch_id in tables["course_batch"]
        if course_id in courses and courses[course_id].status != "Retired"
    ]
    return Reports(
        {batch: _csv(courses[batch[0]], [], ["Score"], rows[batch]) for batch in batches},
        {
            batch: _csv(courses[batch[0]], ADDED_COLUMNS, ADDED_PER_ASSESSMENT, long_rows[batch])
            for batch in batches
        },
        dict(left_out),
    )


def _reason_to_leave_out(course: Course | None, batch: Row | None, enrolment: Row) -> str | None:
    if course is None:
        return "course unknown"
    if batch is None:
        return "batch unknown"
    if not is_true(enrolment.get("active")):
        return "inactive"
    if enrolled_at(enrolment) is None:
        has_text = enrolment.get("enrolled_date") or enrolment.get("enrolleddate")
        return "enrolment date unreadable" if has_text else "no enrolment date"
    return None


def _csv(
    course: Course,
    added: Sequence[str],
    per_assessment: Sequence[str],
    rows: Sequence[Sequence[str | None]],
) -> bytes:
    header = [
        *FIXED_COLUMNS.split(","),
        *added,
        *(
            f"{assessment} - {label}"
            for assessment in course.assessments
            for label in per_assessment
        ),
    ]
    return "".join(",".join(map(_field, row)) + "\n" for row in [header, *rows]).encode()


def _field(value: str | None) -> str:
    text = value or ""
    return '"' + text.replace('"', '""') + '"' if re.search('[,"\r\n]', text) else text


def file_name(batch_id: str) -> str:
    """Returns the name of a golden file, with unusual characters percent-encoded."""
    name = "".join(
        character
        if re.fullmatch(r"[A-Za-z0-9._-]", character)
        else "".join(f"%{byte:02X}" for byte in character.encode())
        for character in batch_id
    )
    return ("%2E" + name[1:] if name.startswith(".") else name) + ".csv"
