"""A course with its batches, and a batch with the summary of its learners."""

from collections.abc import Sequence
from math import ceil

from starlette.requests import Request
from starlette.responses import Response

from exhaust.errors import NotFound
from exhaust.marts.summaries import Block, District
from exhaust.web.batch_page import (
    MAX_ASSESSMENTS,
    find_batch,
    find_course,
    paths,
    show_batch,
    summary_of,
)
from exhaust.web.pages import page, page_number
from exhaust.web.render import render


def course(request: Request) -> Response:
    found = find_course(request)
    return render(
        request,
        "course.html",
        200,
        course=found.course,
        batches=found.batches,
        build=found.build,
        **paths(found),
    )


def batch(request: Request) -> Response:
    return show_batch(request, *find_batch(request))


def places(request: Request) -> Response:
    """Shows all districts of a batch, or the blocks of one of them."""
    found, batch = find_batch(request)
    districts = summary_of(request, found, batch).districts
    shown: Sequence[District | Block] = districts
    district = None
    if "district" in request.query_params:
        wanted = [request.query_params.get(name, "") for name in ("state", "district")]
        district = next(
            (one for one in districts if [one.state or "", one.name or ""] == wanted), None
        )
        if district is None:
            raise NotFound("There is no such district.")
        shown = district.blocks
    return render(
        request,
        "places.html",
        200,
        course=found.course,
        batch=batch,
        build=found.build,
        district=district,
        places=shown,
        **paths(found, batch),
    )


def assessments(request: Request) -> Response:
    """Shows the assessments of a batch, ten on a page."""
    found, batch = find_batch(request)
    everything = summary_of(request, found, batch).assessments
    last = max(1, ceil(len(everything) / MAX_ASSESSMENTS))
    number = page_number(request, last)
    before = (number - 1) * MAX_ASSESSMENTS
    return render(
        request,
        "assessments.html",
        200,
        course=found.course,
        batch=batch,
        build=found.build,
        assessments=everything[before : before + MAX_ASSESSMENTS],
        before=before,
        number=number,
        last=last,
        **paths(found, batch),
    )


COURSE = "/courses/{course_id}"
BATCH = COURSE + "/batches/{batch_id}"

ROUTES = [
    page(COURSE, course),
    page(BATCH, batch),
    page(f"{BATCH}/places", places),
    page(f"{BATCH}/assessments", assessments),
]
