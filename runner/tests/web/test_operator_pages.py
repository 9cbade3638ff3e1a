"""What operators see, and that nobody else learns that it exists."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from handmade_marts import CREATOR, MATHS, MATHS_2, add_build, create_marts
from requests_support import execute, process_requests, submit_request
from support import PROJECT
from web_support import browser, site

from exhaust import api
from exhaust.pipeline.lease import holding_target
from exhaust.project.settings import Settings
from exhaust.requests.ledger import Ledger
from exhaust.warehouse import connect

pytestmark = pytest.mark.not_on_spark

PAGES = ("/operator", "/operator/requests", "/operator/downloads")


@pytest.fixture
def project(settings: Settings, tmp_path: Path) -> Settings:
    with connect(settings.profile, writing=True) as warehouse:
        create_marts(warehouse, settings)
    return replace(settings, results_dir=tmp_path / "results", shared_results_dir=None)


def texts(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.mark.parametrize("path", PAGES)
def test_for_others_the_pages_of_operators_do_not_exist(project: Settings, path: str) -> None:
    with browser(project, CREATOR) as client:
        known, unknown = client.get(path), client.get("/operatox")
    assert known.status_code == unknown.status_code == 404
    without_path = [texts(one.text) for one in (known, unknown)]
    assert without_path[0] == without_path[1]
    assert "/operator" not in known.text.replace(f'value="{path}"', "")


@pytest.mark.parametrize("path", PAGES)
def test_the_pages_work_where_nothing_is_there_yet(settings_duckdb: Settings, path: str) -> None:
    with browser(settings_duckdb) as client:
        assert client.get(path).status_code == 200


def test_all_requests_are_listed_with_who_and_what_and_why_they_failed(project: Settings) -> None:
    submit_request(project, MATHS, ["001"])
    submit_request(project, MATHS_2, user=CREATOR)
    execute(project, f"delete from {{schema}}.requester_batches where course_id = '{MATHS_2}'")
    process_requests(project)
    waiting = submit_request(project, MATHS, ["002"])
    with browser(project) as client:
        page = client.get("/operator/requests").text
    shown = texts(page)
    assert "3 requests" in shown
    for one in api.requests(project):
        assert one.request_id in page
        assert not one.error or one.error.split(" ")[0] in shown
    assert shown.index(waiting.request_id) < shown.index("Ready")
    assert "Failed" in shown
    assert "Waiting, 1st in the queue" in shown


def test_requests_come_page_by_page(project: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exhaust.web.routes.operator.ON_A_PAGE", 1)
    ids = [submit_request(project, MATHS, [batch]).request_id for batch in ("001", "002")]
    with browser(project) as client:
        pages = [client.get("/operator/requests", params={"page": n}).text for n in (1, 2, 9, "x")]
    found = [[one for one in ids if one in page] for page in pages]
    assert sorted(found[0] + found[1]) == sorted(ids)
    assert found[2:] == [found[1], found[0]]


def test_the_overview_shows_workers_disk_and_the_build(project: Settings) -> None:
    submit_request(project, MATHS, ["001"])
    process_requests(project)
    files = [one for one in project.results_dir.rglob("*") if one.is_file()]
    with browser(project) as client:
        shown = texts(client.get("/operator").text)
    assert f"{len(files)} files" in shown
    assert api.disk_use(project).bytes == sum(one.stat().st_size for one in files)
    assert "worker" in shown
    assert "1 Nov 2026" in shown
    assert "Ready 1" in shown


def test_files_in_the_folder_of_a_target_are_counted_once(project: Settings) -> None:
    shared = project.results_dir
    for folder in (shared / "a", shared / "b"):
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"12345")
    used = api.disk_use(replace(project, results_dir=shared / "a", shared_results_dir=shared))
    assert (used.files, used.bytes) == (2, 10)
    assert used.free > 0


def test_the_overview_says_why_nothing_can_be_exported(project: Settings) -> None:
    with connect(project.profile, writing=True) as warehouse:
        add_build(warehouse, project, "failed", "2026-11-02 12:00")
    with browser(project) as client:
        assert "Nothing can be exported" in client.get("/operator").text


def test_the_log_says_who_took_what(project: Settings) -> None:
    request = submit_request(project, MATHS, ["001"])
    process_requests(project)
    with Ledger.open(project.profile) as ledger:
        ledger.record_download(request.request_id, CREATOR, "a.csv")
        ledger.record_download(request.request_id, None, "*")
    with browser(project) as client:
        shown = texts(client.get("/operator/downloads").text)
    assert re.search(rf" {CREATOR} a.csv Request {request.request_id}", shown)
    assert f"the operator all files Request {request.request_id}" in shown


def test_during_a_build_operators_see_all_but_the_data(settings_duckdb: Settings) -> None:
    with connect(settings_duckdb.profile, writing=True) as warehouse:
        create_marts(warehouse, settings_duckdb)
    with browser(settings_duckdb) as client, holding_target(settings_duckdb, "build"):
        page = client.get("/operator")
    assert page.status_code == 200
    assert "The data is being renewed." in page.text
    assert "No worker has been seen." in page.text


def test_what_was_set_aside_is_what_the_build_said(settings_duckdb: Settings) -> None:
    api.load(settings_duckdb, PROJECT / "seeds")
    report = api.build(settings_duckdb)
    assert report.set_aside
    with site(settings_duckdb) as opened:
        assert api.set_aside(opened.project) == report.set_aside
    with browser(settings_duckdb) as client:
        shown = texts(client.get("/operator").text)
    for one in report.set_aside:
        assert one.reason in shown
