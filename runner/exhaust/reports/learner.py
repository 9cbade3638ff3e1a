"""Finds a learner of a course among those whom somebody may see."""

from dataclasses import replace

from exhaust.errors import NotFound
from exhaust.marts.access import (
    check_not_retired,
    find_batches,
    find_course_or_batch,
    find_requester,
)
from exhaust.marts.entities import Course, Requester
from exhaust.marts.explanations import Attempt, Enrolment, Learner, read
from exhaust.marts.names import trimmed
from exhaust.marts.state import Marts
from exhaust.text import counted, visible


def find_learner(
    marts: Marts, course: str, learner: str, batch: str | None, user_id: str | None
) -> tuple[Course | None, Learner, list[Enrolment]]:
    """Returns the course, the learner with that user ID, and their enrolments in its batches, or in
    one of them.

    The operator also finds enrolments in unknown courses, for which the course is None, and in
    unknown batches. Raises NotFound for an unknown course, batch or learner, also for a learner
    whom the requester `user_id` may not see; Ambiguous; PermissionDenied, also for a retired
    course.
    """
    requester = find_requester(marts, user_id)
    try:
        found, of_batch = find_course_or_batch(marts, course, requester)
    except NotFound:
        course_id = _of_enrolments(marts, "course_id", course, requester)
        if course_id is None:
            raise
        of_course = Learner(course_id, "", None, [], None if batch is None else trimmed(batch))
        return None, *_enrolled(marts, of_course, learner, course_id)
    check_not_retired(found)
    own = find_batches(marts, found, [], requester)
    batch_id = of_batch.id if of_batch else None
    if batch is not None:
        batch_id = _batch_id(marts, found, batch, requester)
    anyone = Learner(found.id, "", requester, own, batch_id)
    return found, *_enrolled(marts, anyone, learner, f"{found.id} {found.name}")


def _batch_id(marts: Marts, course: Course, text: str, requester: Requester | None) -> str:
    try:
        (batch,) = find_batches(marts, course, [text], requester)
    except NotFound:
        unknown = _of_enrolments(marts, "batch_id", text, requester)
        if unknown is None:
            raise
        return unknown
    return batch.id


def _of_enrolments(marts: Marts, column: str, text: str, requester: Requester | None) -> str | None:
    """Returns the ID of an unknown course or batch that enrolments name; None for requesters, who
    have none of these."""
    if requester is not None:
        return None
    texts = (text, trimmed(text))
    found = marts.warehouse.query(
        f"select distinct {column} from {marts.relation('course_batches')} where not is_known "
        f"and {column} in ({', '.join(map(marts.warehouse.literal, texts))})"
    )
    return next((one for one in texts if (one,) in found), None)


def _enrolled(
    marts: Marts, anyone: Learner, text: str, course: str
) -> tuple[Learner, list[Enrolment]]:
    """Finds the learner of that user ID, exactly, else trimmed. Raises NotFound."""
    people = [replace(anyone, user_id=one) for one in dict.fromkeys([text, trimmed(text)])]
    for person in people:
        if enrolments := read(marts, Enrolment, person):
            return person, enrolments
    attempts = [attempt for person in people for attempt in read(marts, Attempt, person)]
    raise NotFound(
        f"No learner `{visible(text)}` is enrolled in {visible(course)} "
        f"(searched {_searched(marts, anyone)} by user ID).",
        f"This user has made {counted(len(attempts), 'attempt')} without an enrolment."
        if attempts
        else "Give the user ID: the column User UUID of the report.",
    )


def _searched(marts: Marts, anyone: Learner) -> str:
    if anyone.requester is not None:
        own = [one for one in anyone.batches if anyone.batch_id in (None, one.id)]
        return (
            f"{counted(sum(one.enrolled for one in own), 'row')} in "
            f"{counted(len(own), 'batch', 'batches')} that `{visible(anyone.requester.user_id)}` "
            "may see"
        )
    literal = marts.warehouse.literal
    of_batch = "" if anyone.batch_id is None else f" and batch_id = {literal(anyone.batch_id)}"
    ((batches, enrolments),) = marts.warehouse.query(
        "select count(*), cast(coalesce(sum(enrolments), 0) as bigint) "
        f"from {marts.relation('course_batches')} "
        f"where course_id = {literal(anyone.course_id)}{of_batch}"
    )
    return f"{counted(enrolments, 'enrolment')} in {counted(batches, 'batch', 'batches')}"
