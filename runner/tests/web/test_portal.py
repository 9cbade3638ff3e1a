"""The bodies of the portal's API, case by case, against golden files made from its tables."""

import json
from pathlib import Path
from typing import Any

import pytest
from handmade_marts import CREATOR, MATHS, MENTOR, WITHOUT_ORGANISATION
from portal_support import COLLEAGUE, Caller, Realm, calling, check, whole
from requests_support import execute, process_requests

from exhaust import api
from exhaust.project.settings import Settings
from exhaust.requests.ledger import Ledger
from exhaust.web.portal import MOUNTS

pytestmark = pytest.mark.not_on_spark


@pytest.mark.parametrize("mount", MOUNTS)
def test_a_request_is_submitted_processed_and_done(
    portal_project: Settings, realm: Realm, mount: str
) -> None:
    with calling(portal_project, realm, mount) as caller:
        body = caller.submit()
        check(body, "submitted")
        request_id = body["result"]["requestId"]
        with Ledger.open(portal_project.profile) as ledger:
            claim = ledger.claim("worker")
            check(caller.read(request_id), "processing")
            assert claim
            ledger.put_back(claim, "the test goes on")
        process_requests(portal_project)
        check(caller.read(request_id), "done")
        check(caller.list(), "listed")
        check(caller.list(tag=f"{MATHS}_001:t"), "listed")


def test_the_file_is_for_spreadsheet_programs(portal_project: Settings, caller: Caller) -> None:
    plain = caller.submit()["result"]["requestId"]
    check(body := caller.submit(dataset="progress-exhaust-xlsx"), "submitted_xlsx")
    process_requests(portal_project)
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


def test_several_batches_come_as_one_archive(portal_project: Settings, caller: Caller) -> None:
    config, tag = {"batchId": ["002", "001"]}, f"{MATHS}_001,002"
    request_id = caller.submit(tag=tag, datasetConfig=config)["result"]["requestId"]
    process_requests(portal_project)
    check(caller.read(request_id, tag=tag), "done_batches")
    assert fetch(caller, request_id, tag).headers["content-type"] == "application/zip"


@pytest.mark.parametrize("dataset", ["progress-exhaust", "progress-exhaust-xlsx"])
def test_a_password_always_makes_an_excel_file(
    portal_project: Settings, caller: Caller, dataset: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    process_requests(portal_project)  # A worker publishes its key.
    body = caller.submit(dataset=dataset, encryptionKey="secret1")
    assert body["result"]["dataset"] == dataset
    process_requests(portal_project)
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


def test_the_password_is_stored_nowhere(
    portal_project: Settings, caller: Caller, tmp_path: Path
) -> None:
    process_requests(portal_project)
    caller.submit(encryptionKey="secret1")
    (request,) = api.requests(portal_project)
    assert "secret1" not in repr(request)
    with Ledger.open(portal_project.profile) as ledger:
        claim = ledger.claim("worker")
    assert claim
    assert claim.sealed_password
    assert "secret1" not in claim.sealed_password
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b"secret1" not in file.read_bytes()


@pytest.mark.parametrize("password", ["", None, 7, ["secret1"], "secret1\ud800"])
def test_a_password_that_is_none_is_not_left_out(
    portal_project: Settings, realm: Realm, caller: Caller, password: object
) -> None:
    request = {
        "tag": f"{MATHS}_001",
        "dataset": "progress-exhaust",
        "datasetConfig": {"batchId": "001"},
        "encryptionKey": password,
    }
    answer = caller.client.post(
        f"{MOUNTS[0]}submit",
        content=json.dumps({"request": request}),
        headers=caller.headers(CREATOR),
    )
    assert whole(answer)["result"]["statusMessage"] == "The password is empty."
    assert api.requests(portal_project) == []


def test_what_failed_says_why(portal_project: Settings, realm: Realm) -> None:
    with calling(portal_project, realm) as caller:
        request_id = caller.submit()["result"]["requestId"]
    execute(portal_project, f"delete from {{schema}}.requester_batches where user_id = '{CREATOR}'")
    process_requests(portal_project)
    with calling(portal_project, realm) as caller:
        body = caller.read(request_id)
    reason = body["result"]["statusMessage"]
    assert reason == api.request(portal_project, request_id).error
    assert reason
    check(body, "failed", reason=reason)


def test_a_cancelled_request_has_failed(portal_project: Settings, caller: Caller) -> None:
    request_id = caller.submit()["result"]["requestId"]
    api.cancel(portal_project, request_id)
    check(caller.read(request_id), "cancelled")


def test_nobody_sees_the_jobs_of_others(portal_project: Settings, caller: Caller) -> None:
    request_id = caller.submit()["result"]["requestId"]
    process_requests(portal_project)
    for user in (COLLEAGUE, MENTOR, "stranger", "*", f"{CREATOR}%"):
        check(caller.read(request_id, user), "unknown_id")
        check(caller.list(user), "listed_none")


def test_an_id_is_known_only_with_its_tag(caller: Caller) -> None:
    request_id = caller.submit()["result"]["requestId"]
    check(caller.read(request_id, tag=f"{MATHS}_002"), "unknown_id")
    for unknown in ("", "0" * 32, "' or 1=1 --", "%00"):
        check(caller.read(unknown), "unknown_id")
    assert caller.read(request_id, tag=f"{MATHS}_001:t")["result"]["requestId"] == request_id


def test_a_list_is_of_its_tag_newest_first_and_limited(
    portal_project: Settings, caller: Caller
) -> None:
    ids: list[str] = []
    for _ in range(3):
        ids.insert(0, caller.submit()["result"]["requestId"])
        process_requests(portal_project)
    other = {"batchId": "002"}
    caller.submit(tag=f"{MATHS}_002", datasetConfig=other)
    api.submit(portal_project, MATHS, batches=["001", "002"], user_id=CREATOR)

    def listed(query: str) -> list[str]:
        result = caller.list(query=query)["result"]
        assert result["count"] == len(result["jobs"])
        return [one["requestId"] for one in result["jobs"]]

    assert listed("") == ids
    assert listed("?limit=2") == ids[:2]
    for query in ("?limit=0", "?limit=-1", "?limit=x", "?limit=99999999999999999999", "?limit=²"):
        assert listed(query) == ids
    check(caller.list(tag="do_1_00_"), "listed_none")


def test_requests_of_the_page_are_listed_too(portal_project: Settings, caller: Caller) -> None:
    api.submit(portal_project, MATHS, batches=["001"], user_id=CREATOR)
    (job,) = caller.list()["result"]["jobs"]
    assert (job["dataset"], job["status"]) == ("progress-exhaust", "SUBMITTED")


def test_there_is_no_link_to_a_file_that_is_gone(portal_project: Settings, caller: Caller) -> None:
    request_id = caller.submit()["result"]["requestId"]
    process_requests(portal_project)
    for file in portal_project.results_dir.rglob("*.csv"):
        file.unlink()
    assert caller.read(request_id)["result"]["downloadUrls"] == []
