"""The service that has the portal's other datasets: what is for it is passed on unchanged."""

import asyncio
import logging
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.requests import Request

from exhaust.console import SYSTEM_CLOCK, Clock

LOG = logging.getLogger("exhaust.web")
MAX_AT_ONCE = 16
MAX_BYTES = 10 << 20
SECONDS = 8.0
"""How long an answer may take, from the connection to its last byte."""
LIST_SECONDS = 3.0
"""How long a list of our own jobs waits for those of the other service."""
PAUSE_SECONDS = 30.0
"""How long lists do without it after it has not answered."""
NOT_PASSED_ON = {
    *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer"),
    *("upgrade", "proxy-authorization", "proxy-authenticate", "accept-encoding", "cookie"),
}
"""Headers that are about one connection, and cookies, which are for this server."""
NO_ANSWER = "The service for this report does not answer. Try again later."


class NoAnswer(Exception):
    """The service has not answered in time."""


@dataclass(frozen=True)
class Answer:
    """What the service answered."""

    status: int
    content_type: str
    content: bytes


class Upstream:
    """Asks the service; only so many calls wait for it at once, and none of them in a thread."""

    def __init__(
        self,
        url: str,
        clock: Clock = SYSTEM_CLOCK,
        seconds: float = SECONDS,
        list_seconds: float = LIST_SECONDS,
        at_once: int = MAX_AT_ONCE,
    ) -> None:
        self._url = url
        self._clock = clock
        self._seconds = seconds
        self._list_seconds = list_seconds
        self._free = threading.BoundedSemaphore(at_once)
        self._paused_until = 0.0
        # Making one takes longer than a call.
        self._tls = ssl.create_default_context()

    async def pass_on(self, request: Request, content: bytes = b"") -> Answer:
        """Returns its answer to a request. Raises NoAnswer if there is none in time."""
        return await self._ask(request, content, self._seconds)

    async def other_jobs(self, request: Request) -> list[Mapping[str, Any]]:
        """Returns the jobs that it lists; none if it does not answer, or lately has not."""
        if self._clock.monotonic() < self._paused_until:
            return []
        try:
            answer = await self._ask(request, b"", self._list_seconds)
            jobs = httpx.Response(answer.status, content=answer.content).json()["result"]["jobs"]
            return [job for job in jobs if isinstance(job, dict)]
        except NoAnswer:
            self._paused_until = self._clock.monotonic() + PAUSE_SECONDS
        except (ValueError, KeyError, TypeError):
            LOG.warning("warning: %s has answered a list without jobs.", self._url)
        return []

    async def _ask(self, request: Request, content: bytes, seconds: float) -> Answer:
        if not self._free.acquire(blocking=False):
            raise NoAnswer(NO_ANSWER)
        try:
            async with asyncio.timeout(seconds):
                return await self._answer(request, content, seconds)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
            LOG.warning("warning: %s does not answer: %s", self._url, type(error).__name__)
            raise NoAnswer(NO_ANSWER) from error
        finally:
            self._free.release()

    async def _answer(self, request: Request, content: bytes, seconds: float) -> Answer:
        path, query = request.scope["raw_path"].decode("ascii"), request.url.query
        address = f"{self._url}{path}?{query}" if query else f"{self._url}{path}"
        headers = [
            (name, value)
            for name, value in request.headers.items()
            if name.lower() not in NOT_PASSED_ON
        ]
        async with (
            httpx.AsyncClient(verify=self._tls, timeout=seconds, trust_env=False) as client,
            client.stream(request.method, address, headers=headers, content=content) as answer,
        ):
            received = bytearray()
            async for piece in answer.aiter_bytes():
                received += piece
                if len(received) > MAX_BYTES:
                    raise httpx.DecodingError("too large")
            kind = answer.headers.get("content-type", "application/json")
            return Answer(answer.status_code, kind, bytes(received))
