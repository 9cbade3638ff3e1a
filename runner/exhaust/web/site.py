"""What one server has: its project, the way in, its secrets and limits."""

from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from exhaust import api
from exhaust.console import SYSTEM_CLOCK, Clock
from exhaust.web.identity import Identity
from exhaust.web.limits import CHECKS, SEARCHES, SUBMITS, Limit, Uploads
from exhaust.web.secrets import Keys
from exhaust.web.sessions import Session, Sessions

if TYPE_CHECKING:
    from exhaust.marts.kept_open import KeptOpen
    from exhaust.web.portal import Portal

MAX_CHECKS = 2
"""Files of people that are read at once: each may take much memory."""


@dataclass(frozen=True)
class Site:
    """What the handlers of one server share; `request.app.state.site`."""

    project: "KeptOpen"
    """Every function of `api` takes it."""
    identity: Identity
    keys: Keys = field(repr=False)
    sessions: Sessions
    public_url: str
    """Where people reach the server, without a slash at the end. Absolute addresses begin so."""
    hosts: frozenset[str]
    """The values of `Host` that are answered."""
    clock: Clock = SYSTEM_CLOCK
    searches: Limit = field(default_factory=lambda: Limit(SEARCHES))
    submits: Limit = field(default_factory=lambda: Limit(SUBMITS))
    checks: Limit = field(default_factory=lambda: Limit(CHECKS))
    uploads: Uploads = field(default_factory=Uploads)
    check_turns: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(MAX_CHECKS))

    portal: "Portal | None" = None
    """What the routes of Sunbird's portal need; None: there are no such routes."""

    def renewal(self) -> str | None:
        """Says who renews the data right now, so that only what was known before can be shown."""
        return api.renewal(self.project)

    @property
    def has_tls(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def cookie_name(self) -> str:
        """Cookies do not know ports, so the name does: two servers may run on one machine."""
        if self.has_tls:
            return "__Host-exhaust"
        return f"exhaust-{urlsplit(self.public_url).port or 80}"


def site_of(request: Request) -> Site:
    """Returns what the server has that answers a request."""
    site: Site = request.app.state.site
    return site


def set_session(response: Response, session: Session, request: Request) -> None:
    """Gives the browser the ID of a session; it ends when the browser does."""
    site = site_of(request)
    response.set_cookie(
        site.cookie_name, session.id, httponly=True, samesite="lax", secure=site.has_tls
    )
