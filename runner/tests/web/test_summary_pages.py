"""The pages of the sample's batches agree with what the functions of `api` say."""

import gzip
import re

import pytest
from cli_support import COURSE, LEARNER, MENTOR, SAMPLE
from explain_support import user
from page_reader import Page, query, read
from support import Built
from web_support import browser

from exhaust import api
from exhaust.marts.summaries import Funnel
from exhaust.project.settings import Settings
from exhaust.web.language import DRAFTS

pytestmark = pytest.mark.not_on_spark

CREATOR = "90e616e7-8a79-52d7-99e9-3aaf5457b015"
ELSEWHERE = "do_31300000000000000003"
"""The creator's course of another tenant, of which they see the learners of their own."""
OF_ANOTHER_TENANT = "1671e7e9-5b05-549d-985b-3f7af90e845f"
"""A learner of that course whom the creator does not see."""
WEEKS = "Enrolments and completions per week"
ATTEMPTS = "Attempts in batches of the course in which the learner is not enrolled"
MAX_BYTES = 30_000
EXPLAINED = (
    *("01cb756e", "03908454", "0495a9bc", "05bcec65", "10b7da67", "1162af92", "1429a8a8"),
    *("15d3ac33", "1671e7e9", "17dbfdce", "189ff327", "194f3654", "20374080", "2153d1f0"),
    *("2469ebe9", "3092d30a", "33c9cf41"),
)
"""Learners of the sample who have all kinds of reasons."""
WORD = re.compile(r"(?<![\w`/.:-])[A-Za-z_]+(?![\w`/.:-])")
"""A word in Latin letters; neither an ID nor a path, a time or a quoted value."""
COLUMNS = {
    *("certificates", "completedon", "framework", "profilelocation", "profileusertypes", "user"),
    *("course_batch", "enrolled_date", "enrolleddate", "issued_certificates"),
}
PERSONAS = {"administrator", "teacher"}


@pytest.fixture
def project(built: Built) -> Settings:
    return built(SAMPLE)


@pytest.mark.parametrize("user", [CREATOR, MENTOR, None])
def test_every_batch_has_the_numbers_of_its_summary(project: Settings, user: str | None) -> None:
    with browser(project, user) as client:
        for course in api.courses(project, user_id=user):
            _, batches = api.batches(project, course.id, user_id=user)
            for batch in batches:
                page = read(client, f"/courses/{course.id}/batches/{batch.id}")
                assert_agrees(page, project, course.id, batch.id, user)


def assert_agrees(page: Page, project: Settings, course: str, batch: str, user: str | None) -> None:
    summary = api.summary(project, course, batch, user_id=user)
    steps = page.table("How far they are")
    assert [int(row[1]) for row in steps] == counts(summary.funnel)
    places = page.tables("Learners by district")
    shown = [[int(row[1]), *(int(cell.split()[0]) for cell in row[3:])] for row in joined(places)]
    assert shown == [counts(one.funnel) for one in summary.districts]
    weeks = [list(map(int, row[1:])) for row in joined(page.tables(WEEKS))]
    assert [row for row in weeks if any(row)] == [[w.enrolled, w.completed] for w in summary.weeks]
    scores = [[int(row[1]) for row in table] for table in page.tables("Learners by score")]
    expected = [[bin.learners for bin in one.bins] for one in summary.assessments]
    assert scores == expected[:10]
    left_out = [int(row[1]) for row in joined(page.tables("Left out of the report"))]
    assert left_out == [count for count in summary.left_out.values() if count]


def joined(tables: list[list[list[str]]]) -> list[list[str]]:
    return [row for table in tables for row in table]


def counts(funnel: Funnel) -> list[int]:
    return [funnel.enrolled, funnel.started, funnel.completed, funnel.certified]


def test_one_sees_ones_own_learners_of_a_course_of_another_tenant(project: Settings) -> None:
    with browser(project, CREATOR) as client:
        page = read(client, f"/courses/{ELSEWHERE}/batches/0130300000000000301")
    assert page.table("How far they are")[0][1] == "1"
    assert ["the learner belongs to another organisation than you", "3"] in page.table(
        "Left out of the report"
    )


@pytest.mark.parametrize("language", ["en", "hi", "ta"])
def test_a_page_is_small(project: Settings, language: str) -> None:
    with browser(project, CREATOR) as client:
        client.headers["Accept-Language"] = language
        html = client.get(f"/courses/{COURSE}/batches/0130300000000000102")
        style = re.search(r'"(/static/[^"]+\.css)"', html.text)
        assert style
        css = client.get(style[1])
    assert f'<html lang="{language}">' in html.text
    assert sum(len(gzip.compress(one.content)) for one in (html, css)) < MAX_BYTES


def test_a_row_is_explained_in_the_words_of_the_command(project: Settings) -> None:
    with browser(project, CREATOR) as client:
        page = read(client, query(f"/courses/{COURSE}/explain", learner=LEARNER))
    explanation = api.explain(project, COURSE, LEARNER, user_id=CREATOR)
    assert explanation.enrolments
    for one in explanation.enrolments:
        assert f"because {one.because}." in page.text
    values = joined(page.tables("Values"))
    assert values == [
        [value.label, " ".join((value.value or "").split()), " ".join(value.because.split())]
        for one in explanation.enrolments
        for value in one.values
    ]
    attempts = [*(a for one in explanation.enrolments for a in one.attempts)]
    assert [row[0] for row in joined(page.tables("Attempts"))] == [a.content_id for a in attempts]
    assert len(joined(page.tables(ATTEMPTS))) == len(explanation.attempts_elsewhere) > 0


@pytest.mark.parametrize("language", DRAFTS)
def test_the_reasons_of_a_row_are_in_the_language_of_the_page(
    project: Settings, language: str
) -> None:
    reasons = set()
    with browser(project) as client:
        client.headers["Accept-Language"] = language
        for learner in map(user, EXPLAINED):
            page = read(client, query(f"/courses/{COURSE}/explain", learner=learner))
            names = names_of_schools(project, learner)
            reasons |= {without(names, one) for one in whys(page)}
    assert len(reasons) > 60
    words = {word for reason in reasons for word in WORD.findall(reason)}
    assert words - COLUMNS - PERSONAS == set()


def whys(page: Page) -> list[str]:
    """Returns why there is a row or not, and the last cell of each row of the tables."""
    rows = [row.all("td") for row in page.all("tr") if row.all("td")]
    return [*(one.text for one in page.all("p") if one.all("strong")), *(r[-1].text for r in rows)]


def names_of_schools(project: Settings, learner: str) -> set[str]:
    found = api.explain(project, COURSE, learner).enrolments
    return {" ".join((school.school_name or "").split()) for one in found for school in one.schools}


def without(names: set[str], text: str) -> str:
    for name in names:
        text = text.replace(name, "")
    return text


def test_only_the_rows_of_one_batch_are_explained_if_it_is_chosen(project: Settings) -> None:
    with browser(project, CREATOR) as client:
        path = f"/courses/{COURSE}/explain"
        learners = api.explain(project, COURSE, LEARNER, user_id=CREATOR).enrolments
        page = read(client, query(path, learner=LEARNER, batch=learners[0].batch_id))
    assert len(page.all("h2")) == 1


def test_who_may_not_be_explained_is_like_who_does_not_exist(project: Settings) -> None:
    with browser(project, CREATOR) as client:
        texts = set()
        for learner in (OF_ANOTHER_TENANT, "nobody"):
            answer = client.get(query(f"/courses/{ELSEWHERE}/explain", learner=learner))
            assert answer.status_code == 404
            page = Page(answer.text)
            (error,) = [one for one in page.all("p") if one["id"] == "learner-error"]
            texts.add(error.text.replace(learner, ""))
    assert len(texts) == 1
