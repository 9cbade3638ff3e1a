import unicodedata
from dataclasses import replace

import pytest
from marts import (
    CREATOR,
    EMPTY,
    EMPTY_NAME,
    HOMELESS,
    MATHS,
    MATHS_2,
    MENTOR,
    RETIRED,
    create_marts,
)
from support import relation

from exhaust.errors import Ambiguous, DataError, NotFound, PermissionDenied
from exhaust.marts import courses as catalogue
from exhaust.marts.courses import Batch, Course
from exhaust.project.settings import Settings
from exhaust.warehouse import Warehouse

pytestmark = pytest.mark.not_on_spark

CAFE = "Café ÉTUDE Straße"


def course(course_id: str, name: str | None) -> Course:
    return Course(course_id, name, "Live", None, 0, 0)


COURSES = [
    course("do_1", "Algebra"),
    course("do_2", "Algebra II"),
    course("do_3", "Geometry I"),
    course("do_4", unicodedata.normalize("NFD", CAFE)),
    course("do_5", None),
    course("Algebra II", "an id like a name"),
    course("do_6", "Twins"),
    course("do_7", "twins"),
]


@pytest.fixture
def marts(warehouse: Warehouse, settings: Settings) -> Warehouse:
    create_marts(warehouse, settings)
    return warehouse


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("do_2", "do_2"),
        ("Algebra II", "Algebra II"),
        ("algebra", "do_1"),
        ("GEO", "do_3"),
        (unicodedata.normalize("NFC", "café étude STRASSE"), "do_4"),
    ],
    ids=["id", "id before name", "whole name before part", "part in any case", "NFC"],
)
def test_a_course_is_named(text: str, found: str) -> None:
    assert catalogue.resolve_course(COURSES, text).id == found


@pytest.mark.parametrize("text", ["twins", "alge", "DO_1"])
def test_several_match_or_none(text: str) -> None:
    if text == "DO_1":
        with pytest.raises(NotFound, match="The nearest:\n  do_1  Algebra") as raised:
            catalogue.resolve_course(COURSES, text)
        assert "exhaust courses" in str(raised.value.hint)
        return
    with pytest.raises(Ambiguous, match=f"2 courses match `{text}`:\n  do_"):
        catalogue.resolve_course(COURSES, text)


def test_a_long_list_is_cut() -> None:
    courses = [course(f"do_{place}", "same") for place in range(1234)]
    with pytest.raises(Ambiguous) as raised:
        catalogue.resolve_course(courses, "same")
    lines = raised.value.message.splitlines()
    assert len(lines) == 12
    assert lines[-1] == "  and 1,224 more"


def test_the_nearest_are_five_at_most_and_need_not_be() -> None:
    courses = [course(f"do_{place}", f"Physics {place}") for place in range(9)]
    with pytest.raises(NotFound) as raised:
        catalogue.resolve_course(courses, "Phisics")
    assert len(raised.value.message.splitlines()) == 6
    with pytest.raises(NotFound) as raised:
        catalogue.resolve_course([], "Phisics")
    assert len(raised.value.message.splitlines()) == 1


def test_a_name_in_a_message_is_one_line() -> None:
    courses = [course("do_1", "two\nlines\x1b[2J"), course("do_2", "two\nlines")]
    with pytest.raises(Ambiguous) as raised:
        catalogue.resolve_course(courses, "two")
    assert r"  do_1  two\nlines\x1b[2J" in raised.value.message.splitlines()


def test_courses(marts: Warehouse, settings: Settings) -> None:
    found = catalogue.courses(marts, settings.profile.schema)
    assert [one.id for one in found] == [MATHS, MATHS_2, RETIRED, EMPTY]
    assert found[0] == Course(MATHS, "Mathematics", "Live", "State", 2, 6)
    assert found[3] == Course(EMPTY, EMPTY_NAME, None, None, 0, 0)


@pytest.mark.parametrize(
    ("text", "ids"), [("MATH", [MATHS, MATHS_2]), (RETIRED, [RETIRED]), ("do_", []), ("x;", [])]
)
def test_courses_are_found(marts: Warehouse, settings: Settings, text: str, ids: list[str]) -> None:
    assert [one.id for one in catalogue.courses(marts, settings.profile.schema, text)] == ids


def test_batches_are_the_known_ones(marts: Warehouse, settings: Settings) -> None:
    first, second = catalogue.batches(marts, settings.profile.schema, MATHS)
    assert (first.id, first.name, first.status, first.enrolled) == ("001", "First", "Live", 2)
    assert first.left_out == {
        "inactive": 2,
        "no enrolment date": 1,
        "enrolment date unreadable": 4,
        "outside the tenant": 0,
    }
    assert first.sees_all_learners
    assert second.id == "002"
    assert len(catalogue.batches(marts, settings.profile.schema)) == 4


def test_a_batch_is_named() -> None:
    batches = [
        Batch("do_1", "007", "First", None, None, None, 0, 0, 0, 0, 0, 0, True),
        Batch("do_1", "008", None, None, None, None, 0, 0, 0, 0, 0, 0, True),
    ]
    assert catalogue.resolve_batch(batches, "008").id == "008"
    assert catalogue.resolve_batch(batches, "fir").id == "007"
    with pytest.raises(NotFound, match="No batch of 2"):
        catalogue.resolve_batch(batches, "8")


def test_without_marts(warehouse: Warehouse, settings: Settings) -> None:
    with pytest.raises(DataError, match="Nothing is built"):
        catalogue.courses(warehouse, settings.profile.schema)


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (CREATOR, {MATHS: (2, 3), MATHS_2: (1, 1), RETIRED: (1, 1)}),
        (MENTOR, {MATHS: (1, 1)}),
        (HOMELESS, {MATHS: (1, 0)}),
    ],
)
def test_a_requester_sees_his_own_courses_and_their_learners(
    marts: Warehouse, settings: Settings, user: str, expected: dict[str, tuple[int, int]]
) -> None:
    schema = settings.profile.schema
    requester = catalogue.requester(marts, schema, user)
    found = catalogue.courses(marts, schema, requester=requester)
    assert {course.id: (course.batches, course.enrolments) for course in found} == expected


def test_the_creator_sees_a_course_without_batches(marts: Warehouse, settings: Settings) -> None:
    schema = settings.profile.schema
    marts.execute(f"delete from {relation(schema, 'requester_batches')}")
    requester = catalogue.requester(marts, schema, CREATOR)
    found = catalogue.courses(marts, schema, requester=requester)
    assert {course.id for course in found} == {MATHS, MATHS_2, RETIRED}
    assert {course.batches for course in found} == {0}


def test_a_requester_sees_his_own_batches_and_their_learners(
    marts: Warehouse, settings: Settings
) -> None:
    schema = settings.profile.schema
    mentor = catalogue.requester(marts, schema, MENTOR)
    (batch,) = catalogue.batches(marts, schema, MATHS, mentor)
    assert (batch.id, batch.enrolled, batch.completed, batch.sees_all_learners) == (
        "001",
        1,
        0,
        False,
    )
    assert batch.left_out["outside the tenant"] == 1
    creator = catalogue.requester(marts, schema, CREATOR)
    first, second = catalogue.batches(marts, schema, MATHS, creator)
    assert (first.enrolled, second.enrolled, first.sees_all_learners) == (2, 1, True)


@pytest.mark.parametrize("stranger", ["nobody", "", "' or true --"])
def test_a_stranger_may_see_nothing(marts: Warehouse, settings: Settings, stranger: str) -> None:
    with pytest.raises(PermissionDenied, match="created no course and no batch"):
        catalogue.requester(marts, settings.profile.schema, stranger)


def test_what_is_not_the_requesters_is_refused(marts: Warehouse, settings: Settings) -> None:
    schema = settings.profile.schema
    mentor = catalogue.requester(marts, schema, MENTOR)
    for text in (MATHS_2, "mathematics ii", EMPTY):
        with pytest.raises(PermissionDenied, match="`m` may not see the reports of") as raised:
            catalogue.find_course(marts, schema, text, mentor)
        assert "creator and the mentors of the batch" in str(raised.value.hint)
    with pytest.raises(NotFound, match="No course of 1 has the id `do_99`"):
        catalogue.find_course(marts, schema, "do_99", mentor)
    course = catalogue.find_course(marts, schema, MATHS, mentor)
    for text in ("002", "second"):
        with pytest.raises(PermissionDenied, match="`m` may not see the batch"):
            catalogue.find_batches(marts, schema, course, [text], mentor)
    with pytest.raises(NotFound, match="No batch of 1 has the id `999`") as raised:
        catalogue.find_batches(marts, schema, course, ["999"], mentor)
    assert "Second" not in raised.value.message


def test_who_asks_may_be_wanted(settings: Settings) -> None:
    catalogue.check_requester(settings, None)
    strict = replace(settings, require_requester=True)
    catalogue.check_requester(strict, "u1")
    with pytest.raises(PermissionDenied, match="require_requester"):
        catalogue.check_requester(strict, None)
