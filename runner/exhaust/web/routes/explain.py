"""Why a report says what it says of a learner."""

from starlette.requests import Request
from starlette.responses import Response

from exhaust import api
from exhaust.errors import NotFound, UsageError
from exhaust.web.batch_page import find_course, paths
from exhaust.web.pages import limited_by, page
from exhaust.web.render import render
from exhaust.web.routes.batches import COURSE
from exhaust.web.site import site_of

MAX_CHARACTERS = 500


def explain(request: Request) -> Response:
    """Explains the rows of a learner, in one batch or in all."""
    found = find_course(request)
    learner, batch_id = (
        request.query_params.get(name, "")[:MAX_CHARACTERS].strip() for name in ("learner", "batch")
    )
    if batch_id and batch_id not in {batch.id for batch in found.batches}:
        raise NotFound("There is no such batch.")
    explanation = error = None
    if learner:
        try:
            explanation = api.explain(
                site_of(request).project,
                found.course.id,
                learner,
                batch=batch_id or None,
                user_id=request.state.person.user_id,
            )
        except (NotFound, UsageError) as refusal:
            error = refusal
    return render(
        request,
        "explain.html",
        404 if error else 200,
        course=found.course,
        batches=found.batches,
        names={batch.id: batch.name for batch in found.batches},
        learner=learner,
        batch_id=batch_id,
        explanation=explanation,
        error=error,
        **paths(found),
    )


ROUTES = [page(f"{COURSE}/explain", explain, checks=[limited_by(lambda site: site.searches)])]
