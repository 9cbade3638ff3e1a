"""Requesting a report on the pages, following it, and what it has made."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.resources import files

import pytest
from handmade_marts import CREATOR, MATHS, MENTOR
from handmade_summaries import COLLEAGUE, with_summaries
from httpx import Response
from page_reader import Page, checked, read
from requests_support import execute, process_requests
from starlette.testclient import TestClient
from web_support import browser

from exhaust import api
from exhaust.project.settings import Settings
from exhaust.reports.form import ReportForm
from exhaust.reports.formats import Format
from exhaust.requests.entities import Status
from exhaust.requests.lease import reason_for
from exhaust.requests.ledger import Ledger
from exhaust.requests.tables import REPLACED
from exhaust.web.language import DRAFTS
from exhaust.web.render import told

pytestmark = pytest.mark.not_on_spark

BATCH = f"/courses/{MATHS}/batches/001"
SECRET = "a long secret"


@pytest.fixture
def project(settings: Settings) -> Settings:
    return with_summaries(settings)


@pytest.fixture
def client(project: Settings) -> Iterator[TestClient]:
    with browser(project, CREATOR) as client:
        yield client


def request(client: TestClient, path: str = BATCH, **changes: str) -> Response:
    """Sends the form of a batch, as it is shown or with changes."""
    action = f"{path}/request"
    answer: Response = client.post(action, data={**read(client, path).form(action), **changes})
    return answer


def requested(client: TestClient, path: str = BATCH, **changes: str) -> str:
    """Returns the address of a new request."""
    answer = request(client, path, **changes)
    assert answer.status_code == 303
    return answer.headers["location"]


def test_a_request_is_made_followed_and_has_a_file(project: Settings, client: TestClient) -> None:
    where = requested(client)
    waiting, listed = read(client, where), read(client, "/requests")
    assert waiting.heading == "Report of Mathematics"
    assert waiting.status == "Waiting, 1st in the queue"
    assert listed.status == "1 report is under way."
    (row,) = listed.table("Requested reports, newest first")
    assert row[:2] == ["Mathematics First", "Excel"]
    assert row[3] == "Waiting, 1st in the queue"
    process_requests(project)
    ready = read(client, where)
    assert ready.status == "Ready, 2 rows"
    (row,) = ready.table("1 file")
    assert row[0] == "Download 001_progress_20261123.xlsx"
    assert row[1] == "2"
    assert row[2].endswith(" kB")
    assert ready.links()[row[0]] == f"{where}/files/001_progress_20261123.xlsx"
    assert "Kept until" in ready.text
    assert read(client, "/requests").status == "No report is under way."


def test_the_page_and_the_command_show_the_same_request(
    project: Settings, client: TestClient
) -> None:
    where = requested(client, format="csv-excel", split="district")
    (one,) = api.requests(project, user_id=CREATOR)
    assert where == f"/requests/{one.request_id}"
    assert one.form == ReportForm(format=Format.CSV_EXCEL, split_by="district")  # type: ignore[arg-type]
    assert (one.course_id, one.batch_ids, one.requester) == (MATHS, ["001"], CREATOR)
    assert "CSV for Excel, one file per district" in read(client, where).text


def test_excel_in_one_file_without_a_password_is_preselected(client: TestClient) -> None:
    form = read(client, BATCH).form(f"{BATCH}/request")
    del form["csrf"]
    assert form == {"format": "xlsx", "split": "", "password": "", "again": ""}


def test_the_page_says_about_how_large_a_report_is(client: TestClient) -> None:
    labels = [one.text for one in read(client, BATCH).all("label")]
    assert [one for one in labels if one.endswith("(about 13.1 kB)")]


def test_a_form_that_is_sent_twice_is_one_request(project: Settings, client: TestClient) -> None:
    form = read(client, BATCH).form(f"{BATCH}/request")
    answers = [client.post(f"{BATCH}/request", data=form) for _ in range(2)]
    assert [one.status_code for one in answers] == [303, 303]
    assert len({one.headers["location"] for one in answers}) == 1
    assert len(api.requests(project)) == 1


def test_another_form_is_another_request(project: Settings, client: TestClient) -> None:
    assert requested(client) != requested(client, format="csv")
    assert len(api.requests(project)) == 2


def test_one_person_has_only_so_many_requests_under_way(project: Settings) -> None:
    with browser(replace(project, max_requests_under_way=1), CREATOR) as client:
        requested(client)
        answer = request(client, format="csv")
    assert answer.status_code == 400
    assert "max_requests_under_way" in checked(answer).text
    assert checked(answer).form(f"{BATCH}/request")["format"] == "csv"


def test_the_button_says_what_is_under_way(project: Settings, client: TestClient) -> None:
    assert "Under way" not in read(client, BATCH).text
    where = requested(client)
    page = read(client, BATCH)
    assert "(Excel): Waiting, 1st in the queue." in page.text
    assert page.links()["Follow it"] == where
    assert "Request another form of the report" in [one.text for one in page.all("button")]
    with Ledger.open(project.profile) as ledger:
        claim = ledger.claim("w")
        assert claim
        ledger.heartbeat(claim, rows_done=1)
    assert "(Excel): Being made: 1 of 2 rows." in read(client, BATCH).text


def test_a_colleagues_request_is_shown_without_who_they_are(project: Settings) -> None:
    with browser(project, COLLEAGUE) as colleague:
        theirs = requested(colleague)
    with browser(project, MENTOR) as client:
        page = read(client, BATCH)
        answer = request(client)
        assert client.get(theirs).status_code == 404
    assert "by a mentor of the batch (Excel): Waiting, 1st in the queue." in page.text
    assert "Follow it" not in page.text
    assert theirs.split("/")[-1] not in page.text
    refused = checked(answer)
    assert answer.status_code == 400
    assert "requested at" in refused.text
    assert "by a mentor of the batch and is SUBMITTED, with 0 of 1 rows." in refused.text
    assert COLLEAGUE not in page.text + refused.text


def test_requests_for_other_learners_do_not_show(project: Settings, client: TestClient) -> None:
    """The creator's report has all learners: it is not the one that a mentor would get."""
    requested(client)
    with browser(project, MENTOR) as mentor:
        assert "Under way" not in read(mentor, BATCH).text
        requested(mentor)


def test_two_people_who_ask_at_once_get_their_own(project: Settings) -> None:
    with browser(project, CREATOR) as one, browser(project, MENTOR) as other:
        clients = [one, other] * 4
        forms = [read(client, BATCH).form(f"{BATCH}/request") for client in clients]
        with ThreadPoolExecutor(8) as pool:
            answers = [
                *pool.map(
                    lambda pair: pair[0].post(f"{BATCH}/request", data=pair[1]),
                    zip(clients, forms, strict=True),
                )
            ]
        assert {answer.status_code for answer in answers} == {303}
        found = {(n % 2, answer.headers["location"]) for n, answer in enumerate(answers)}
        assert len(found) == 2
        for mine, client, stranger in ((0, one, other), (1, other, one)):
            (where,) = [address for whose, address in found if whose == mine]
            assert client.get(where).status_code == 200
            assert stranger.get(where).status_code == 404


@pytest.mark.parametrize("what", ["", "/changes?other=x"])
def test_a_request_of_somebody_else_does_not_exist(
    project: Settings, client: TestClient, what: str
) -> None:
    where = requested(client)
    process_requests(project)
    with browser(project, MENTOR) as other:
        csrf = read(other, BATCH).form(f"{BATCH}/request")["csrf"]
        answers = [other.get(where + what), other.get(f"/requests/{'0' * 32}{what}")]
        answers += [
            other.post(f"{one}/{action}", data={"csrf": csrf})
            for one in (where, f"/requests/{'0' * 32}")
            for action in ("cancel", "since")
        ]
        assert read(other, "/requests").status.startswith("You have not requested a report yet.")
    assert {answer.status_code for answer in answers} == {404}
    assert len({Page(answer.text).all("main")[0].text for answer in answers}) == 1
    assert api.requests(project)[0].status is Status.SUCCESS


def test_a_request_is_cancelled(project: Settings, client: TestClient) -> None:
    where = requested(client)
    form = read(client, where).form(f"{where}/cancel")
    answer = client.post(f"{where}/cancel", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, where)
    page = read(client, where)
    assert page.status == "Cancelled"
    assert "You can request it again." in page.text
    assert client.post(f"{where}/cancel", data=form).headers["location"] == where
    assert process_requests(project) == []


def test_a_failed_request_says_why_and_what_to_do(project: Settings) -> None:
    with browser(project, CREATOR) as client:
        where = requested(client)
    rights = f"values ('{CREATOR}', '{MATHS}', '001', true, 2, 1)"
    execute(project, "delete from {schema}.requester_batches where batch_id = '001'")
    (failed,) = process_requests(project)
    execute(project, f"insert into {{schema}}.requester_batches {rights}")
    assert failed.error
    with browser(project, CREATOR) as client:
        page = read(client, where)
        listed = read(client, "/requests")
    assert page.status == "Failed"
    assert "Request the report again." in page.text
    for shown in (page, listed):
        assert " ".join(failed.error.split()) in shown.text


def test_a_failed_request_says_why_in_the_language_of_the_page(project: Settings) -> None:
    with browser(project, CREATOR) as client:
        where = requested(client)
        with Ledger.open(project.profile) as ledger:
            claim = ledger.claim("w")
            assert claim
            ledger.fail(claim, reason_for(KeyboardInterrupt()), is_final=True)
        assert "Its worker was stopped." in read(client, where).text
        client.headers["Accept-Language"] = "hi"
        for path in (where, "/requests"):
            assert "इसका वर्कर रोक दिया गया।" in read(client, path).text


@pytest.mark.parametrize(
    "reason",
    [
        "Its worker stopped three times.",
        "Its worker stopped, and the report was requested again.",
        "The reader of standard output stopped reading.",
        "Its password was forgotten: a request keeps it for a day, and an export only while it "
        "runs. Request it again.",
        "Its password is sealed to the key of another worker. Request it again; all workers of a "
        "ledger need one key (`worker_key_file`).",
        "Only the export that was stopped had the earlier report, as a file. Export again.",
    ],
)
def test_a_reason_without_values_is_known_to_the_languages(reason: str) -> None:
    for language in DRAFTS:
        assert told(reason, language) != reason


def test_the_functions_of_the_ledger_give_the_reason_that_the_pages_know() -> None:
    functions = files("exhaust.requests").joinpath("functions.sql").read_text("utf-8")
    assert f"'{REPLACED}'" in functions


def test_the_page_says_that_no_worker_has_been_seen(project: Settings, client: TestClient) -> None:
    words = "no worker has been seen in the last 10 minutes"
    where = requested(client)
    for path in (BATCH, where, "/requests"):
        assert words in read(client, path).text, path
    with Ledger.open(project.profile) as ledger:
        assert ledger.claim("w")
    for path in (BATCH, where, "/requests"):
        assert words not in read(client, path).text, path


def test_files_that_are_gone_are_said_to_be_gone(project: Settings, client: TestClient) -> None:
    where = requested(client)
    process_requests(project)
    for file in project.results_dir.rglob("*.xlsx"):
        file.unlink()
    assert "has no files in the folder of results" in read(client, where).text


def test_a_password_is_sealed_and_never_sent_back(project: Settings, client: TestClient) -> None:
    unsealed = request(client, password=SECRET, again=SECRET)
    assert "No worker has published a key yet" in checked(unsealed).text
    assert SECRET not in unsealed.text
    assert process_requests(project) == []
    where = requested(client, password=SECRET, again=SECRET)
    assert "Excel, with a password" in read(client, where).text


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"password": SECRET}, "again", "Error: The two passwords are not the same."),
        ({"password": "abcd", "again": "abcd"}, "password", "Error: The password is too short"),
    ],
)
def test_what_is_wrong_with_a_field_stands_next_to_it(
    project: Settings, client: TestClient, changes: dict[str, str], field: str, words: str
) -> None:
    answer = request(client, format="csv", split="district", **changes)
    page = checked(answer)
    assert answer.status_code == 400
    (shown,) = [one for one in page.all("input") if one["id"] == field]
    assert shown["aria-invalid"] == "true"
    assert f"{field}-error" in shown["aria-describedby"].split()
    (error,) = [one for one in page.all("p") if one["id"] == f"{field}-error"]
    assert error.text.startswith(words)
    sent_again = page.form(f"{BATCH}/request")
    assert (sent_again["format"], sent_again["split"]) == ("csv", "district")
    assert sent_again["password"] == sent_again["again"] == ""
    assert changes["password"] not in answer.text
    assert api.requests(project) == []


def test_what_is_wrong_is_said_in_the_language_of_the_page(client: TestClient) -> None:
    client.headers["Accept-Language"] = "hi"
    for changes, words in (
        ({"password": "abcd", "again": "abcd"}, "उसमें कम से कम 6 अक्षर होने चाहिए।"),
        ({"password": SECRET, "again": SECRET}, "अभी तक किसी वर्कर ने कुंजी प्रकाशित नहीं की है"),
        ({"format": "exe"}, "यह पृष्ठ रिपोर्ट का वह रूप नहीं देता।"),
    ):
        assert words in checked(request(client, **changes)).text


@pytest.mark.parametrize("changes", [{"format": "exe"}, {"split": "learner"}, {"format": ""}])
def test_choices_that_the_page_does_not_offer_are_refused(
    project: Settings, client: TestClient, changes: dict[str, str]
) -> None:
    answer = request(client, **changes)
    assert answer.status_code == 400
    assert "This page does not offer that form of the report." in checked(answer).text
    assert api.requests(project) == []


def test_a_batch_that_is_not_ones_own_cannot_be_requested(project: Settings) -> None:
    with browser(project, MENTOR) as client:
        form = read(client, BATCH).form(f"{BATCH}/request")
        for other in (f"/courses/{MATHS}/batches/002", "/courses/do_2/batches/001"):
            assert client.post(f"{other}/request", data=form).status_code == 404
    assert api.requests(project) == []


def test_the_operator_requests_for_somebody(project: Settings) -> None:
    with browser(project) as client:
        for user, words in (("", "Fill in this field."), ("stranger", "has not created a course")):
            answer = request(client, user=user)
            (error,) = [one for one in checked(answer).all("p") if one["id"] == "user-error"]
            assert words in error.text
        where = requested(client, user=MENTOR)
        page = read(client, "/requests")
    assert page.heading == "Reports of everybody"
    with browser(project, MENTOR) as mentor:
        assert read(mentor, where).status == "Waiting, 1st in the queue"


def test_nobody_requests_for_somebody_else(project: Settings, client: TestClient) -> None:
    requested(client, user=MENTOR)
    assert [one.requester for one in api.requests(project)] == [CREATOR]


def test_htmx_gets_the_part_that_changes_until_the_request_has_ended(
    project: Settings, client: TestClient
) -> None:
    where = requested(client)
    for path in (where, "/requests?page=1"):
        part = client.get(path, headers={"HX-Request": "true"}).text
        assert "<html" not in part
        assert f'hx-get="{path}"' in part
        assert "Look again" in Page(part).links()
    process_requests(project)
    for path in (where, "/requests?page=1"):
        assert "hx-get" not in client.get(path, headers={"HX-Request": "true"}).text


def test_many_requests_have_further_pages(
    project: Settings, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exhaust.web.routes.requests.ON_A_PAGE", 2)
    for format in ("xlsx", "csv", "csv-excel"):
        requested(client, format=format)
    first = read(client, "/requests")
    second = read(client, first.links()["Next page"])
    rows = [one.table("Requested reports, newest first") for one in (first, second)]
    assert [len(one) for one in rows] == [2, 1]
    assert rows[1][0][1] == "Excel"
    for text in ("0", "-1", "x", "", "99999999999999999999", "\u0663"):
        assert client.get("/requests", params={"page": text}).status_code == 200
