"""What the portal's API refuses, and in which words."""

import time
from pathlib import Path
from typing import Any

import pytest
from handmade_marts import CREATOR, MATHS, MATHS_2, MENTOR, RETIRED
from portal_support import COLLEAGUE, ISSUER, Caller, Realm, calling, check, whole
from requests_support import execute
from support import ManualClock

from exhaust import api
from exhaust.errors import NoConnection
from exhaust.project.settings import Settings
from exhaust.web.identity import Person
from exhaust.web.identity.token import Tokens
from exhaust.web.limits import Limit, Rate
from exhaust.web.portal import MOUNTS, Portal

pytestmark = pytest.mark.not_on_spark


def test_refusals_say_why_and_are_not_stored(
    portal_project: Settings, realm: Realm, caller: Caller
) -> None:
    config = {"batchId": "003"}
    body = caller.submit(tag=f"{RETIRED}_003", datasetConfig=config)
    check(body, "refused_retired")
    body = caller.submit(MENTOR, "k", tag=f"{MATHS_2}_001")
    unknown = caller.submit(MENTOR, "k", tag="do_9_001")
    reason = body["result"]["statusMessage"]
    check(body, "refused_no_right", reason=reason)
    # Whether the course is there is not said.
    assert unknown["result"]["statusMessage"] == reason.replace(MATHS_2, "do_9")
    check(caller.submit(encryptionKey="abc12"), "refused_short_password")
    check(caller.submit(dataset="response-exhaust"), "refused_dataset")
    assert api.requests(portal_project) == []
    check(caller.list(), "listed_none")


def test_too_many_requests_are_refused(portal_project: Settings, realm: Realm) -> None:
    limit = Limit(Rate(burst=1, per_second=0), ManualClock())
    with calling(portal_project, realm, submits=limit) as caller:
        check(caller.submit(), "submitted")
        check(caller.submit(dataset="progress-exhaust", encryptionKey=None), "refused_too_many")
        assert caller.submit(COLLEAGUE)["result"]["statusMessage"] != "Too many requests"
    assert len(api.requests(portal_project)) == 1


def test_too_many_reads_are_refused(portal_project: Settings, realm: Realm) -> None:
    tokens = Tokens(ISSUER, keys_dir=realm.keys_dir)
    reads = Limit(Rate(burst=1, per_second=0), ManualClock())
    with calling(portal_project, realm, portal=Portal(tokens, reads=reads)) as caller:
        check(caller.list(), "listed_none")
        path = f"{MOUNTS[0]}list/{MATHS}_001"
        assert caller.client.get(path, headers=caller.headers(CREATOR)).status_code == 429
        assert caller.client.get(path, headers=caller.headers(MENTOR)).status_code == 200


@pytest.mark.parametrize("role", ["the course's creator", "a mentor of the batch"])
def test_a_colleague_learns_since_when_and_by_whose_role(
    portal_project: Settings, realm: Realm, role: str
) -> None:
    first, second = CREATOR, COLLEAGUE
    if role.startswith("a mentor"):
        execute(portal_project, "update {schema}.course_batches set mentors = array['d']")
        first, second = COLLEAGUE, CREATOR
    with calling(portal_project, realm) as caller:
        at = caller.submit(first)["result"]["jobStats"]["dtJobSubmitted"]
        body = caller.submit(second)
    reason = body["result"]["statusMessage"]
    since = time.strftime("%Y-%m-%d %H:%M", time.gmtime(at / 1000))
    assert f"was requested at {since} UTC by {role} and is SUBMITTED" in reason
    assert f"`{first}`" not in reason
    if second == COLLEAGUE:
        check(body, "under_way_by_a_colleague", reason=reason)
    assert [one.requester for one in api.requests(portal_project)] == [first]


@pytest.mark.parametrize("name", ["tag", "dataset", "datasetConfig"])
@pytest.mark.parametrize("value", ["", None, {}, 7, " ", "\ud800", "\0"])
def test_what_is_empty_is_refused(caller: Caller, name: str, value: object) -> None:
    request: dict[str, Any] = {name: value}
    answer = caller.post(**request)
    assert answer.status_code == 400
    check(answer.json(), f"empty_{name}")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b"{}", b'"x"'])
def test_other_bodies_are_refused(caller: Caller, content: bytes) -> None:
    answer = caller.client.post(
        f"{MOUNTS[0]}submit", content=content, headers=caller.headers(CREATOR)
    )
    assert answer.status_code in (400, 413)
    assert answer.json()["responseCode"] == "CLIENT_ERROR"


@pytest.mark.parametrize(
    "request_",
    [
        {"datasetConfig": {"batchId": "002"}},
        {"datasetConfig": {"batchId": ""}},
        {"datasetConfig": {"batchId": 7}},
        {"datasetConfig": {"batchId": "\0"}},
        {"datasetConfig": {"batchId": ["001", "\udfff"]}},
        {"datasetConfig": {"batchId": []}},
        {"datasetConfig": {"batchFilter": ["001"]}},
        {"tag": "001"},
        {"tag": "_001"},
        {"tag": f"{MATHS}_001x"},
    ],
    ids=str,
)
def test_a_tag_that_would_not_find_the_job_again_is_refused(
    portal_project: Settings, caller: Caller, request_: dict[str, Any]
) -> None:
    result = caller.submit(**request_)["result"]
    assert result["status"] == "FAILED"
    assert "batchId" in result["statusMessage"]
    assert api.requests(portal_project) == []


def test_a_token_is_needed_and_a_channel(caller: Caller) -> None:
    path = f"{MOUNTS[0]}submit"
    rights = caller.headers(CREATOR)
    expired = caller.headers(CREATOR)
    expired["x-authenticated-user-token"] = caller.realm.token(CREATOR, exp=1)
    twice = [*rights.items(), ("x-authenticated-user-token", caller.realm.token(MENTOR))]
    for headers in ({}, {"X-Channel-Id": "t"}, expired, twice):
        answer = caller.client.post(path, json={}, headers=headers)
        assert answer.status_code == 403
        check(answer.json(), "not_authorized")
    for channel in ("", "  "):
        answer = caller.client.post(path, json={}, headers={**rights, "X-Channel-Id": channel})
        assert answer.status_code == 403
        check(answer.json(), "no_channel")


def test_only_the_token_says_who_is_asking(portal_project: Settings, caller: Caller) -> None:
    headers = {**caller.headers(COLLEAGUE), "X-Authenticated-Userid": CREATOR, "X-User": CREATOR}
    request = {
        "tag": f"{MATHS}_001",
        "requestedBy": CREATOR,
        "dataset": "progress-exhaust",
        "datasetConfig": {"batchId": "001"},
    }
    path = f"{MOUNTS[0]}submit"
    body = whole(caller.client.post(path, json={"request": request}, headers=headers))
    assert body["result"]["requestedBy"] == COLLEAGUE
    assert [one.requester for one in api.requests(portal_project)] == [COLLEAGUE]


def test_a_session_does_not_say_who_is_asking(portal_project: Settings, realm: Realm) -> None:
    with calling(portal_project, realm) as caller:
        opened = caller.client.app.state.site  # type: ignore[attr-defined]
        session = opened.sessions.start(Person(CREATOR, True, CREATOR))
        caller.client.cookies.set(opened.cookie_name, session.id)
        path = f"{MOUNTS[0]}list/{MATHS}_001"
        assert caller.client.get(path, headers={"X-Channel-Id": "t"}).status_code == 403


def test_the_data_that_cannot_be_reached_is_an_error(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise NoConnection("postgres.internal:5432 does not answer.")

    monkeypatch.setattr(api, "requests", fail)
    monkeypatch.setattr(api, "submit", fail)
    path = f"{MOUNTS[0]}list/{MATHS}_001"
    answer = caller.client.get(path, headers=caller.headers(CREATOR))
    assert answer.status_code == 500
    check(answer.json(), "unreachable")
    assert "postgres" not in caller.submit()["result"]["statusMessage"]


def test_what_nobody_expected_is_an_error_without_details(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "requests", None)
    path = f"{MOUNTS[0]}list/{MATHS}_001"
    answer = caller.client.get(path, headers=caller.headers(CREATOR))
    assert answer.status_code == 500
    assert answer.json()["params"]["errmsg"] == "Something went wrong here."


@pytest.mark.parametrize("mount", MOUNTS)
def test_health_says_what_works(
    portal_project: Settings, realm: Realm, tmp_path: Path, mount: str
) -> None:
    with calling(portal_project, realm) as caller:
        result = whole(caller.client.get(f"{mount}health"))["result"]
    assert result == {
        "healthy": True,
        "checks": [{"name": "ledger", "healthy": True}, {"name": "keys", "healthy": True}],
    }
    (empty := tmp_path / "none").mkdir()
    with calling(portal_project, realm, portal=Portal(Tokens(ISSUER, keys_dir=empty))) as caller:
        assert caller.client.get(f"{mount}health").status_code == 503


@pytest.mark.parametrize("mount", MOUNTS)
def test_where_it_is_off_there_is_nothing(
    portal_project: Settings, realm: Realm, mount: str
) -> None:
    with calling(portal_project, realm, portal=None) as caller:
        answer = caller.client.get(f"{mount}list/do", headers=caller.headers(CREATOR))
        assert answer.status_code == 404
