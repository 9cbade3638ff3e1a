"""Errors as pages, in plain words: never a traceback, never SQL."""

from starlette.requests import Request
from starlette.responses import Response

from exhaust.errors import (
    Ambiguous,
    Busy,
    DataError,
    DiskFull,
    ExhaustError,
    NoConnection,
    NotFound,
    PermissionDenied,
    UsageError,
)

RETRY_SECONDS = 10

STATUS: dict[type[ExhaustError], int] = {
    NotFound: 404,
    PermissionDenied: 404,
    Ambiguous: 400,
    UsageError: 400,
    Busy: 503,
    NoConnection: 503,
    DataError: 503,
    DiskFull: 507,
}
"""The status of each class of errors; those that are not listed are failures of the server."""


def page(request: Request, error: ExhaustError) -> Response:
    """Returns the page for an error that a user can meet.

    What does not exist and what the person may not have give one answer.
    """
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
    if status == 404:
        return nothing_here(request)
    if isinstance(error, NoConnection):
        # Its message names the server of the database.
        return _render(request, "unreachable", 503)
    return _render(request, error.code, status, error=error)


def nothing_here(request: Request) -> Response:
    """The one answer for what does not exist and for what somebody may not see."""
    return _render(request, "nothing_here", 404)


def too_large(request: Request) -> Response:
    return _render(request, "too_large", 413)


def too_slow(request: Request) -> Response:
    """The page for a form that did not arrive in time; the rest of it is not waited for."""
    response = _render(request, "too_slow", 408)
    response.headers["Connection"] = "close"
    return response


def expired_form(request: Request) -> Response:
    return _render(request, "expired_form", 403)


def too_often(request: Request) -> Response:
    return _render(request, "too_often", 429)


def unexpected(request: Request) -> Response:
    """The page for what no code expected; the log has the details."""
    return _render(request, "unexpected", 500)


def _render(
    request: Request, kind: str, status: int, error: ExhaustError | None = None
) -> Response:
    from exhaust.web.render import render

    response = render(request, "error.html", status, kind=kind, error=error)
    if status in (429, 503):
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response
