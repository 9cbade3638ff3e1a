"""The application: the routes of all groups of pages, and what guards them."""

from importlib import import_module
from importlib.resources import files
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from exhaust.web import errors
from exhaust.web.access_log import AccessLog
from exhaust.web.pages import page
from exhaust.web.portal.routes import portal_routes
from exhaust.web.security import Guard
from exhaust.web.site import Site

GROUPS = (
    "courses",
    "batches",
    "requests",
    "changes",
    "explain",
    "downloads",
    "check",
    "operator",
    "preferences",
    "health",
)
"""The modules in routes/, each a group of pages with its ROUTES."""
A_YEAR = 365 * 24 * 60 * 60


def create_app(site: Site) -> Starlette:
    """Returns the application of a site, for uvicorn or a test's client."""
    groups = [import_module(f"exhaust.web.routes.{name}") for name in GROUPS]
    routes: list[BaseRoute] = [
        *(route for group in groups for route in group.ROUTES),
        *site.identity.routes(),
        *(portal_routes() if site.portal else []),
        Mount("/static", GZipMiddleware(_static())),
        _nothing(),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(AccessLog, site=site), Middleware(Guard, site=site)],
    )
    # An address with a slash too many is another one: nothing leads to it.
    app.router.redirect_slashes = False
    app.state.site = site
    return app


class _Static(StaticFiles):
    """Files whose address has a hash of their content, so browsers keep them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path.partition("/")[2], scope)
        response.headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
        return response


def _static() -> StaticFiles:
    return _Static(directory=Path(str(files("exhaust.web").joinpath("static"))))


def _nothing() -> Route:
    """Returns the route of every other address: as for pages that a person may not see."""
    return page("/{path:path}", nothing_here, ["GET", "POST"])


def nothing_here(request: Request) -> Response:
    return errors.nothing_here(request)
