"""Who may have which courses and batches."""

from collections.abc import Sequence

from exhaust.errors import Ambiguous, NotFound, PermissionDenied
from exhaust.marts.courses import batches, courses
from exhaust.marts.entities import Batch, Course, Requester
from exhaust.marts.names import listed, named, resolve_batch, resolve_course, trimmed, with_id
from exhaust.marts.state import Marts
from exhaust.project.settings import Settings
from exhaust.text import Message, visible

USER_ID_HINT = Message("Give your user ID with --as or EXHAUST_USER.")


def check_user_id(settings: Settings, user_id: str | None) -> None:
    """Raises PermissionDenied if the project requires a user ID and there is none."""
    if settings.require_requester and user_id is None:
        raise PermissionDenied(
            "This project requires a user ID (`require_requester: true`).", USER_ID_HINT
        )


def find_requester(marts: Marts, user_id: str | None) -> Requester | None:
    """Returns who is asking; None is the operator, who may have everything.

    Raises PermissionDenied if the project requires a user ID and there is none, or if there is
    nothing that the user may have; DataError if nothing is built.
    """
    check_user_id(marts.settings, user_id)
    if user_id is None:
        return None
    marts.check_built()
    texts = (user_id, trimmed(user_id))
    rows = marts.warehouse.query(
        f"select user_id, root_org_id from {marts.relation('requesters')} "
        f"where user_id in ({', '.join(map(marts.warehouse.literal, texts))})"
    )
    for text in texts:
        for found in rows:
            if found[0] == text:
                return Requester(*found)
    raise _denied(
        Message(
            "The user `{user}` has not created a course or a batch, and does not mentor a batch, "
            "in the data that is built here.",
            user=visible(user_id),
        )
    )


def find_course(marts: Marts, text: str, requester: Requester | None = None) -> Course:
    """Returns the one course of that ID or name, or with a batch of that ID, among those that the
    requester may have.

    Raises Ambiguous if several match, PermissionDenied if the requester may not have it, NotFound
    if there is none, UsageError for an empty text.
    """
    course, _ = find_course_or_batch(marts, text, requester)
    return course


def find_course_or_batch(
    marts: Marts, text: str, requester: Requester | None = None
) -> tuple[Course, Batch | None]:
    """Returns what `find_course` does, and the batch if the text is the ID of a batch."""
    own = courses(marts, requester=requester)
    try:
        return resolve_course(own, text), None
    except NotFound:
        by_id = {course.id: course for course in own}
        found = with_id(batches(marts, requester=requester), text, "batch")
        if len(found) == 1:
            return by_id[found[0].course_id], found[0]
        if found:
            raise Ambiguous(
                f"{len(found):,} batches have the ID `{visible(text)}`, of these courses:\n"
                + listed([by_id[batch.course_id] for batch in found]),
                "Give the course, and the batch with -b.",
            ) from None
        if requester is None or marts.gives_one_answer:
            raise
        is_everyones = bool(courses(marts, text) or with_id(batches(marts), text, "batch"))
        if is_everyones:
            raise _denied(
                Message(
                    "`{user}` may not see the reports of `{text}`.",
                    user=visible(requester.user_id),
                    text=visible(text),
                )
            ) from None
        raise


def find_batches(
    marts: Marts, course: Course, texts: Sequence[str], requester: Requester | None = None
) -> list[Batch]:
    """Returns the batches of a course of these IDs or names, or all of them if `texts` is empty.

    Raises as `find_course` does.
    """
    found = batches(marts, course.id, requester)
    chosen = set()
    for text in texts:
        try:
            chosen.add(resolve_batch(found, text).id)
        except NotFound:
            if requester is None or marts.gives_one_answer:
                raise
            # Never the error of a search in everyone's batches: it would name the nearest of them.
            everyones = batches(marts, course.id)
            if not named(everyones, text, "batch"):
                raise
            raise _denied(
                Message(
                    "`{user}` may not see the batch `{text}` of {course}.",
                    user=visible(requester.user_id),
                    text=visible(text),
                    course=visible(course.id),
                )
            ) from None
    return [batch for batch in found if batch.id in chosen] if texts else found


def sees_learner(marts: Marts, requester: Requester | None, batches: Sequence[Batch]) -> str:
    """Returns the condition, as SQL, that the requester sees the learners of a row in one of the
    batches. The row has a `batch_id` and a `root_org_id`."""
    if requester is None:
        return _among(marts, batches)
    everyones = _among(marts, [one for one in batches if one.sees_all_learners])
    others = _among(marts, [one for one in batches if not one.sees_all_learners])
    own = f"root_org_id = {marts.warehouse.literal(requester.root_org_id)}"
    return f"({everyones} or ({others} and {own}))"


def _among(marts: Marts, batches: Sequence[Batch]) -> str:
    if not batches:
        return "false"
    return f"batch_id in ({', '.join(marts.warehouse.literal(one.id) for one in batches)})"


def check_not_retired(course: Course) -> None:
    """Raises PermissionDenied for a retired course, in the words of Sunbird's own job."""
    if course.is_retired:
        raise PermissionDenied(
            Message(
                "The request is made for retired collection: {course} {name}",
                course=visible(course.id),
                name=visible(course.name),
            ),
            Message("Nobody can export a retired course."),
        )


def _denied(message: Message) -> PermissionDenied:
    return PermissionDenied(
        message,
        Message(
            "Reports are for the creator of the course, and for the creator and the mentors of "
            "the batch. {what_to_do}",
            what_to_do=USER_ID_HINT,
        ),
    )
