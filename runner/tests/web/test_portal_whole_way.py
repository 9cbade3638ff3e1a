"""Sunbird's portal, as its source has it, against a running server: from the button to the file."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from handmade_marts import CREATOR, MATHS, MENTOR, RETIRED, insert
from msoffcrypto.format.ooxml import OOXMLFile
from portal_page import PortalPage
from portal_support import (
    COLLEAGUE,
    ISSUER,
    Realm,
    answering,
    create_portal_marts,
    running,
    send_json,
)
from requests_support import execute, process_requests
from web_support import make_site

from exhaust import api
from exhaust.project.settings import Settings
from exhaust.warehouse import connect
from exhaust.web.identity.proxy import Proxy
from exhaust.web.identity.token import Tokens
from exhaust.web.portal import Portal

REPORT_TYPES = (
    {"dataset": "progress-exhaust", "title": "Course progress exhaust", "encrypt": "false"},
    {"dataset": "progress-exhaust-xlsx", "title": "With a password", "encrypt": "true"},
)


@pytest.fixture
def project(portal_project: Settings) -> Settings:
    return portal_project


@contextmanager
def serving(project: Settings, realm: Realm) -> Iterator[str]:
    """Runs a server, with the keys of a realm, and gives the portal's setting for it."""

    def keys(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        send_json(handler, realm.jwks())

    with answering(keys) as jwks_url, api.keep_open(project) as kept:
        portal = Portal(Tokens(ISSUER, jwks_url, realm.keys_dir))
        proxy = Proxy("X-User", "s" * 32, [])
        with running(lambda url: make_site(kept, proxy, url, portal=portal)) as url:
            yield f"{url}/"


def page_of(
    service: str, realm: Realm, user: str, batch: str = "001", course: str = MATHS
) -> PortalPage:
    key = realm.published if user == CREATOR else realm.filed
    return PortalPage(
        service,
        realm.token(user, key),
        {"courseId": course, "batchId": batch},
        REPORT_TYPES,
        user,
    )


@pytest.mark.not_on_spark
def test_from_the_button_to_the_file(project: Settings, realm: Realm) -> None:
    with serving(project, realm) as service:
        page = page_of(service, realm, CREATOR)
        page.load_reports()
        assert page.jobs == []
        assert page.submit("progress-exhaust")
        assert page.messages == []
        (job,) = page.jobs
        assert (job["status"], job["title"]) == ("SUBMITTED", "Course progress exhaust")
        # The page itself refuses the next, and a page that was loaded again does too.
        assert not page.submit("progress-exhaust")
        page.load_reports()
        assert not page.submit("progress-exhaust")
        page.messages.clear()
        process_requests(project)
        page.load_reports()
        (job,) = page.jobs
        opened = page.open_link(job, job["jobStats"]["dtJobCompleted"])
        assert opened is not None
        assert opened.status_code == 200
        assert "u1" in opened.text
        assert page.submit("progress-exhaust")
        assert page.messages == []
    assert [one.way for one in api.downloads(project)] == ["link"]


@pytest.mark.not_on_spark
def test_after_half_an_hour_the_page_gets_another_link(
    project: Settings, realm: Realm, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(project, realm) as service:
        page = page_of(service, realm, CREATOR)
        page.submit("progress-exhaust")
        process_requests(project)
        page.load_reports()
        (job,) = page.jobs
        # The link that the page has was made for an earlier half an hour.
        later = time.time() + 31 * 60
        with monkeypatch.context() as patch:
            patch.setattr("itsdangerous.timed.time.time", lambda: later)
            old = httpx.get(job["downloadUrls"][0], trust_env=False)
            assert old.status_code == 404
            opened = page.open_link(job, job["expiresAt"] + 1)
        assert opened is not None
        assert opened.status_code == 200
        assert page.messages == []


@pytest.mark.not_on_spark
def test_a_password_that_the_page_takes_opens_the_file(project: Settings, realm: Realm) -> None:
    process_requests(project)  # A worker publishes its key.
    with serving(project, realm) as service:
        page = page_of(service, realm, CREATOR)
        page.submit("progress-exhaust-xlsx", "abcde1")
        assert page.messages == []
        process_requests(project)
        page.load_reports()
        (job,) = page.jobs
        assert (job["status"], job["title"]) == ("SUCCESS", "With a password")
        opened = page.open_link(job, 0)
        assert opened is not None
        spreadsheet = OOXMLFile(BytesIO(opened.content))
        spreadsheet.load_key("abcde1", verify_password=True)
        plain = BytesIO()
        spreadsheet.decrypt(plain)
        assert plain.getvalue().startswith(b"PK")


@pytest.mark.not_on_spark
def test_refusals_are_words_that_the_page_shows(project: Settings, realm: Realm) -> None:
    with serving(project, realm) as service:
        page = page_of(service, realm, CREATOR, "003", RETIRED)
        page.submit("progress-exhaust")
        assert page.messages == ["The request is made for retired collection: do_3 Old course"]
        creator = page_of(service, realm, CREATOR)
        creator.submit("progress-exhaust")
        colleague = page_of(service, realm, COLLEAGUE)
        colleague.load_reports()
        assert colleague.jobs == []
        colleague.submit("progress-exhaust")
        assert "by the course's creator and is SUBMITTED" in colleague.messages[0]
        # What was refused is not in the way of another try.
        assert colleague.submit("progress-exhaust")
        colleague.load_reports()
        assert colleague.jobs == []


@pytest.mark.not_on_spark
def test_a_link_ends_with_the_right(project: Settings, realm: Realm) -> None:
    with serving(project, realm) as service:
        page = page_of(service, realm, CREATOR)
        page.submit("progress-exhaust")
        process_requests(project)
        page.load_reports()
    execute(project, f"delete from {{schema}}.requester_batches where user_id = '{CREATOR}'")
    with serving(project, realm) as service:
        page.service = service
        page.load_reports()
        opened = page.open_link(page.jobs[0], 0)
    assert opened is not None
    assert opened.status_code == 404
    assert api.downloads(project) == []


@pytest.mark.not_on_spark
def test_a_stranger_gets_nothing(project: Settings, realm: Realm, tmp_path: Path) -> None:
    other = Realm(tmp_path / "other")
    with serving(project, realm) as service:
        page = page_of(service, other, CREATOR)
        page.load_reports()
        page.submit("progress-exhaust")
        assert page.messages == ["Could not fetch data"] * 2
        stranger = page_of(service, realm, MENTOR, "002")
        stranger.submit("progress-exhaust")
        assert stranger.jobs[0]["status"] == "FAILED"
    assert api.requests(project) == []


def test_of_many_submits_each_report_is_made_once(
    settings_duckdb: Settings, realm: Realm, tmp_path: Path
) -> None:
    """Fifty users press the button four times each: twice for each of two reports."""
    users = [f"u{number:02}" for number in range(50)]
    create_portal_marts(settings_duckdb)
    with connect(settings_duckdb.profile, writing=True) as warehouse:
        insert(warehouse, settings_duckdb, "requesters", *(f"('{one}', 'o{one}')" for one in users))
        rights = (f"('{one}', '{MATHS}', '001', true, 2, 1)" for one in users)
        insert(warehouse, settings_duckdb, "requester_batches", *rights)
    project = replace(settings_duckdb, results_dir=tmp_path / "results", shared_results_dir=None)
    with serving(project, realm) as service, httpx.Client(trust_env=False) as browser:
        at_once = threading.Barrier(20)

        def press(index: int) -> str:
            page = page_of(service, realm, users[index // 4])
            page.browser = browser
            page.report_types = [{**one, "encrypt": "false"} for one in REPORT_TYPES]
            if index < 20:
                at_once.wait()
            page.submit(REPORT_TYPES[index % 2]["dataset"])
            return str(page.jobs[0]["status"])

        with ThreadPoolExecutor(20) as presses:
            statuses = [*presses.map(press, range(200))]
    assert (statuses.count("SUBMITTED"), statuses.count("FAILED")) == (100, 100)
    made = [(one.requester, one.form.format) for one in api.requests(project)]
    assert len({*made}) == len(made) == 100
