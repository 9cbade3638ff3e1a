"""What can be exported: courses, their batches, and what these add up to."""

from typing import TYPE_CHECKING

from exhaust.api.opening import marts as _marts
from exhaust.console import SILENCE, Console

if TYPE_CHECKING:
    from exhaust.marts.entities import Batch, Course
    from exhaust.marts.summaries import Summary
    from exhaust.project.settings import Settings


def courses(
    project: "Settings",
    text: str = "",
    *,
    user_id: str | None = None,
    console: Console = SILENCE,
) -> "list[Course]":
    """Returns the courses whose ID is `text` or whose name contains it, by name.

    Without a user ID: all of them, as the operator sees them; with one: those that the user may
    export. Raises DataError if nothing is built, PermissionDenied if there is nothing for the user.
    """
    from exhaust.marts.access import find_requester
    from exhaust.marts.courses import courses

    with _marts(project, user_id, console) as marts, marts.state(console=console):
        return courses(marts, text, find_requester(marts, user_id))


def batches(
    project: "Settings", course: str, *, user_id: str | None = None, console: Console = SILENCE
) -> "tuple[Course, list[Batch]]":
    """Returns the course of that ID or name, or with a batch of that ID, and its batches by ID.

    Raises NotFound, Ambiguous, PermissionDenied; DataError if nothing is built.
    """
    from exhaust.marts.access import find_course, find_requester
    from exhaust.marts.courses import batches

    with _marts(project, user_id, console) as marts, marts.state(console=console):
        requester = find_requester(marts, user_id)
        found = find_course(marts, course, requester)
        return found, batches(marts, found.id, requester)


def summary(
    project: "Settings",
    course: str,
    batch: str | None = None,
    *,
    user_id: str | None = None,
    console: Console = SILENCE,
) -> "Summary":
    """Summarises the learners of a course, or of one of its batches, that the user sees.

    The course is found as by `batches`, and the batch by its ID or name; without one, these are all
    batches that the user may have, or the one whose ID was given as the course. Raises as `batches`
    does.
    """
    from exhaust.marts.access import find_batches, find_course_or_batch, find_requester
    from exhaust.marts.summaries import MARTS, summary

    with _marts(project, user_id, console) as marts, marts.state(MARTS, console) as build:
        requester = find_requester(marts, user_id)
        found, named = find_course_or_batch(marts, course, requester)
        texts = [batch] if batch is not None else [named.id] if named else []
        return summary(marts, build, found, find_batches(marts, found, texts, requester), requester)
