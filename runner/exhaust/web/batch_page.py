"""The pages of a course and its batches: what the person asked for, found among what they have."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from exhaust import api
from exhaust.api.catalogue import OneCourse
from exhaust.errors import Busy, NotFound
from exhaust.marts.entities import Batch
from exhaust.marts.summaries import Summary, Week
from exhaust.reports.formats import Format
from exhaust.web.render import render
from exhaust.web.request_form import RequestForm
from exhaust.web.site import site_of

MAX_DISTRICTS = 40
MAX_ASSESSMENTS = 10
"""How many the page of a batch shows; further pages have the others."""
MAX_WEEKS = 104
A_WEEK = timedelta(weeks=1)


def find_course(request: Request) -> OneCourse:
    """Returns the course of the address. Raises NotFound also for what the person may not have."""
    return api.course(
        site_of(request).project,
        request.path_params["course_id"],
        user_id=request.state.person.user_id,
    )


def find_batch(request: Request) -> tuple[OneCourse, Batch]:
    """Returns the course and the batch of the address; raises as `find_course` does."""
    found = find_course(request)
    for batch in found.batches:
        if batch.id == request.path_params["batch_id"]:
            return found, batch
    raise NotFound("There is no such batch.")


def paths(found: OneCourse, batch: Batch | None = None) -> dict[str, str]:
    """Returns the addresses of a course and a batch, for templates."""
    course_path = f"/courses/{quote(found.course.id, '')}"
    batch_path = f"{course_path}/batches/{quote(batch.id, '')}" if batch else ""
    return {"course_path": course_path, "batch_path": batch_path}


def show_batch(
    request: Request,
    found: OneCourse,
    batch: Batch,
    status: int = 200,
    filled: RequestForm | None = None,
) -> Response:
    """Shows a batch, with the form for its report as it was filled in and what is wrong with it."""
    filled = filled or RequestForm.new()
    try:
        summary = summary_of(request, found, batch)
    except Busy:
        # The report can be requested all the same.
        summary = None
    weeks = without_gaps(summary.weeks) if summary else []
    project, user_id = site_of(request).project, request.state.person.user_id
    return render(
        request,
        "batch.html",
        status,
        course=found.course,
        batch=batch,
        build=found.build,
        summary=summary,
        weeks=weeks or (summary.weeks[-MAX_WEEKS:] if summary else []),
        has_gaps=not weeks,
        max_districts=MAX_DISTRICTS,
        max_assessments=MAX_ASSESSMENTS,
        under_way=api.under_way(project, found.course.id, batch.id, user_id=user_id),
        has_worker=api.has_worker(project, user_id=user_id),
        sizes={one.value: found.about_bytes(one, batch.rows) for one in Format},
        values=filled.values,
        errors=filled.errors,
        **paths(found, batch),
    )


def without_gaps(weeks: Sequence[Week]) -> list[Week]:
    """Returns weeks with those between them, in which nothing happened; nothing if that makes too
    many: a wrong date may lie decades before the others."""
    if not weeks or weeks[-1].starts_on - weeks[0].starts_on >= MAX_WEEKS * A_WEEK:
        return []
    known = {week.starts_on: week for week in weeks}
    first = weeks[0]
    count = (weeks[-1].starts_on - first.starts_on) // A_WEEK + 1
    days = [first.starts_on + number * A_WEEK for number in range(count)]
    return [
        known.get(day) or replace(first, starts_on=day, enrolled=0, completed=0) for day in days
    ]


def summary_of(request: Request, found: OneCourse, batch: Batch) -> Summary:
    """Returns the summary of the learners whom the person sees."""
    return api.summary(
        site_of(request).project,
        found.course.id,
        batch.id,
        user_id=request.state.person.user_id,
    )
