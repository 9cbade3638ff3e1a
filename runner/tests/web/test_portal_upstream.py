"""The datasets that another service has: passed on unchanged, and never in the way of ours."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import pytest
from handmade_marts import CREATOR, MATHS
from portal_support import (
    ISSUER,
    Caller,
    Realm,
    answering,
    calling,
    check,
    create_portal_marts,
    running,
    send_json,
)
from support import ManualClock
from web_support import make_site

from exhaust import api
from exhaust.project.settings import Settings
from exhaust.web.identity.proxy import Proxy
from exhaust.web.identity.token import Tokens
from exhaust.web.portal import MOUNTS, Portal
from exhaust.web.portal.upstream import PAUSE_SECONDS, Upstream

OTHER = "response-exhaust"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def project(settings_duckdb: Settings) -> Settings:
    create_portal_marts(settings_duckdb)
    return settings_duckdb


class Service:
    """The old service; notes what it is asked, and answers what a test sets."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.status = 200
        self.content: object = {"result": {"count": 0, "jobs": []}}
        self.ended = threading.Event()
        """A service that is slow answers when it is set."""
        self.is_slow = False

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.asked.append((handler.command, handler.path, headers, body))
        if self.is_slow:
            self.ended.wait(30)
        send_json(handler, self.content, self.status)


@pytest.fixture
def service() -> Iterator[Service]:
    opened = Service()
    yield opened
    opened.ended.set()


@contextmanager
def passing(
    project: Settings, realm: Realm, url: str, mount: str = MOUNTS[0], **options: Any
) -> Iterator[Caller]:
    upstream = Upstream(url.rstrip("/"), **options)
    portal = Portal(Tokens(ISSUER, keys_dir=realm.keys_dir), upstream)
    with calling(project, realm, mount, portal=portal) as caller:
        yield caller


@pytest.mark.parametrize("mount", MOUNTS)
def test_other_datasets_are_passed_on_unchanged(
    project: Settings, realm: Realm, service: Service, mount: str
) -> None:
    service.status, service.content = 202, {"result": {"requestId": "X", "எண்": 1}}
    body = {
        "request": {
            "tag": f"{MATHS}_001",
            "dataset": OTHER,
            "datasetConfig": {"batchId": "001"},
            "encryptionKey": "secret1",
        }
    }
    with answering(service.answer) as url, passing(project, realm, url, mount) as caller:
        headers = {**caller.headers(CREATOR), "Authorization": "Bearer kong", "Cookie": "own=1"}
        answer = caller.client.post(f"{mount}submit?a=b", json=body, headers=headers)
        assert (answer.status_code, answer.json()) == (202, service.content)
        caller.client.get(f"{mount}read/{MATHS}_001%3Ax?requestId=R%201", headers=headers)
    (submitted, read) = service.asked
    assert submitted[:2] == ("POST", f"{mount}submit?a=b")
    assert json.loads(submitted[3]) == body
    assert submitted[2]["authorization"] == "Bearer kong"
    assert submitted[2]["x-channel-id"] == "t"
    assert submitted[2]["x-authenticated-user-token"] == headers["x-authenticated-user-token"]
    assert submitted[2]["content-type"] == "application/json"
    assert "cookie" not in submitted[2]
    assert read[:2] == ("GET", f"{mount}read/{MATHS}_001%3Ax?requestId=R%201")
    assert api.requests(project) == []


def test_own_datasets_never_get_there(project: Settings, realm: Realm, service: Service) -> None:
    with answering(service.answer) as url, passing(project, realm, url) as caller:
        request_id = caller.submit()["result"]["requestId"]
        caller.read(request_id)
    assert service.asked == []


def test_who_has_no_token_gets_nothing_from_there(
    project: Settings, realm: Realm, service: Service
) -> None:
    with answering(service.answer) as url, passing(project, realm, url) as caller:
        answer = caller.client.get(f"{MOUNTS[0]}list/{MATHS}_001", headers={"X-Channel-Id": "t"})
        assert answer.status_code == 403
        dots = caller.client.get(f"{MOUNTS[0]}read/%2e%2e", headers=caller.headers(CREATOR))
        assert dots.status_code == 400
    assert service.asked == []


def test_a_list_has_the_jobs_of_both(project: Settings, realm: Realm, service: Service) -> None:
    def job(name: str, dataset: str, at: object) -> dict[str, Any]:
        return {"requestId": name, "dataset": dataset, "jobStats": {"dtJobSubmitted": at}}

    future = 1000 * time.time() + 60_000
    jobs = [
        job("NEW", OTHER, future),
        job("OLD", OTHER, 1),
        job("THEIRS", "progress-exhaust", future),
        {"requestId": "ODD", "dataset": OTHER},
    ]
    service.content = {"result": {"count": 5, "jobs": [*jobs, "no job"]}}
    with answering(service.answer) as url, passing(project, realm, url) as caller:
        own = caller.submit()["result"]["requestId"]
        result = caller.list()["result"]
        assert [one["requestId"] for one in result["jobs"]] == ["NEW", own, "OLD", "ODD"]
        assert result["count"] == 4
        short = caller.list(query="?limit=2")["result"]["jobs"]
        assert [one["requestId"] for one in short] == ["NEW", own]


@pytest.mark.parametrize("content", [[], {}, {"result": None}, {"result": {"jobs": None}}])
def test_a_list_does_without_what_is_none(
    project: Settings, realm: Realm, service: Service, content: object
) -> None:
    service.content = content
    with answering(service.answer) as url, passing(project, realm, url) as caller:
        check(caller.list(), "listed_none")


def test_a_service_that_is_down_says_so_in_the_portals_form(
    project: Settings, realm: Realm
) -> None:
    with passing(project, realm, NOWHERE) as caller:
        check(caller.submit(dataset=OTHER), "refused_upstream")
        check(caller.list(), "listed_none")
        path = f"{MOUNTS[0]}read/{MATHS}_001?requestId=X"
        answer = caller.client.get(path, headers=caller.headers(CREATOR))
        assert answer.status_code == 500
        assert "does not answer" in answer.json()["params"]["errmsg"]


def test_a_service_that_is_slow_is_not_waited_for(
    project: Settings, realm: Realm, service: Service
) -> None:
    service.is_slow = True
    clock = ManualClock()
    options: dict[str, Any] = {"seconds": 0.2, "list_seconds": 0.1, "clock": clock}
    with answering(service.answer) as url, passing(project, realm, url, **options) as caller:
        check(caller.submit(dataset=OTHER), "refused_upstream")
        check(caller.list(), "listed_none")
        check(caller.list(), "listed_none")
        # The second list has not asked again.
        assert len(service.asked) == 2
        clock.sleep(PAUSE_SECONDS + 1)
        check(caller.list(), "listed_none")
        assert len(service.asked) == 3


def test_a_service_that_trickles_is_not_waited_for(project: Settings, realm: Realm) -> None:
    """Each byte is in time, but the answer is not."""
    ended = threading.Event()

    def trickle(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n")
        while not ended.wait(0.05):
            try:
                handler.wfile.write(b"X: x\r\n")
            except OSError:
                return

    with answering(trickle) as url, passing(project, realm, url, seconds=0.5) as caller:
        began = time.monotonic()
        check(caller.submit(dataset=OTHER), "refused_upstream")
        assert time.monotonic() - began < 5
    ended.set()


def test_only_so_many_wait_for_it(project: Settings, realm: Realm, service: Service) -> None:
    """Those that wait do not keep ours from answering, and more than those do not wait."""
    service.is_slow = True
    with answering(service.answer) as url, api.keep_open(project) as kept:
        portal = Portal(
            Tokens(ISSUER, keys_dir=realm.keys_dir), Upstream(url.rstrip("/"), at_once=2)
        )
        proxy = Proxy("X-User", "s" * 32, [])
        with (
            running(lambda own: make_site(kept, proxy, own, portal=portal)) as own,
            ThreadPoolExecutor(60) as pool,
        ):
            token = realm.token(CREATOR)
            headers = {"x-authenticated-user-token": token, "X-Channel-Id": "t"}

            def submit(dataset: str) -> str:
                request = {"tag": f"{MATHS}_001", "dataset": dataset}
                body = {"request": {**request, "datasetConfig": {"batchId": "001"}}}
                path = f"{own}{MOUNTS[0]}submit"
                answer = httpx.post(path, json=body, headers=headers, timeout=30, trust_env=False)
                return str((answer.json()["result"] or {}).get("status"))

            waiting = [pool.submit(submit, OTHER) for _ in range(50)]
            assert submit("progress-exhaust") == "SUBMITTED"
            assert len(service.asked) <= 2
            service.ended.set()
            statuses = [one.result() for one in waiting]
    assert statuses.count("FAILED") >= 48
    assert len(service.asked) <= 2
