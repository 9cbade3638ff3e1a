"""The bodies of the portal's API, case by case, against golden files made from its tables."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from handmade_marts import (
    CREATOR,
    MATHS,
    MATHS_2,
    MENTOR,
    RETIRED,
    WITHOUT_ORGANISATION,
    create_marts,
    insert,
)
from portal_support import GOLDEN, ISSUER, Realm, golden
from requests_support import execute, process_requests
from starlette.testclient import TestClient
from support import ManualClock
from web_support import make_site

from exhaust import api
from exhaust.project.settings import Settings
from exhaust.requests.ledger import Ledger
from exhaust.warehouse import connect
from exhaust.web.app import create_app
from exhaust.web.identity.proxy import Proxy
from exhaust.web.identity.token import Tokens
from exhaust.web.limits import Limit, Rate
from exhaust.web.portal import MOUNTS, Portal

pytestmark = pytest.mark.not_on_spark

URL = "https://reports.example.org"
COLLEAGUE = "d"
"""Of the creator's organisation; may have the first batch."""
LINK_SECONDS = 30 * 60


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Realm:
    return Realm(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def project(settings: Settings, tmp_path: Path) -> Settings:
    with connect(settings.profile, writing=True) as warehouse:
        create_marts(warehouse, settings)
        insert(warehouse, settings, "requesters", f"('{COLLEAGUE}', 't')")
        right = f"('{COLLEAGUE}', '{MATHS}', '001', true, 2, 1)"
        insert(warehouse, settings, "requester_batches", right)
    return replace(settings, results_dir=tmp_path / "results", shared_results_dir=None)


class Caller:
    """Calls the API as the portal's server does, for whichever user."""

    def __init__(self, client: TestClient, realm: Realm, mount: str) -> None:
        self.client = client
        self._realm = realm
        self._mount = mount

    def headers(self, user: str, channel: str = "t") -> dict[str, str]:
        return {"x-authenticated-user-token": self._realm.token(user), "X-Channel-Id": channel}

    def post(self, user: str = CREATOR, channel: str = "t", **request: Any) -> Any:
        """Submits a request; a value that is None is left out."""
        whole = {
            "tag": f"{MATHS}_001",
            "requestedBy": user,
            "dataset": "progress-exhaust",
            "datasetConfig": {"batchId": "001"},
            "output_format": "csv",
            **request,
        }
        body = {"request": {name: value for name, value in whole.items() if value is not None}}
        path = f"{self._mount}submit"
        return self.client.post(path, json=body, headers=self.headers(user, channel))

    def submit(self, user: str = CREATOR, channel: str = "t", **request: Any) -> Any:
        return whole(self.post(user, channel, **request))

    def list(self, user: str = CREATOR, tag: str = f"{MATHS}_001", query: str = "") -> Any:
        path = f"{self._mount}list/{tag}{query}"
        return whole(self.client.get(path, headers=self.headers(user)))

    def read(self, request_id: str, user: str = CREATOR, tag: str = f"{MATHS}_001") -> Any:
        path = f"{self._mount}read/{tag}?requestId={request_id}"
        return whole(self.client.get(path, headers=self.headers(user)))


def whole(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


@pytest.fixture(params=MOUNTS)
def mount(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def caller(project: Settings, realm: Realm) -> Iterator[Caller]:
    with calling(project, realm) as opened:
        yield opened


class calling:
    """Gives a caller on a project."""

    def __init__(self, project: Settings, realm: Realm, mount: str = MOUNTS[0], **parts: Any):
        self._opening = api.keep_open(project)
        self._realm, self._mount, self._parts = realm, mount, parts

    def __enter__(self) -> Caller:
        kept = self._opening.__enter__()
        tokens = Tokens(ISSUER, keys_dir=self._realm.keys_dir)
        portal = self._parts.pop("portal", Portal(tokens))
        opened = make_site(kept, Proxy("X-User", "s" * 32, []), URL, portal=portal, **self._parts)
        client = TestClient(create_app(opened), base_url=URL, follow_redirects=False)
        return Caller(client, self._realm, self._mount)

    def __exit__(self, *error: Any) -> None:
        self._opening.__exit__(*error)


def check(body: Mapping[str, Any], name: str, **places: object) -> None:
    """Compares a body with a golden one. What changes with each call is checked for its form."""
    UUID(body["params"]["resmsgid"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", body["ts"])
    result = body["result"] or {}
    job = result["jobs"][0] if result.get("jobs") else result
    values: dict[str, Any] = {"ts": body["ts"], "resmsgid": body["params"]["resmsgid"], **places}
    if "requestId" in job:
        now = 1000 * time.time()
        assert re.fullmatch("[0-9A-F]{32}(-[0-9]+)?", job["requestId"])
        assert 0 < job["expiresAt"] - (now - 60_000) - 1000 * LINK_SECONDS < 70_000
        assert now - 60_000 < job["jobStats"]["dtJobSubmitted"] <= now
        values |= {"id": job["requestId"], "expires": job["expiresAt"]}
        values["submitted"] = job["jobStats"]["dtJobSubmitted"]
    wanted = (GOLDEN / f"{name}.json").read_text("utf-8")
    if '"<completed>"' in wanted:
        values["completed"] = job["jobStats"]["dtJobCompleted"]
        assert values["submitted"] <= values["completed"] <= now
    if '"<took>"' in wanted:
        values["took"] = job["jobStats"]["executionTime"]
        assert 0 <= values["took"] < 60_000
    if '"<url>"' in wanted:
        (values["url"],) = job["downloadUrls"]
        assert values["url"].startswith(f"{URL}/links/")
    assert body == golden(name, **values)


def test_a_request_is_submitted_processed_and_done(
    project: Settings, realm: Realm, mount: str
) -> None:
    with calling(project, realm, mount) as caller:
        body = caller.submit()
        check(body, "submitted")
        request_id = body["result"]["requestId"]
        with Ledger.open(project.profile) as ledger:
            claim = ledger.claim("worker")
            check(caller.read(request_id), "processing")
            assert claim
            ledger.put_back(claim, "the test goes on")
        process_requests(project)
        check(caller.read(request_id), "done")
        check(caller.list(), "listed")
        check(caller.list(tag=f"{MATHS}_001:t"), "listed")


def test_the_file_is_for_spreadsheet_programs(project: Settings, caller: Caller) -> None:
    plain = caller.submit()["result"]["requestId"]
    check(body := caller.submit(dataset="progress-exhaust-xlsx"), "submitted_xlsx")
    process_requests(project)
    csv, excel = (fetch(caller, one) for one in (plain, body["result"]["requestId"]))
    assert csv.content.startswith(b"\xef\xbb\xbf")
    assert 'filename="001_progress_20261123.csv"' in csv.headers["content-disposition"]
    assert excel.content.startswith(b"PK")
    assert 'filename="001_progress_20261123.xlsx"' in excel.headers["content-disposition"]


def fetch(caller: Caller, request_id: str, tag: str = f"{MATHS}_001") -> Any:
    """Opens the link of a job, without any header."""
    (url,) = caller.read(request_id, tag=tag)["result"]["downloadUrls"]
    answer = caller.client.get(url)
    assert answer.status_code == 200
    return answer


def test_who_has_no_organisation_has_no_channel(caller: Caller) -> None:
    config = {"batchId": "002"}
    body = caller.submit(WITHOUT_ORGANISATION, tag=f"{MATHS}_002", datasetConfig=config)
    check(body, "submitted_without_organisation")


def test_several_batches_come_as_one_archive(project: Settings, caller: Caller) -> None:
    config, tag = {"batchId": ["002", "001"]}, f"{MATHS}_001,002"
    request_id = caller.submit(tag=tag, datasetConfig=config)["result"]["requestId"]
    process_requests(project)
    check(caller.read(request_id, tag=tag), "done_batches")
    assert fetch(caller, request_id, tag).headers["content-type"] == "application/zip"


@pytest.mark.parametrize("dataset", ["progress-exhaust", "progress-exhaust-xlsx"])
def test_a_password_always_makes_an_excel_file(
    project: Settings, caller: Caller, dataset: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    process_requests(project)  # A worker publishes its key.
    body = caller.submit(dataset=dataset, encryptionKey="secret1")
    assert body["result"]["dataset"] == dataset
    process_requests(project)
    read = caller.read(body["result"]["requestId"])
    if dataset == "progress-exhaust":
        check(read, "password")
    assert read["result"]["dataset"] == dataset
    answer = fetch(caller, body["result"]["requestId"])
    assert answer.content.startswith(bytes.fromhex("d0cf11e0a1b11ae1"))
    assert 'xlsx"' in answer.headers["content-disposition"]
    everything = json.dumps([body, read, caller.list()]) + caplog.text
    assert "secret1" not in everything
    assert "encryptionKey" not in everything


def test_the_password_is_stored_nowhere(project: Settings, caller: Caller, tmp_path: Path) -> None:
    process_requests(project)
    caller.submit(encryptionKey="secret1")
    (request,) = api.requests(project)
    assert "secret1" not in repr(request)
    with Ledger.open(project.profile) as ledger:
        claim = ledger.claim("worker")
    assert claim
    assert claim.sealed_password
    assert "secret1" not in claim.sealed_password
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b"secret1" not in file.read_bytes()


@pytest.mark.parametrize("password", ["", None, 7, ["secret1"]])
def test_a_password_that_is_none_is_not_left_out(
    project: Settings, realm: Realm, caller: Caller, password: object
) -> None:
    request = {
        "tag": f"{MATHS}_001",
        "dataset": "progress-exhaust",
        "datasetConfig": {"batchId": "001"},
        "encryptionKey": password,
    }
    answer = caller.client.post(
        f"{MOUNTS[0]}submit", json={"request": request}, headers=caller.headers(CREATOR)
    )
    assert whole(answer)["result"]["statusMessage"] == "The password is empty."
    assert api.requests(project) == []


def test_what_failed_says_why(project: Settings, realm: Realm) -> None:
    with calling(project, realm) as caller:
        request_id = caller.submit()["result"]["requestId"]
    execute(project, f"delete from {{schema}}.requester_batches where user_id = '{CREATOR}'")
    process_requests(project)
    with calling(project, realm) as caller:
        body = caller.read(request_id)
    reason = body["result"]["statusMessage"]
    assert reason == api.request(project, request_id).error
    assert reason
    check(body, "failed", reason=reason)


def test_a_cancelled_request_has_failed(project: Settings, caller: Caller) -> None:
    request_id = caller.submit()["result"]["requestId"]
    api.cancel(project, request_id)
    check(caller.read(request_id), "cancelled")


def test_refusals_say_why_and_are_not_stored(
    project: Settings, realm: Realm, caller: Caller
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
    assert api.requests(project) == []
    check(caller.list(), "listed_none")


def test_too_many_requests_are_refused(project: Settings, realm: Realm) -> None:
    limit = Limit(Rate(burst=1, per_second=0), ManualClock())
    with calling(project, realm, submits=limit) as caller:
        check(caller.submit(), "submitted")
        check(caller.submit(dataset="progress-exhaust", encryptionKey=None), "refused_too_many")
        assert caller.submit(COLLEAGUE)["result"]["statusMessage"] != "Too many requests"
    assert len(api.requests(project)) == 1


def test_too_many_reads_are_refused(project: Settings, realm: Realm) -> None:
    tokens = Tokens(ISSUER, keys_dir=realm.keys_dir)
    reads = Limit(Rate(burst=1, per_second=0), ManualClock())
    with calling(project, realm, portal=Portal(tokens, reads=reads)) as caller:
        check(caller.list(), "listed_none")
        path = f"{MOUNTS[0]}list/{MATHS}_001"
        assert caller.client.get(path, headers=caller.headers(CREATOR)).status_code == 429
        assert caller.client.get(path, headers=caller.headers(MENTOR)).status_code == 200


@pytest.mark.parametrize("role", ["the course's creator", "a mentor of the batch"])
def test_a_colleague_learns_since_when_and_by_whose_role(
    project: Settings, realm: Realm, role: str
) -> None:
    first, second = CREATOR, COLLEAGUE
    if role.startswith("a mentor"):
        execute(project, "update {schema}.course_batches set mentors = array['d']")
        first, second = COLLEAGUE, CREATOR
    with calling(project, realm) as caller:
        at = caller.submit(first)["result"]["jobStats"]["dtJobSubmitted"]
        body = caller.submit(second)
    reason = body["result"]["statusMessage"]
    since = time.strftime("%Y-%m-%d %H:%M", time.gmtime(at / 1000))
    assert f"was requested at {since} UTC by {role} and is SUBMITTED" in reason
    assert f"`{first}`" not in reason
    if second == COLLEAGUE:
        check(body, "under_way_by_a_colleague", reason=reason)
    assert [one.requester for one in api.requests(project)] == [first]


def test_nobody_sees_the_jobs_of_others(project: Settings, caller: Caller) -> None:
    request_id = caller.submit()["result"]["requestId"]
    process_requests(project)
    for user in (COLLEAGUE, MENTOR, "stranger", "*", f"{CREATOR}%"):
        check(caller.read(request_id, user), "unknown_id")
        check(caller.list(user), "listed_none")


def test_an_id_is_known_only_with_its_tag(caller: Caller) -> None:
    request_id = caller.submit()["result"]["requestId"]
    check(caller.read(request_id, tag=f"{MATHS}_002"), "unknown_id")
    for unknown in ("", "0" * 32, "' or 1=1 --", "%00"):
        check(caller.read(unknown), "unknown_id")
    assert caller.read(request_id, tag=f"{MATHS}_001:t")["result"]["requestId"] == request_id


def test_a_list_is_of_its_tag_newest_first_and_limited(project: Settings, caller: Caller) -> None:
    ids: list[str] = []
    for _ in range(3):
        ids.insert(0, caller.submit()["result"]["requestId"])
        process_requests(project)
    other = {"batchId": "002"}
    caller.submit(tag=f"{MATHS}_002", datasetConfig=other)
    api.submit(project, MATHS, batches=["001", "002"], user_id=CREATOR)

    def listed(query: str) -> list[str]:
        result = caller.list(query=query)["result"]
        assert result["count"] == len(result["jobs"])
        return [one["requestId"] for one in result["jobs"]]

    assert listed("") == ids
    assert listed("?limit=2") == ids[:2]
    for query in ("?limit=0", "?limit=-1", "?limit=x", "?limit=99999999999999999999", "?limit=²"):
        assert listed(query) == ids
    check(caller.list(tag="do_1_00_"), "listed_none")


def test_requests_of_the_page_are_listed_too(project: Settings, caller: Caller) -> None:
    api.submit(project, MATHS, batches=["001"], user_id=CREATOR)
    (job,) = caller.list()["result"]["jobs"]
    assert (job["dataset"], job["status"]) == ("progress-exhaust", "SUBMITTED")


def test_there_is_no_link_to_a_file_that_is_gone(project: Settings, caller: Caller) -> None:
    request_id = caller.submit()["result"]["requestId"]
    process_requests(project)
    for file in project.results_dir.rglob("*.csv"):
        file.unlink()
    assert caller.read(request_id)["result"]["downloadUrls"] == []


@pytest.mark.parametrize("name", ["tag", "dataset", "datasetConfig"])
@pytest.mark.parametrize("value", ["", None, {}, 7, " "])
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
        {"datasetConfig": {"batchId": []}},
        {"datasetConfig": {"batchFilter": ["001"]}},
        {"tag": "001"},
        {"tag": "_001"},
        {"tag": f"{MATHS}_001x"},
    ],
    ids=str,
)
def test_a_tag_that_would_not_find_the_job_again_is_refused(
    project: Settings, caller: Caller, request_: dict[str, Any]
) -> None:
    result = caller.submit(**request_)["result"]
    assert result["status"] == "FAILED"
    assert "batchId" in result["statusMessage"]
    assert api.requests(project) == []


def test_a_token_is_needed_and_a_channel(caller: Caller) -> None:
    path = f"{MOUNTS[0]}submit"
    rights = caller.headers(CREATOR)
    expired = caller.headers(CREATOR)
    expired["x-authenticated-user-token"] = caller._realm.token(CREATOR, exp=1)
    twice = [*rights.items(), ("x-authenticated-user-token", caller._realm.token(MENTOR))]
    for headers in ({}, {"X-Channel-Id": "t"}, expired, twice):
        answer = caller.client.post(path, json={}, headers=headers)
        assert answer.status_code == 403
        check(answer.json(), "not_authorized")
    for channel in ("", "  "):
        answer = caller.client.post(path, json={}, headers={**rights, "X-Channel-Id": channel})
        assert answer.status_code == 403
        check(answer.json(), "no_channel")


def test_only_the_token_says_who_is_asking(project: Settings, caller: Caller) -> None:
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
    assert [one.requester for one in api.requests(project)] == [COLLEAGUE]


def test_a_session_does_not_say_who_is_asking(project: Settings, realm: Realm) -> None:
    from exhaust.web.identity import Person

    with calling(project, realm) as caller:
        opened = caller.client.app.state.site  # type: ignore[attr-defined]
        session = opened.sessions.start(Person(CREATOR, True, CREATOR))
        caller.client.cookies.set(opened.cookie_name, session.id)
        path = f"{MOUNTS[0]}list/{MATHS}_001"
        assert caller.client.get(path, headers={"X-Channel-Id": "t"}).status_code == 403


def test_the_data_that_cannot_be_reached_is_an_error(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exhaust.errors import NoConnection

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


def test_health_says_what_works(
    project: Settings, realm: Realm, tmp_path: Path, mount: str
) -> None:
    with calling(project, realm) as caller:
        result = whole(caller.client.get(f"{mount}health"))["result"]
    assert result == {
        "healthy": True,
        "checks": [{"name": "ledger", "healthy": True}, {"name": "keys", "healthy": True}],
    }
    (empty := tmp_path / "none").mkdir()
    with calling(project, realm, portal=Portal(Tokens(ISSUER, keys_dir=empty))) as caller:
        assert caller.client.get(f"{mount}health").status_code == 503


def test_where_it_is_off_there_is_nothing(project: Settings, realm: Realm, mount: str) -> None:
    with calling(project, realm, portal=None) as caller:
        answer = caller.client.get(f"{mount}list/do", headers=caller.headers(CREATOR))
        assert answer.status_code == 404
