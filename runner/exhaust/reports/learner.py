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
from exhaust.text import Message, visible


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
        Message(
            "No learner `{learner}` is enrolled in {course} (searched {searched} by user ID).",
            learner=visible(text),
            course=visible(course),
            searched=_searched(marts, anyone),
        ),
        _hint(len(attempts)),
    )


def _hint(attempts: int) -> Message:
    if attempts == 0:
        return Message("Give the user ID: the column User UUID of the report.")
    if attempts == 1:
        return Message("This user has made 1 attempt without an enrolment.")
    return Message(
        "This user has made {attempts:,} attempts without an enrolment.", attempts=attempts
    )


def _searched(marts: Marts, anyone: Learner) -> Message:
    if anyone.requester is not None:
        own = [one for one in anyone.batches if anyone.batch_id in (None, one.id)]
        rows = sum(one.enrolled for one in own)
        return Message(
            "{rows} in {batches} that `{user}` may see",
            rows=Message("1 row") if rows == 1 else Message("{rows:,} rows", rows=rows),
            batches=_counted_batches(len(own)),
            user=visible(anyone.requester.user_id),
        )
    literal = marts.warehouse.literal
    of_batch = "" if anyone.batch_id is None else f" and batch_id = {literal(anyone.batch_id)}"
    ((batches, enrolments),) = marts.warehouse.query(
        "select count(*), cast(coalesce(sum(enrolments), 0) as bigint) "
        f"from {marts.relation('course_batches')} "
        f"where course_id = {literal(anyone.course_id)}{of_batch}"
    )
    return Message(
        "{enrolments} in {batches}",
        enrolments=Message("1 enrolment")
        if enrolments == 1
        else Message("{enrolments:,} enrolments", enrolments=enrolments),
        batches=_counted_batches(batches),
    )


def _counted_batches(batches: int) -> Message:
    return Message("1 batch") if batches == 1 else Message("{batches:,} batches", batches=batches)
