"""While a build has the DuckDB file: pages say so, requests can be put in, and nothing fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest
from handmade_marts import CREATOR, MATHS
from handmade_summaries import with_summaries
from page_reader import read
from requests_support import process_requests
from starlette.testclient import TestClient
from support import NO_MESSAGES, wait_until
from web_support import browser

from exhaust import api
from exhaust.errors import Busy, ExhaustError
from exhaust.pipeline.lease import holding_target
from exhaust.project.settings import Settings
from exhaust.warehouse import connect
from exhaust.web.site import Site

pytestmark = pytest.mark.not_on_spark

COURSE = f"/courses/{MATHS}"
BATCH = f"{COURSE}/batches/001"
RENEWED = "The data is being renewed"


@pytest.fixture
def client(settings_duckdb: Settings) -> Iterator[TestClient]:
    with browser(with_summaries(settings_duckdb), CREATOR) as client:
        yield client


@contextmanager
def building(client: TestClient) -> Iterator[None]:
    """Is a build, which has the file as soon as the readers have given it up."""
    opened: Site = client.app.state.site  # type: ignore[attr-defined]
    wait_until(lambda: opened.project.copy.connect() is not None)
    with holding_target(opened.project, "build", NO_MESSAGES):
        wait_until(lambda: can_write(opened.project))
        with connect(opened.project.profile, writing=True):
            yield


def can_write(project: Settings) -> bool:
    try:
        with connect(project.profile, writing=True):
            return True
    except ExhaustError:
        return False


def test_pages_say_that_the_data_is_being_renewed(client: TestClient) -> None:
    with building(client):
        for path in ("/", COURSE, BATCH, "/requests"):
            assert RENEWED in read(client, path).text, path
    assert RENEWED not in read(client, BATCH).text


def test_a_report_is_requested_during_a_build_and_made_afterwards(client: TestClient) -> None:
    with building(client):
        form = read(client, BATCH).form(f"{BATCH}/request")
        answer = client.post(f"{BATCH}/request", data=form)
        assert answer.status_code == 303
        where = answer.headers["location"]
        assert read(client, where).status == "Waiting, 1st in the queue"
    project = client.app.state.site.project  # type: ignore[attr-defined]
    process_requests(project)
    assert read(client, where).status == "Ready, 2 rows"


def test_a_summary_that_has_to_wait_keeps_nobody_from_requesting(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> NoReturn:
        raise Busy("A build began.", "Try again when it has ended.")

    monkeypatch.setattr(api, "summary", busy)
    page = read(client, BATCH)
    assert "the summary is here again when that has ended" in page.text
    assert client.post(f"{BATCH}/request", data=page.form(f"{BATCH}/request")).status_code == 303
    answer = client.get(f"{BATCH}/places")
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert "Try again when it has ended." in answer.text
