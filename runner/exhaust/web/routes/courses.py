"""The list of courses, with its search."""

from starlette.requests import Request
from starlette.responses import Response

from exhaust import api
from exhaust.errors import PermissionDenied
from exhaust.web.pages import is_part, limited_by, page
from exhaust.web.render import render
from exhaust.web.site import site_of

MAX_SHOWN = 50


def courses(request: Request) -> Response:
    """Shows the courses that the person may have and that the search finds, by name."""
    text = request.query_params.get("q", "")[:500]
    try:
        found = api.courses(site_of(request).project, text, user_id=request.state.person.user_id)
    except PermissionDenied:
        return render(request, "no_courses.html")
    # htmx asks for the list alone while somebody types.
    template = "parts/courses.html" if is_part(request) else "courses.html"
    return render(request, template, text=text, found=len(found), courses=found[:MAX_SHOWN])


ROUTES = [page("/", courses, checks=[limited_by(lambda site: site.searches)])]
