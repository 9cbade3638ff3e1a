"""How uploads are received: never in memory, never without end, and others are served meanwhile."""

import asyncio
import tempfile
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import Message
from web_support import URL, browser_of, csrf_of, shut_site

from exhaust.web import receiving
from exhaust.web.identity.laptop import Laptop
from exhaust.web.routes.check import MAX_BYTES, UPLOAD

HEAD = (
    b'--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n%s\r\n'
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
)
CHUNK = b"a" * 65_536
Receive = Callable[[], Awaitable[Message]]


@pytest.fixture
def client() -> TestClient:
    identity = Laptop(None)
    client = browser_of(shut_site(identity))
    client.get(f"/sign-in?token={identity.new_token()}")
    return client


def receiving_from(chunks: AsyncIterator[bytes]) -> Receive:
    async def receive() -> Message:
        try:
            return {"type": "http.request", "body": await anext(chunks), "more_body": True}
        except StopAsyncIteration:
            return {"type": "http.disconnect"}

    return receive


async def answer(
    client: TestClient, receive: Receive, method: str = "POST", path: str = "/check"
) -> tuple[int, bytes]:
    """Returns the status and the body of an answer, as the server's own loop gets it."""
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    headers = {
        "host": URL.partition("://")[2],
        "cookie": cookies,
        "content-type": "multipart/form-data; boundary=x",
    }
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8765),
    }
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await client.app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], body


def head(client: TestClient) -> bytes:
    return HEAD % csrf_of(client.get("/nowhere").text).encode()


def test_an_upload_without_end_is_refused_and_was_never_in_memory(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    taken = 0

    async def endless(first: bytes) -> AsyncIterator[bytes]:
        nonlocal taken
        yield first
        while True:
            taken += len(CHUNK)
            yield CHUNK

    first = head(client)
    tracemalloc.start()
    status, body = asyncio.run(answer(client, receiving_from(endless(first))))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert status == 413
    assert b"This is too large" in body
    assert taken <= UPLOAD.max_bytes + 2 * len(CHUNK)
    assert peak < 10_000_000
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_file_is_not_taken_into_memory(client: TestClient) -> None:
    """A form of another kind, or a field that is no file, is kept in memory."""
    data = {"csrf": csrf_of(client.get("/nowhere").text), "password": "p" * 2_000_000}
    assert client.post("/check", data=data).status_code == 413
    fields = {name: (None, value) for name, value in data.items()}
    assert client.post("/check", files=fields).status_code == 403


def test_too_many_files_are_refused(client: TestClient) -> None:
    files = [("file", (f"{number}.csv", b"a")) for number in range(3)]
    data = {"csrf": csrf_of(client.get("/nowhere").text)}
    assert client.post("/check", data=data, files=files).status_code == 403


def test_an_upload_that_stops_is_given_up_and_others_are_served_meanwhile(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = head(client)

    async def slow(more: asyncio.Event) -> AsyncIterator[bytes]:
        yield first
        await more.wait()
        yield CHUNK

    async def nothing() -> AsyncIterator[bytes]:
        nothing_at_all: list[bytes] = []
        for chunk in nothing_at_all:
            yield chunk

    async def both() -> list[tuple[int, bytes]]:
        never = asyncio.Event()
        stopped = [
            asyncio.create_task(answer(client, receiving_from(slow(never)))) for _ in range(2)
        ]
        await asyncio.sleep(0)
        found = [
            await answer(client, receiving_from(nothing()), "GET", "/health"),
            # Two at once are enough for one person.
            await answer(client, receiving_from(slow(never))),
        ]
        assert not any(task.done() for task in stopped)
        monkeypatch.setattr(receiving, "IDLE_SECONDS", 0.0)
        for task in stopped:
            task.cancel()
        await asyncio.gather(*stopped, return_exceptions=True)
        found.append(await answer(client, receiving_from(slow(never))))
        return found

    # The tasks that stopped have been cancelled, and count no more.
    alive, third, idle = asyncio.run(both())
    assert alive == (200, b"alive\n")
    assert third[0] == 429
    assert idle[0] == 408
    assert b"This took too long to arrive" in idle[1]


def test_an_upload_that_is_broken_off_is_no_error(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    first = head(client)

    async def broken() -> AsyncIterator[bytes]:
        yield first
        yield CHUNK

    status, _ = asyncio.run(answer(client, receiving_from(broken())))
    assert status == 400
    assert "Traceback" not in caplog.text


def test_the_limit_is_that_of_the_page(client: TestClient) -> None:
    assert MAX_BYTES == 50_000_000
    assert "at most 50 MB" in client.get("/check").text
