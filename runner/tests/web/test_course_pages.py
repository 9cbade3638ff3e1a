"""The pages of a course and its batches: what they show, and to whom."""

import pytest
from handmade_marts import (
    CREATOR,
    EMPTY,
    EMPTY_NAME,
    MATHS,
    MATHS_2,
    MENTOR,
    RETIRED,
    WITHOUT_ORGANISATION,
)
from handmade_summaries import with_summaries
from httpx import Response
from page_reader import Page, query, read
from requests_support import execute
from starlette.testclient import TestClient
from web_support import browser, csrf_of

from exhaust.project.settings import Settings

pytestmark = pytest.mark.not_on_spark

COURSE = f"/courses/{MATHS}"
BATCH = f"{COURSE}/batches/001"
PAGES = (
    COURSE,
    BATCH,
    f"{BATCH}/places",
    f"{BATCH}/places?state=Kerala&district=Idukki",
    f"{BATCH}/assessments",
    f"{COURSE}/explain",
)


@pytest.fixture
def project(settings: Settings) -> Settings:
    return with_summaries(settings)


def test_the_search_leads_to_the_course_its_batches_and_a_batch(project: Settings) -> None:
    with browser(project, CREATOR) as client:
        found = read(client, query("/", q="do_1"))
        course = read(client, found.links()["Mathematics"])
        batch = read(client, course.links()["First"])
    assert found.table("Courses") == [["Mathematics do_1", "Live", "2", "3"]]
    assert course.heading == "Mathematics"
    assert course.table("2 batches") == [
        ["First 001", "Live", "1 Jan 2026", "", "2", "1 (50%)"],
        ["Second 002", "Live", "1 Jan 2026", "", "1", "1 (100%)"],
    ]
    assert batch.heading == "First"
    assert "You are the course's creator." in batch.text
    assert "As of 31 Oct 2026, 12:15 am" in batch.text


def test_the_creator_sees_all_learners(project: Settings) -> None:
    with browser(project, CREATOR) as client:
        page = read(client, BATCH)
    assert page.table("How far they are") == [
        ["Enrolled", "2", "100%"],
        ["Started", "1", "50%"],
        ["Completed", "1", "50%"],
        ["Certified", "0", "0%"],
    ]
    assert [row[0] for row in page.table("Learners by district")] == ["Gaya Bihar", "Idukki Kerala"]


def test_a_mentor_of_another_tenant_sees_their_own_learners(project: Settings) -> None:
    with browser(project, MENTOR) as client:
        page = read(client, BATCH)
        course = read(client, COURSE)
    assert page.table("How far they are")[0] == ["Enrolled", "1", "100%"]
    assert page.table("Learners by district") == [
        ["Idukki Kerala", "1", "", "0", "0 (0%)", "0"],
    ]
    assert "You are a mentor of the batch. You see the learners of your own organisation." in (
        page.text
    )
    assert [row[0] for row in course.table("1 batch")] == ["First 001"]
    for other in ("Gaya", "Second"):
        assert other not in page.text + course.text


def test_who_belongs_to_no_organisation_sees_no_learners(project: Settings) -> None:
    with browser(project, WITHOUT_ORGANISATION) as client:
        page = read(client, f"{COURSE}/batches/002")
    assert page.table("How far they are")[0] == ["Enrolled", "0", "-"]
    assert page.tables("Learners by district") == []


def test_the_operator_sees_everything(project: Settings) -> None:
    with browser(project) as client:
        page = read(client, BATCH)
    assert page.table("How far they are")[0] == ["Enrolled", "2", "100%"]


def test_a_district_leads_to_its_blocks(project: Settings) -> None:
    with browser(project, CREATOR) as client:
        page = read(client, BATCH)
        gaya = read(client, page.links()["Gaya"])
        idukki = read(client, page.links()["Idukki"])
    assert gaya.heading == "Gaya"
    assert gaya.table("Learners by block") == [["Town", "1", "", "1", "1 (100%)", "0"]]
    assert idukki.table("Learners by block")[0][0] == "not known"


def test_learners_without_a_district_are_counted(project: Settings) -> None:
    with browser(project, CREATOR) as client:
        page = read(client, f"{COURSE}/batches/002")
        assert page.table("Learners by district")[0][0] == "not known"
        read(client, page.links()["not known"])


def test_weeks_in_which_nothing_happened_are_shown(project: Settings) -> None:
    with browser(project, CREATOR) as client:
        page = read(client, BATCH)
    assert page.table("Enrolments and completions per week") == [
        ["26 Jan 2026", "1", "0"],
        ["2 Feb 2026", "0", "0"],
        ["9 Feb 2026", "1", "0"],
        ["16 Feb 2026", "0", "1"],
    ]


def test_a_wrong_date_does_not_make_thousands_of_weeks(project: Settings) -> None:
    execute(
        project,
        f"insert into {{schema}}.week_summaries values "
        f"('{MATHS}', '001', 't', date '1970-01-05', 1, 0)",
    )
    with browser(project, CREATOR) as client:
        page = read(client, BATCH)
    rows = page.table("Enrolments and completions per week")
    assert [row[0] for row in rows] == ["5 Jan 1970", "26 Jan 2026", "9 Feb 2026", "16 Feb 2026"]
    assert "Weeks without an enrolment or a completion are left out." in page.text


def test_not_attempted_is_not_a_score_of_zero(project: Settings) -> None:
    with browser(project, CREATOR) as client:
        page = read(client, BATCH)
    rows = page.table("Learners by score")
    assert rows[:3] == [["Not attempted", "1"], ["0%", "1"], ["1\u20139%", "0"]]
    assert rows[-2:] == [["100%", "0"], ["over 100%", "0"]]
    assert 'Fractions <&> "x"' in page.text


def test_charts_have_a_bar_for_each_number(project: Settings) -> None:
    with browser(project, CREATOR) as client:
        page = read(client, BATCH)
    charts = {chart.all("title")[0].text: chart for chart in page.all("svg") if chart.all("title")}
    bars = {
        title: [path["d"].count("M") for path in chart.all("path") if path["class"] != "axis"]
        for title, chart in charts.items()
        if chart.all("path")
    }
    assert bars == {
        # Two weeks with enrolments and one with a completion; a score of zero, and no attempt.
        "Enrolments and completions per week": [2, 1],
        'Fractions <&> "x"': [1, 1],
    }
    funnel = charts["How far they are"].all("rect")
    assert [float(bar["width"]) for bar in funnel] == [300, 150, 150, 0]
    assert charts["How far they are"].all("text")[0].text == "Enrolled: 2"


def test_more_than_ten_assessments_have_a_second_page(project: Settings) -> None:
    values = ", ".join(f"('{MATHS}', 'do_x{n}', {n}, 'Quiz {n}')" for n in range(2, 24))
    execute(project, f"insert into {{schema}}.course_assessments values {values}")
    with browser(project, CREATOR) as client:
        first = read(client, BATCH)
        second = read(client, first.links()["The other 13 assessments"])
        third = read(client, second.links()["Next page"])
        beyond = read(client, f"{BATCH}/assessments?page=99")
    shown = [[one.text for one in page.all("figcaption")][-10:] for page in (first, second, third)]
    assert shown[1] == [f"Quiz {n}" for n in range(11, 21)]
    assert shown[0][-1] == "Quiz 10"
    assert shown[2] == ["Quiz 21", "Quiz 22", "Quiz 23"]
    assert beyond.heading == "Assessments"
    assert "Quiz 23" in beyond.text


def test_what_is_left_out_is_counted_with_its_reason(project: Settings) -> None:
    with browser(project, CREATOR) as client:
        page = read(client, BATCH)
        whole = read(client, f"{COURSE}/batches/002")
    assert page.table("Left out of the report") == [
        ["the enrolment is not active", "2"],
        ["the enrolment has no date", "1"],
        ["the date of the enrolment cannot be read", "4"],
    ]
    assert "Nobody: every enrolment is a row of the report." in whole.text


def test_names_are_text_and_never_markup(project: Settings) -> None:
    execute(
        project,
        f"update {{schema}}.course_batches set batch_name = '<script>alert(1)</script>' "
        f"where course_id = '{MATHS}'",
    )
    with browser(project) as client:
        assert read(client, f"/courses/{EMPTY}").heading == " ".join(EMPTY_NAME.split())
        for path in (COURSE, BATCH):
            page = read(client, path)
            assert "<script>alert(1)</script>" in page.text
            assert len(page.all("script")) == 1


def test_a_retired_course_cannot_be_requested(project: Settings) -> None:
    with browser(project, CREATOR) as client:
        page = read(client, f"/courses/{RETIRED}/batches/003")
        sent = {"csrf": csrf_of(client.get("/").text), "format": "csv"}
        answer = client.post(f"/courses/{RETIRED}/batches/003/request", data=sent)
    assert "This course is retired" in page.text
    assert not [form for form in page.all("form") if "/request" in form["action"]]
    assert (answer.status_code, "This course is retired" in answer.text) == (404, False)


def test_a_stranger_sees_nothing_and_learns_nothing(project: Settings) -> None:
    with browser(project, "stranger") as client:
        home = read(client, "/")
        assert "There are no courses for you here." in home.text
        assert read(client, "/?q=do_1").text == home.text
        answers = [nothing(client, path) for path in (*PAGES, "/courses/do_999", "/nowhere")]
    assert len({*answers}) == 1


def test_what_is_forbidden_looks_like_what_does_not_exist(project: Settings) -> None:
    """Also the batch of a course of which somebody has another batch, and a course by its name."""
    forbidden = (
        f"/courses/{MATHS_2}",
        f"/courses/{MATHS_2}/batches/001",
        f"{COURSE}/batches/002",
        f"{COURSE}/batches/002/places",
        f"{COURSE}/batches/002/assessments",
        f"{COURSE}/explain?learner=u1&batch=002",
        f"{BATCH}/places?state=Bihar&district=Gaya",
    )
    unknown = (
        "/courses/do_999",
        "/courses/Mathematics",
        f"{COURSE}/batches/998",
        f"{COURSE}/batches/First",
        f"{COURSE}/explain?learner=u1&batch=998",
        f"{BATCH}/places?state=Bihar&district=Nowhere",
    )
    with browser(project, MENTOR) as client:
        answers = {nothing(client, path) for path in (*forbidden, *unknown)}
    assert len(answers) == 1


def nothing(client: TestClient, path: str) -> str:
    """Returns the words of a page that is not there, without the address, which it was given."""
    answer: Response = client.get(path)
    assert answer.status_code == 404, path
    (main,) = Page(answer.text).all("main")
    return main.text


def test_learners_whom_one_may_not_see_are_like_those_who_do_not_exist(project: Settings) -> None:
    """The handmade marts cannot explain a row, so the page says so for both."""
    with browser(project, MENTOR) as client:
        texts = {
            client.get(query(f"{COURSE}/explain", learner=one)).text.replace(one, "")
            for one in ("u1", "u9")
        }
    assert len({Page(text).all("main")[0].text for text in texts}) == 1
