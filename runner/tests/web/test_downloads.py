"""Downloads: whole, in parts, as an archive and by signed addresses; and who took them."""

import io
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from handmade_marts import CREATOR, MATHS, MENTOR, create_marts
from requests_support import execute, process_requests, report_text, submit_request
from web_support import browser, browser_of, shut_site, site

from exhaust import api
from exhaust.console import SYSTEM_CLOCK
from exhaust.errors import NotFound
from exhaust.project.settings import Settings
from exhaust.requests.entities import Request
from exhaust.requests.ledger import Ledger
from exhaust.warehouse import connect
from exhaust.web.identity.laptop import Laptop
from exhaust.web.links import Link, read_link, signed_url

pytestmark = pytest.mark.not_on_spark

FILE = "001_progress_20261123.csv"
TEXT = report_text("001").encode()


@pytest.fixture
def project(settings: Settings, tmp_path: Path) -> Settings:
    with connect(settings.profile, writing=True) as warehouse:
        create_marts(warehouse, settings)
    return replace(settings, results_dir=tmp_path / "results", shared_results_dir=None)


@pytest.fixture
def request_(project: Settings) -> Request:
    """A request for one batch that has been processed."""
    submit_request(project, MATHS, ["001"])
    (processed,) = process_requests(project)
    return processed


def taken(project: Settings) -> list[tuple[str, str | None, str, str]]:
    found = api.downloads(project)
    assert all(one.taken_at for one in found)
    return [(one.request_id, one.user_id, one.file, one.way) for one in found]


def path_of(request: Request, name: str = FILE) -> str:
    return f"/requests/{request.request_id}/files/{name}"


def test_a_file_comes_whole_under_its_name_and_is_written_down(
    project: Settings, request_: Request
) -> None:
    with browser(project, CREATOR) as client:
        answer = client.get(path_of(request_))
    assert (answer.status_code, answer.content) == (200, TEXT)
    assert answer.headers["content-disposition"] == f'attachment; filename="{FILE}"'
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-length"] == str(len(TEXT))
    assert taken(project) == [(request_.request_id, CREATOR, FILE, "session")]


def test_an_interrupted_download_goes_on(project: Settings, request_: Request) -> None:
    with browser(project, CREATOR) as client:
        tag = client.get(path_of(request_)).headers["etag"]
        rest = client.get(path_of(request_), headers={"Range": "bytes=10-", "If-Range": tag})
        changed = client.get(path_of(request_), headers={"Range": "bytes=10-", "If-Range": '"x"'})
        beyond = client.get(path_of(request_), headers={"Range": f"bytes={len(TEXT)}-"})
    assert (rest.status_code, rest.content) == (206, TEXT[10:])
    assert rest.headers["content-range"] == f"bytes 10-{len(TEXT) - 1}/{len(TEXT)}"
    assert (changed.status_code, changed.content) == (200, TEXT)
    assert beyond.status_code == 416
    assert len(taken(project)) == 4


def test_all_files_come_as_one_archive(project: Settings) -> None:
    submit_request(project, MATHS)
    (request,) = process_requests(project)
    with browser(project, CREATOR) as client:
        answer = client.get(f"/requests/{request.request_id}/files")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["accept-ranges"] == "none"
    name = answer.headers["content-disposition"].partition("''")[2]
    assert name.startswith("do_1_progress_2")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.read(FILE) == TEXT
        assert [*archive.namelist()] == [
            one.name for one in api.report_files(project, request.request_id, user_id=CREATOR)
        ]
        assert len(archive.namelist()) == 4
    assert taken(project) == [(request.request_id, CREATOR, "*", "session")]


def test_the_receipt_can_be_had_too(project: Settings, request_: Request) -> None:
    with browser(project, CREATOR) as client:
        answer = client.get(path_of(request_, f"{FILE}.receipt.json"))
    assert answer.status_code == 200
    assert answer.json()["request"] == request_.request_id


@pytest.mark.parametrize(
    "name",
    ["other.csv", "..%2f..%2fexhaust.duckdb", "%2e%2e", "001_progress_20261123.csv%00", ""],
)
def test_no_other_file_can_be_had(project: Settings, request_: Request, name: str) -> None:
    with browser(project) as client:
        assert client.get(path_of(request_, name)).status_code == 404
    assert taken(project) == []


@pytest.mark.parametrize("user", [MENTOR, "stranger"])
def test_the_id_of_a_request_opens_nothing(project: Settings, request_: Request, user: str) -> None:
    with browser(project, user) as client:
        known = client.get(path_of(request_))
        unknown = client.get(path_of(request_).replace(request_.request_id, "0" * 32))
    assert known.status_code == unknown.status_code == 404
    assert len(known.content) == len(unknown.content)
    assert taken(project) == []


def test_who_lost_the_right_gets_nothing(project: Settings, request_: Request) -> None:
    execute(project, f"delete from {{schema}}.requester_batches where user_id = '{CREATOR}'")
    with site(project) as opened:
        link = signed_url(opened, Link(request_.request_id, FILE, CREATOR))
        assert browser_of(opened).get(link).status_code == 404
    with browser(project, CREATOR) as client:
        assert client.get(path_of(request_)).status_code == 404
    assert taken(project) == []


def test_a_file_that_is_being_made_is_not_there_yet(project: Settings) -> None:
    request = submit_request(project, MATHS, ["001"])
    with browser(project, CREATOR) as client:
        assert client.get(path_of(request)).status_code == 503


def test_a_signed_address_opens_one_file_without_a_session(
    project: Settings, request_: Request
) -> None:
    with site(project) as opened:
        answer = browser_of(opened).get(
            signed_url(opened, Link(request_.request_id, FILE, CREATOR))
        )
    assert (answer.status_code, answer.content) == (200, TEXT)
    assert taken(project) == [(request_.request_id, CREATOR, FILE, "link")]


def test_a_signed_address_that_was_altered_opens_nothing() -> None:
    opened = shut_site(Laptop(None))
    link = Link("A" * 32, FILE, CREATOR)
    token = signed_url(opened, link).rpartition("/")[2]
    assert read_link(opened, token) == link
    body, at, signature = token.rsplit(".", 2)
    other = signed_url(opened, Link("B" * 32, FILE, CREATOR)).rpartition("/")[2].rsplit(".", 2)[0]
    for altered in (
        f"{other}.{at}.{signature}",
        f"{body}.{at[:-1]}{'A' if at[-1] != 'A' else 'B'}.{signature}",
        f"{body}.{at}",
        "x",
    ):
        with pytest.raises(NotFound):
            read_link(opened, altered)


def test_a_signed_address_of_another_server_opens_nothing() -> None:
    opened = shut_site(Laptop(None))
    other = replace(opened, keys=replace(opened.keys, secret=b"o" * 48))
    token = signed_url(other, Link("A" * 32, None, CREATOR)).rpartition("/")[2]
    with pytest.raises(NotFound):
        read_link(opened, token)


def test_a_signed_address_ends_after_half_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = shut_site(Laptop(None))
    token = signed_url(opened, Link("A" * 32, None, CREATOR)).rpartition("/")[2]
    now = SYSTEM_CLOCK.now().timestamp()
    for seconds, is_valid in ((29 * 60, True), (31 * 60, False)):
        monkeypatch.setattr("itsdangerous.timed.time.time", lambda at=seconds: now + at)
        if is_valid:
            read_link(opened, token)
        else:
            with pytest.raises(NotFound):
                read_link(opened, token)


def test_a_token_for_a_form_is_no_address(project: Settings) -> None:
    """One key for two purposes would make the one sign what the other takes."""
    from itsdangerous import URLSafeTimedSerializer

    opened = shut_site(Laptop(None))
    serializer = URLSafeTimedSerializer(opened.keys.derived("csrf"))
    with pytest.raises(NotFound):
        read_link(opened, str(serializer.dumps(["A" * 32, None, CREATOR])))


def test_the_log_is_kept_for_a_set_time(project: Settings, request_: Request) -> None:
    with Ledger.open(project.profile) as ledger:
        ledger.record_download(request_.request_id, CREATOR, FILE)
        ledger.forget_downloads(timedelta(minutes=1))
        assert len(ledger.downloads(10)) == 1
        ledger.forget_downloads(timedelta(minutes=-1))
        assert ledger.downloads(10) == []


def test_workers_clear_the_log(project: Settings, request_: Request) -> None:
    with Ledger.open(project.profile) as ledger:
        ledger.record_download(request_.request_id, CREATOR, FILE)
    process_requests(replace(project, web=replace(project.web, download_log=timedelta(-1))))
    assert taken(project) == []


def test_only_downloads_of_requests_are_written_down(project: Settings) -> None:
    with Ledger.open(project.profile) as ledger, pytest.raises(NotFound):
        ledger.record_download("0" * 32, CREATOR, FILE)
    assert taken(project) == []


def test_at_most_so_many_requests_of_one_person_are_under_way(project: Settings) -> None:
    from exhaust.errors import Busy

    few = replace(project, max_requests_under_way=1)
    api.submit(few, MATHS, batches=["001"], user_id=CREATOR)
    with pytest.raises(Busy, match="1 of your requests"):
        api.submit(few, MATHS, batches=["002"], user_id=CREATOR)
    # Others are not kept from theirs.
    api.submit(few, MATHS, batches=["001"], user_id=MENTOR)
    process_requests(few)
    api.submit(few, MATHS, batches=["002"], user_id=CREATOR)
