"""How a handler becomes a route: who is asking, the form and its token, limits, errors."""

import logging
from collections.abc import Callable, Sequence
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from exhaust.errors import ExhaustError
from exhaust.web import errors
from exhaust.web.limits import Limit
from exhaust.web.receiving import Intake, receive_form
from exhaust.web.security import CSRF_FIELD, CSRF_HEADER, SAFE_METHODS, has_csrf_token
from exhaust.web.site import Site, site_of

Handler = Callable[[Request], Response]
Check = Callable[[Request], Response | None]
"""Looks at a request before its handler; a response ends it."""

LOG = logging.getLogger("exhaust.web")
SIGN_IN = "/sign-in"
FORM = Intake()


def page(
    path: str,
    handler: Handler,
    methods: Sequence[str] = ("GET",),
    *,
    is_open: bool = False,
    only_operators: bool = False,
    checks: Sequence[Check] = (),
    intake: Intake = FORM,
) -> Route:
    """Returns the route of a handler, which runs in a thread.

    `request.state.person` is set: strangers were sent to sign in, except on an open page. A form is
    in `request.state.form`, its token is checked, and it is no larger than the `intake`. For
    everyone else than operators, a page `only_operators` does not exist.
    """

    def answer(request: Request) -> Response:
        try:
            if only_operators and not request.state.person.is_operator:
                return errors.nothing_here(request)
            for check in checks:
                if refusal := check(request):
                    return refusal
            return handler(request)
        except ExhaustError as error:
            return errors.page(request, error)
        except Exception:
            LOG.exception("%s %s failed", request.method, request.url.path)
            return errors.unexpected(request)

    async def endpoint(request: Request) -> Response:
        try:
            _identify(request)
        except ExhaustError as error:
            # An open page is for whoever comes, even past the proxy: a probe, a signed address.
            if not is_open:
                return errors.page(request, error)
        if not is_open and request.state.person is None:
            return _sign_in(request)
        if request.method in SAFE_METHODS:
            return await run_in_threadpool(answer, request)
        form = await _form(request, intake)
        if isinstance(form, Response):
            return form
        try:
            request.state.form = form
            given = form.get(CSRF_FIELD) or request.headers.get(CSRF_HEADER)
            if not has_csrf_token(request, given):
                return errors.expired_form(request)
            return await run_in_threadpool(answer, request)
        finally:
            await form.close()

    return Route(path, endpoint, methods=list(methods), name=handler.__name__)


async def _form(request: Request, intake: Intake) -> FormData | Response:
    """Returns the form that was sent, or why it is refused. Only so many have files at once."""
    if not intake.max_files:
        return await receive_form(request, intake)
    person = request.state.person
    with site_of(request).uploads.one_more(person.user_id or "") as is_allowed:
        return await receive_form(request, intake) if is_allowed else errors.too_often(request)


def _identify(request: Request) -> None:
    """Finds out who is asking. Raises PermissionDenied for a forgery."""
    site = site_of(request)
    session = site.sessions.find(request.cookies.get(site.cookie_name, ""))
    request.state.session = session
    request.state.person = session.person if session else None
    if session is None:
        request.state.person = site.identity.person(request)


def _sign_in(request: Request) -> Response:
    """Sends a stranger to sign in, and back afterwards."""
    url = request.url
    path = f"{url.path}?{url.query}" if url.query else url.path
    where = SIGN_IN if request.method not in SAFE_METHODS else f"{SIGN_IN}?next={quote(path)}"
    if "hx-request" in request.headers:
        # A redirect would be followed in the background, and its page put into a part of this one.
        return Response(status_code=401, headers={"HX-Redirect": SIGN_IN})
    return RedirectResponse(where, 303)


def limited_by(limit: Callable[[Site], Limit]) -> Check:
    """Returns a check that counts the calls of each person, such as
    `limited_by(lambda site: site.searches)`."""

    def check(request: Request) -> Response | None:
        person = request.state.person
        is_allowed = limit(site_of(request)).take(person.user_id or "")
        return None if is_allowed else errors.too_often(request)

    return check


def own_path(given: object) -> str:
    """Returns a path of this server to go back to; any other address is that of the first page."""
    path = str(given or "")
    is_own = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if is_own and path.isprintable() else "/"


def page_number(request: Request, last: int) -> int:
    """Returns the number of the page that a query asks for, from 1 to the last one."""
    text = request.query_params.get("page", "1")
    return min(max(int(text), 1), last) if text.isascii() and text.isdigit() else 1


def is_part(request: Request) -> bool:
    """Returns whether htmx asks for the changing part of a page."""
    return request.headers.get("hx-request") == "true"
