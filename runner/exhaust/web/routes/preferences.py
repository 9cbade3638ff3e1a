"""What a person chooses for themselves: the language of the pages."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from exhaust.web.language import COOKIE, LANGUAGES
from exhaust.web.pages import own_path, page
from exhaust.web.site import site_of

A_YEAR = 365 * 24 * 60 * 60


def language(request: Request) -> Response:
    """Remembers a language, and goes back to the page."""
    response = RedirectResponse(own_path(request.state.form.get("next")), 303)
    chosen = request.state.form.get("language")
    if chosen in LANGUAGES:
        secure = site_of(request).has_tls
        response.set_cookie(
            COOKIE, str(chosen), A_YEAR, httponly=True, samesite="lax", secure=secure
        )
    return response


def sign_out(request: Request) -> Response:
    """Ends the session on the server's side."""
    site = site_of(request)
    if request.state.session:
        site.sessions.end(request.state.session.id)
    response = RedirectResponse("/signed-out", 303)
    response.delete_cookie(site.cookie_name, httponly=True, samesite="lax", secure=site.has_tls)
    return response


ROUTES = [
    page("/language", language, ["POST"], is_open=True),
    page("/sign-out", sign_out, ["POST"], is_open=True),
]
