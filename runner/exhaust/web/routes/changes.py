"""What is new since a report: a further request, or two reports side by side."""

from dataclasses import replace

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from exhaust import api
from exhaust.errors import ExhaustError
from exhaust.web.pages import limited_by, page
from exhaust.web.render import render
from exhaust.web.routes.requests import ONE, find_own, lead_to, submit_for
from exhaust.web.site import site_of

MAX_DIFFERENCES = 200


def since(request: HttpRequest) -> Response:
    """Requests the rows that are new or changed since a report, in the same form."""
    one = find_own(request)
    form = replace(one.form, since=one.request_id)
    password = str(request.state.form.get("password", "")) if form.is_protected else None
    return lead_to(submit_for(request, one.course_id, one.batch_ids, one.requester, form, password))


def changes(request: HttpRequest) -> Response:
    """Compares a report with another one of the same user; asks for their passwords first."""
    project, user_id = site_of(request).project, request.state.person.user_id
    other_id = request.query_params.get("other", "")
    pair = [find_own(request), api.request(project, other_id, user_id=user_id)]
    old, new = sorted(pair, key=lambda one: one.submitted_at)
    diffs = error = None
    is_sent = request.method == "POST"
    if is_sent or not any(one.form.is_protected for one in pair):
        form = request.state.form if is_sent else {}
        try:
            diffs = api.changes(
                project,
                old.request_id,
                new.request_id,
                user_id=user_id,
                old_password=form.get("old"),
                new_password=form.get("new"),
                limit=MAX_DIFFERENCES,
            )
        except ExhaustError as refusal:
            error = refusal
    return render(
        request,
        "changes.html",
        400 if error else 200,
        old=old,
        new=new,
        other_id=other_id,
        diffs=diffs,
        error=error,
    )


CHECKS = [limited_by(lambda site: site.submits)]

ROUTES = [
    page(f"{ONE}/since", since, ["POST"], checks=CHECKS),
    page(f"{ONE}/changes", changes, ["GET", "POST"], checks=CHECKS),
]
