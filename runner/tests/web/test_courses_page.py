"""The list of courses and its search."""

import pytest
from handmade_marts import CREATOR, MATHS, MATHS_2, MENTOR, create_marts
from web_support import browser

from exhaust.project.settings import Settings
from exhaust.warehouse import connect

pytestmark = pytest.mark.not_on_spark


@pytest.fixture
def project(settings: Settings) -> Settings:
    with connect(settings.profile, writing=True) as warehouse:
        create_marts(warehouse, settings)
    return settings


def test_the_list_shows_only_what_the_person_may_have(project: Settings) -> None:
    with browser(project, MENTOR) as client:
        page = client.get("/").text
    assert MATHS in page
    assert MATHS_2 not in page


@pytest.mark.parametrize(
    "text", ["mathematics ii", "do_2", "https://portal.example.org/learn/course/do_2"]
)
def test_the_search_takes_names_ids_and_addresses(project: Settings, text: str) -> None:
    with browser(project, CREATOR) as client:
        page = client.get("/", params={"q": text}).text
    assert f"/courses/{MATHS_2}" in page
    assert f'/courses/{MATHS}"' not in page


def test_names_are_text_and_never_markup(project: Settings) -> None:
    with browser(project) as client:
        page = client.get("/", params={"q": "<script>alert(1)</script>"}).text
    assert "<script>alert" not in page
