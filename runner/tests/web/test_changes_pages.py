"""What is new since a report: a further request, and two reports side by side."""

import pytest
from handmade_marts import CREATOR, MATHS, MATHS_2
from handmade_summaries import with_summaries
from page_reader import Page, faults, query, read
from requests_support import execute, process_requests
from web_support import browser

from exhaust import api
from exhaust.project.settings import Settings
from exhaust.reports.form import ReportForm
from exhaust.reports.formats import Format

pytestmark = pytest.mark.not_on_spark

SECRET = "a long secret"
CHANGE = f"update {{schema}}.course_progress set progress = 77 where course_id = '{MATHS}'"


@pytest.fixture
def project(settings: Settings) -> Settings:
    return with_summaries(settings)


def made(project: Settings, password: str | None = None, **form: object) -> str:
    """Returns the ID of a request that was processed."""
    one = api.submit(
        project,
        MATHS,
        batches=["001"],
        user_id=CREATOR,
        form=ReportForm(**form),  # type: ignore[arg-type]
        password=password,
    )
    process_requests(project)
    return one.request_id


@pytest.fixture
def reports(project: Settings) -> tuple[str, str]:
    """The IDs of two reports, between which the progress of both learners changed."""
    old = made(project)
    execute(project, CHANGE)
    return old, made(project, format=Format.XLSX)


def test_what_is_new_since_a_report_is_requested(
    project: Settings, reports: tuple[str, str]
) -> None:
    old, _ = reports
    with browser(project, CREATOR) as client:
        page = read(client, f"/requests/{old}")
        answer = client.post(f"/requests/{old}/since", data=page.form(f"/requests/{old}/since"))
        where = answer.headers["location"]
        assert "CSV, only what is new" in read(client, where).text
    (done,) = process_requests(project)
    assert (f"/requests/{done.request_id}", done.form.since, done.rows_done) == (where, old, 2)


def test_two_reports_are_compared(project: Settings, reports: tuple[str, str]) -> None:
    old, new = reports
    with browser(project, CREATOR) as client:
        for one, other in (reports, reports[::-1]):
            page = read(client, f"/requests/{one}")
            path = f"/requests/{one}/changes"
            assert page.form(path) == {"other": other}
            page = read(client, query(path, other=other))
            (difference,) = api.changes(project, old, new, user_id=CREATOR)
            (counts, changes) = [table.all("tbody")[0].all("tr") for table in page.all("table")]
            assert [int(row.all("td")[0].text) for row in counts] == [
                difference.learners_new,
                difference.learners_gone,
                difference.learners_completed,
                difference.learners_certified,
                difference.learners_changed,
                difference.learners_unchanged,
            ]
            assert difference.learners_changed == 2
            assert [[cell.text for cell in row.all("th", "td")] for row in changes] == [
                ["u1", "changed", "Progress", "100", "77"],
                ["u2", "changed", "Progress", "0", "77"],
            ]


def test_passwords_are_asked_for_first(project: Settings) -> None:
    process_requests(project)
    old = made(project, format=Format.XLSX)
    execute(project, CHANGE)
    new = made(project, SECRET)
    path = f"/requests/{new}/changes?other={old}"
    with browser(project, CREATOR) as client:
        asking = read(client, path)
        form = asking.form(path)
        assert form == {"csrf": form["csrf"], "new": ""}
        wrong = client.post(path, data={**form, "new": "another secret"})
        right = client.post(path, data={**form, "new": SECRET})
    assert (wrong.status_code, "The password is wrong" in wrong.text) == (400, True)
    assert faults(Page(wrong.text)) == []
    assert (right.status_code, "u1" in Page(right.text).text) == (200, True)
    assert SECRET not in right.text


def test_what_is_new_since_a_protected_report_needs_its_password(project: Settings) -> None:
    process_requests(project)
    old = made(project, SECRET)
    path = f"/requests/{old}/since"
    with browser(project, CREATOR) as client:
        form = read(client, f"/requests/{old}").form(path)
        assert client.post(path, data=form).status_code == 400
        answer = client.post(path, data={**form, "password": SECRET})
    assert answer.status_code == 303
    (done,) = process_requests(project)
    assert (done.form.since, done.error) == (old, None)


def test_only_whole_reports_of_the_same_batch_can_be_compared(project: Settings) -> None:
    plain = made(project)
    partial = made(project, since=plain)
    other = api.submit(project, MATHS_2, user_id=CREATOR).request_id
    process_requests(project)
    with browser(project, CREATOR) as client:
        assert "Compare it with another" not in read(client, f"/requests/{plain}").text
        for one in (partial, other):
            page = read(client, f"/requests/{plain}/changes?other={one}", 400)
            assert "compared here" in page.text or "no batch in common" in page.text


def test_who_has_lost_the_right_to_a_report_does_not_see_what_changed(
    project: Settings, reports: tuple[str, str]
) -> None:
    old, new = reports
    execute(project, "delete from {schema}.requester_batches where batch_id = '001'")
    with browser(project, CREATOR) as client:
        answer = client.get(f"/requests/{new}/changes?other={old}")
    assert answer.status_code == 400
    assert "is no longer in the data that is built here" in answer.text
    assert "u1" not in answer.text
