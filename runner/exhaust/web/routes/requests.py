"""Requests for reports: submitting, following and cancelling them, and what they have made."""

from contextlib import suppress
from math import ceil

from starlette.requests import Request as HttpRequest
from starlette.responses import RedirectResponse, Response

from exhaust import api
from exhaust.errors import Busy, ExhaustError, PermissionDenied, UsageError
from exhaust.reports.form import ReportForm
from exhaust.requests.entities import Request, Status
from exhaust.text import Message
from exhaust.web.batch_page import find_batch, show_batch
from exhaust.web.pages import is_part, limited_by, page, page_number
from exhaust.web.render import render
from exhaust.web.request_form import RequestForm
from exhaust.web.routes.batches import BATCH
from exhaust.web.site import site_of

ON_A_PAGE = 50
ONE = "/requests/{request_id}"


def submit(request: HttpRequest) -> Response:
    """Requests the report of a batch and leads to it, or shows the form with what is wrong."""
    found, batch = find_batch(request)
    filled = RequestForm.of(request)
    # The operator requests for somebody, as with the command.
    own_id = request.state.person.user_id
    user_id = filled.values["user"] if own_id is None else own_id
    if not filled.errors:
        try:
            form = filled.form
            return lead_to(
                submit_for(request, found.course.id, [batch.id], user_id, form, filled.password)
            )
        except ValueError:
            filled = RequestForm.new()
            filled.errors["form"] = UsageError(
                Message("This page does not offer that form of the report.")
            )
        except PermissionDenied as error:
            if own_id is not None:
                raise
            filled.errors["user"] = error
        except ExhaustError as error:
            filled.errors["form"] = error
    return show_batch(request, found, batch, 400, filled)


def submit_for(
    request: HttpRequest,
    course_id: str,
    batch_ids: list[str],
    user_id: str,
    form: ReportForm,
    password: str | None,
) -> Request:
    """Returns a new request, or the one of the same user that is under way: a form that was sent
    twice is one request."""
    project = site_of(request).project
    try:
        return api.submit(
            project,
            course_id,
            batches=batch_ids,
            user_id=user_id,
            form=form,
            password=password,
        )
    except Busy:
        for one in api.requests(project, user_id=user_id):
            is_same = (one.course_id, one.batch_ids) == (
                course_id,
                sorted(batch_ids, key=str.encode),
            )
            if one.is_under_way and is_same and one.form == form:
                return one
        raise


def lead_to(one: Request) -> Response:
    return RedirectResponse(f"/requests/{one.request_id}", 303)


def requests(request: HttpRequest) -> Response:
    """Shows the requests of the person, newest first, or those of everybody to the operator."""
    project, user_id = site_of(request).project, request.state.person.user_id
    found = api.requests(project, user_id=user_id)
    last = max(1, ceil(len(found) / ON_A_PAGE))
    number = page_number(request, last)
    return render(
        request,
        "parts/requests.html" if is_part(request) else "requests.html",
        found=len(found),
        under_way=sum(one.is_under_way for one in found),
        requests=found[(number - 1) * ON_A_PAGE : number * ON_A_PAGE],
        number=number,
        last=last,
        is_worker_missing=_is_worker_missing(request, found),
    )


def _is_worker_missing(request: HttpRequest, found: list[Request]) -> bool:
    """Returns whether a request waits, but nobody seems to work."""
    return any(one.position for one in found) and not api.has_worker(
        site_of(request).project, user_id=request.state.person.user_id
    )


def one_request(request: HttpRequest) -> Response:
    """Shows a request: how far it is, its files, or why it failed."""
    project, user_id = site_of(request).project, request.state.person.user_id
    one = find_own(request)
    results = files_missing = None
    if one.status is Status.SUCCESS:
        try:
            results = api.results(project, one.request_id, user_id=user_id)
        except ExhaustError as error:
            files_missing = error
    return render(
        request,
        "parts/request.html" if is_part(request) else "request.html",
        one=one,
        results=results,
        files_missing=files_missing,
        others=_comparable(request, one) if results else [],
        is_worker_missing=_is_worker_missing(request, [one]),
    )


def find_own(request: HttpRequest) -> Request:
    return api.request(
        site_of(request).project,
        request.path_params["request_id"],
        user_id=request.state.person.user_id,
    )


def _comparable(request: HttpRequest, one: Request) -> list[Request]:
    """Returns the other finished requests with which a request can be compared."""
    if not _is_whole(one):
        return []
    return [
        other
        for other in api.requests(site_of(request).project, user_id=request.state.person.user_id)
        if other.request_id != one.request_id
        and other.course_id == one.course_id
        and {*other.batch_ids} & {*one.batch_ids}
        and _is_whole(other)
    ]


def _is_whole(one: Request) -> bool:
    """Returns whether a request has files, one for each batch, with all rows."""
    return one.status is Status.SUCCESS and not (one.form.split_by or one.form.since)


def cancel(request: HttpRequest) -> Response:
    """Cancels a request; one that has ended meanwhile stays as it is."""
    one = find_own(request)
    with suppress(UsageError):
        api.cancel(site_of(request).project, one.request_id, user_id=request.state.person.user_id)
    return lead_to(one)


ROUTES = [
    page(f"{BATCH}/request", submit, ["POST"], checks=[limited_by(lambda site: site.submits)]),
    page("/requests", requests),
    page(ONE, one_request),
    page(f"{ONE}/cancel", cancel, ["POST"]),
]
