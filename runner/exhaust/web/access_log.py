"""The log of what was asked: who, which path, which answer; never a query, which may hold names."""

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exhaust.text import visible
from exhaust.web.site import Site

LOG = logging.getLogger("exhaust.access")


class AccessLog:
    """Writes a line for each answer."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._clock = site.clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = self._clock.monotonic()
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            person = scope.get("state", {}).get("person")
            milliseconds = 1000 * (self._clock.monotonic() - began)
            LOG.info(
                "%s %s %s %.0f ms, %s",
                scope["method"],
                visible(scope["path"]),
                status or "broken off",
                milliseconds,
                visible(person.label) if person else "nobody",
            )
