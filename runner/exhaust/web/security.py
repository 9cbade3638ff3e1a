"""What guards every page: `Host`, where a form was sent from, its token, and the headers."""

from hashlib import sha256
from urllib.parse import urlsplit

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exhaust.web.portal import MOUNTS
from exhaust.web.sessions import DURATION
from exhaust.web.site import Site, site_of

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
PROBES = ("/health", "/ready")
"""What a supervisor asks for, under whatever name it knows the server by."""
CSRF_FIELD = "csrf"
CSRF_HEADER = "X-CSRF-Token"

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "private, no-store",
}
"""The headers of every answer that does not set them itself."""


class Guard:
    """Refuses what comes by another host name or from another site, and adds the headers."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self._site.has_tls:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        refusal = self._refusal(scope)
        app = self._app if refusal is None else PlainTextResponse(*refusal)
        await app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> tuple[str, int] | None:
        if self._site.portal and scope["path"].startswith(MOUNTS):
            # The portal's server passes a browser's headers on. Nothing there believes a cookie,
            # and no other site can give the header of a token.
            return None
        headers = Headers(scope=scope)
        if scope["path"] not in PROBES and headers.get("host", "").lower() not in self._site.hosts:
            return "This server does not answer to that host name.\n", 421
        if scope["method"] not in SAFE_METHODS and not self._is_own(headers):
            return "This form was sent from another site.\n", 403
        return None

    def _is_own(self, headers: Headers) -> bool:
        """Returns whether a form was sent from a page of this server, if the browser says so."""
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if site not in (None, "same-origin", "none"):
            return False
        if origin is None:
            return True
        # On a laptop, one server has several names: the one that was asked for counts.
        own = {self._site.public_url, f"{self._scheme}://{headers.get('host', '').lower()}"}
        return origin.lower() in own

    @property
    def _scheme(self) -> str:
        return urlsplit(self._site.public_url).scheme


def csrf_token(request: Request) -> str:
    """Returns the token for the forms of a page: it is this person's or session's own."""
    return _serializer(request).dumps(_holder(request))


def has_csrf_token(request: Request, given: object) -> bool:
    """Returns whether a form has a token that this server gave to whoever sends it."""
    try:
        holder = _serializer(request).loads(str(given), max_age=int(DURATION.total_seconds()))
    except BadData:
        return False
    return bool(holder == _holder(request))


def _holder(request: Request) -> str:
    """Returns whose the tokens are; the same for everyone who has not signed in."""
    if session := getattr(request.state, "session", None):
        # Not the ID itself: a token stands in the page.
        return f"session {sha256(session.id.encode()).hexdigest()}"
    person = getattr(request.state, "person", None)
    return f"person {person.user_id}" if person else ""


def _serializer(request: Request) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(site_of(request).keys.derived("csrf"))
