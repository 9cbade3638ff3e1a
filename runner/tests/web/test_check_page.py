"""Checking a file: which receipts count for whom, and what is said of the file."""

import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from handmade_marts import CREATOR, MATHS, MENTOR, create_marts
from key_pair import KeyPair
from requests_support import execute, process_requests, submit_request
from starlette.testclient import TestClient
from web_support import browser, csrf_of

from exhaust import api
from exhaust.project.settings import Settings
from exhaust.reports.form import ReportForm
from exhaust.reports.formats import Format
from exhaust.requests.uploads import plain_name
from exhaust.warehouse import connect

pytestmark = pytest.mark.not_on_spark

PASSWORD = "correct horse"
UNCHANGED = "This file is unchanged."


@pytest.fixture
def project(settings_duckdb: Settings, tmp_path: Path) -> Settings:
    settings = replace(settings_duckdb, results_dir=tmp_path / "results", shared_results_dir=None)
    with connect(settings.profile, writing=True) as warehouse:
        create_marts(warehouse, settings)
    return settings


@pytest.fixture
def report(project: Settings) -> Path:
    """The report of a batch that the creator has requested."""
    return made(project)


def made(
    project: Settings,
    user: str = CREATOR,
    batches: tuple[str, ...] = ("001",),
    form: ReportForm | None = None,
    password: str | None = None,
) -> Path:
    submit_request(project, MATHS, [*batches], user, form=form, password=password)
    (request,) = process_requests(project)
    assert request.error is None
    return next(
        file
        for file in project.results_dir.rglob(f"{request.request_id}/*")
        if not file.name.endswith(".json")
    )


def receipt_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.receipt.json")


def send(
    client: TestClient, name: str, content: bytes, receipt: bytes | None = None, password: str = ""
) -> httpx.Response:
    files = {"file": (name, content)}
    if receipt is not None:
        files["receipt"] = ("receipt.json", receipt)
    data = {"csrf": csrf_of(client.get("/check").text), "password": password}
    answer: httpx.Response = client.post("/check", data=data, files=files)
    return answer


def test_a_file_of_ones_own_request_needs_no_receipt(project: Settings, report: Path) -> None:
    with browser(project, CREATOR) as client:
        same = send(client, report.name, report.read_bytes())
        renamed = send(client, "renamed.csv", report.read_bytes())
        again = send(client, report.name.replace(".csv", " (1).csv"), report.read_bytes() + b"x")
    assert same.status_code == renamed.status_code == again.status_code == 200
    assert UNCHANGED in same.text
    assert "It has 2 rows." in same.text
    assert UNCHANGED in renamed.text
    assert report.name in renamed.text
    assert "This file is not as it was made." in again.text


def test_it_says_what_was_changed(project: Settings, report: Path) -> None:
    changed = report.read_bytes().replace(b"47%", b"48%")
    with browser(project, CREATOR) as client:
        page = send(client, report.name, changed).text
    assert "This file is not as it was made." in page
    assert UNCHANGED not in page
    assert "value" in page


@pytest.mark.parametrize("format", [Format.XLSX, Format.CSV])
def test_a_file_with_a_password_needs_it(project: Settings, format: Format) -> None:
    process_requests(project)  # The worker publishes its key.
    form = ReportForm(format=format, is_protected=True)
    file = made(project, form=form, password=PASSWORD)
    receipt = json.loads(receipt_of(file).read_bytes())
    receipt["sha256"] = "0" * 64
    with browser(project, CREATOR) as client:
        content, wrong = file.read_bytes(), json.dumps(receipt).encode()
        without = send(client, file.name, content, wrong)
        other = send(client, file.name, content, wrong, "not the password")
        right = send(client, file.name, content, wrong, PASSWORD)
        known = send(client, file.name, content)
    assert (without.status_code, other.status_code) == (422, 422)
    assert "opens only with its password" in without.text
    assert "This password does not open the file." in other.text
    assert right.status_code == 200
    assert UNCHANGED in known.text


def test_a_signature_is_checked(project: Settings) -> None:
    signing = replace(project, receipt_public_keys=KeyPair().listed)
    file = made(project)
    with browser(signing, CREATOR) as client:
        page = send(client, file.name, file.read_bytes()).text
    assert "the receipt is not signed, but the project demands it" in page


def test_without_a_receipt_only_ones_own_requests_are_looked_through(
    project: Settings, report: Path
) -> None:
    with browser(project, MENTOR) as client:
        mentors = send(client, report.name, report.read_bytes())
        unknown = send(client, "unknown.csv", b"a,b\n")
    assert mentors.status_code == unknown.status_code == 422
    assert "None of your reports has this file" in mentors.text
    with browser(project) as client:
        assert UNCHANGED in send(client, report.name, report.read_bytes()).text


@pytest.mark.parametrize(
    ("user", "batches", "expected"),
    [
        (CREATOR, ("001",), 200),
        (CREATOR, ("002",), 200),
        (None, ("002",), 200),
        # The mentor sees only some learners of one batch.
        (MENTOR, ("001",), 404),
        (MENTOR, ("002",), 404),
        ("stranger", ("001",), 404),
    ],
)
def test_a_receipt_counts_only_for_who_may_see_all_it_is_about(
    project: Settings, user: str | None, batches: tuple[str, ...], expected: int
) -> None:
    file = made(project, batches=batches)
    with browser(project, user) as client:
        answer = send(client, file.name, file.read_bytes(), receipt_of(file).read_bytes())
        unknown = send(client, file.name, file.read_bytes(), _about(file, "do_unknown"))
    assert answer.status_code == expected
    assert (UNCHANGED in answer.text) == (expected == 200)
    assert unknown.status_code == (200 if user is None else 404)
    if expected == 404:
        assert len(answer.content) == len(unknown.content)


def _about(file: Path, course_id: str) -> bytes:
    """Returns the receipt of a file, as if it were that of another course."""
    receipt = json.loads(receipt_of(file).read_bytes())
    receipt["course"]["id"] = course_id
    return json.dumps(receipt).encode()


def test_a_mentor_may_send_a_receipt_of_their_own_learners(project: Settings) -> None:
    file = made(project, MENTOR)
    receipt = receipt_of(file).read_bytes()
    assert json.loads(receipt)["filters"]["root_org_id"] is not None
    with browser(project, MENTOR) as client:
        assert UNCHANGED in send(client, file.name, file.read_bytes(), receipt).text
        other = json.loads(receipt)
        other["filters"]["root_org_id"] = "another"
        answer = send(client, file.name, file.read_bytes(), json.dumps(other).encode())
    assert answer.status_code == 404


def test_who_lost_the_right_is_told_nothing(project: Settings, report: Path) -> None:
    execute(project, f"delete from {{schema}}.requester_batches where user_id = '{CREATOR}'")
    with browser(project, CREATOR) as client:
        answer = send(client, report.name, report.read_bytes())
    assert answer.status_code == 404


def test_a_form_without_a_file_says_so(project: Settings) -> None:
    with browser(project, CREATOR) as client:
        answer = client.post("/check", data={"csrf": csrf_of(client.get("/check").text)})
    assert answer.status_code == 422
    assert "Choose a file first." in answer.text


def test_strangers_are_sent_to_sign_in_before_anything_is_received(project: Settings) -> None:
    with browser(project, CREATOR) as client:
        client.cookies.clear()
        answer = client.post("/check", files={"file": ("a.csv", b"x" * 60_000_000)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("a.csv", "a.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\fakepath\\a.csv", "a.csv"),
        ("/", "file"),
        ("..", "file.."),
        (".exhaust.try", "file.exhaust.try"),
        ("receipt", "filereceipt"),
        ("a\0b\n.csv", "a_x00b_n.csv"),
        ("पाठ.csv", "पाठ.csv"),
    ],
)
def test_names_of_files_are_only_names(given: str, name: str) -> None:
    assert plain_name(given) == name


def test_long_names_of_files_fit() -> None:
    assert len(plain_name("क" * 1000 + ".csv").encode()) <= 255
    assert plain_name("a" * 1000 + ".csv").endswith("a.csv")


def test_api_and_page_agree(project: Settings, report: Path) -> None:
    with report.open("rb") as content:
        found = api.check_upload(project, report.name, content, user_id=CREATOR)
    assert found.verification
    assert found.verification.is_unchanged
    assert found.verification.file == report.name
