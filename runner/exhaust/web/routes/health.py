"""What a supervisor asks: is the server alive, and can it work?"""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from exhaust import api
from exhaust.errors import ExhaustError
from exhaust.web.pages import page
from exhaust.web.site import site_of


def health(_: Request) -> Response:
    """Says that the server is alive; a build does not change that."""
    return PlainTextResponse("alive\n")


def ready(request: Request) -> Response:
    """Says whether the ledger can be reached."""
    try:
        api.workers(site_of(request).project)
    except ExhaustError:
        return PlainTextResponse("The ledger cannot be reached.\n", 503)
    return PlainTextResponse("ready\n")


ROUTES = [page("/health", health, is_open=True), page("/ready", ready, is_open=True)]
