"""What can be exported: courses, their batches, and what these add up to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exhaust.api.opening import marts as _marts
from exhaust.console import SILENCE, Console
from exhaust.reports.formats import Format

if TYPE_CHECKING:
    from exhaust.marts.entities import Batch, Course
    from exhaust.marts.records import Build
    from exhaust.marts.state import Marts
    from exhaust.marts.summaries import Summary
    from exhaust.project.settings import Settings

SIZES = {Format.CSV: (0, 13), Format.CSV_EXCEL: (0, 14), Format.XLSX: (13_000, 4)}
"""The bytes of a file without rows, and of a cell, as measured on reports of 12 and of 950 rows."""


@dataclass(frozen=True)
class OneCourse:
    """A course as a requester sees it; `batches` are by ID."""

    course: "Course"
    batches: "Sequence[Batch]"
    columns: int | None
    """The columns of its report; None while a build keeps readers from the header plan."""
    build: "Build"

    def about_bytes(self, format: Format, rows: int) -> int | None:
        """Returns about how large a report is, for people: it may be half or twice that."""
        if self.columns is None:
            return None
        empty, cell = SIZES[format]
        return empty + (rows + 1) * self.columns * cell


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


def course(
    project: "Settings", course_id: str, *, user_id: str | None = None, console: Console = SILENCE
) -> OneCourse:
    """Returns the course of just that ID, with its batches, as a page shows it.

    What a user may not have is NotFound, like what does not exist: nothing is looked up that takes
    longer for one than for the other. Raises PermissionDenied if there is nothing at all for the
    user, DataError if nothing is built.
    """
    from exhaust.errors import NotFound
    from exhaust.marts.access import find_requester
    from exhaust.marts.courses import batches, courses
    from exhaust.text import visible

    with _marts(project, user_id, console) as marts, marts.state(console=console) as build:
        requester = find_requester(marts, user_id)
        for found in courses(marts, requester=requester):
            if found.id == course_id:
                own = batches(marts, course_id, requester)
                return OneCourse(found, own, _columns(marts, course_id), build)
        raise NotFound(f"There is no course {visible(course_id)}.")


def _columns(marts: "Marts", course_id: str) -> int | None:
    """Returns how many columns the report of a course has."""
    from exhaust.errors import Busy
    from exhaust.marts.header_plan import read_header_plan
    from exhaust.reports.kinds import PROGRESS

    try:
        return marts.remember(
            ("columns", course_id),
            lambda: len(read_header_plan(marts, PROGRESS.header_plan, course_id)),
        )
    except Busy:
        return None


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
