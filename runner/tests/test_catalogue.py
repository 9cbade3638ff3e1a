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

from exhaust.errors import Ambiguous, DataError, NotFound, PermissionDenied
from exhaust.marts.access import check_user_id, find_batches, find_course, find_requester
from exhaust.marts.courses import batches, courses
from exhaust.marts.entities import Batch, Course
from exhaust.marts.names import resolve_batch, resolve_course
from exhaust.marts.state import Marts
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
def marts(warehouse: Warehouse, settings: Settings) -> Marts:
    create_marts(warehouse, settings)
    return Marts(warehouse, settings)


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
    assert resolve_course(COURSES, text).id == found


@pytest.mark.parametrize("text", ["twins", "alge", "DO_1"])
def test_several_match_or_none(text: str) -> None:
    if text == "DO_1":
        with pytest.raises(NotFound, match="The nearest:\n  do_1  Algebra") as raised:
            resolve_course(COURSES, text)
        assert "exhaust courses" in str(raised.value.hint)
        return
    with pytest.raises(Ambiguous, match=f"2 courses match `{text}`:\n  do_"):
        resolve_course(COURSES, text)


def test_a_long_list_is_cut() -> None:
    found = [course(f"do_{place}", "same") for place in range(1234)]
    with pytest.raises(Ambiguous) as raised:
        resolve_course(found, "same")
    lines = raised.value.message.splitlines()
    assert len(lines) == 12
    assert lines[-1] == "  and 1,224 more"


def test_the_nearest_are_five_at_most_and_need_not_be() -> None:
    found = [course(f"do_{place}", f"Physics {place}") for place in range(9)]
    with pytest.raises(NotFound) as raised:
        resolve_course(found, "Phisics")
    assert len(raised.value.message.splitlines()) == 6
    with pytest.raises(NotFound) as raised:
        resolve_course([], "Phisics")
    assert len(raised.value.message.splitlines()) == 1


def test_a_name_in_a_message_is_one_line() -> None:
    found = [course("do_1", "two\nlines\x1b[2J"), course("do_2", "two\nlines")]
    with pytest.raises(Ambiguous) as raised:
        resolve_course(found, "two")
    assert r"  do_1  two\nlines\x1b[2J" in raised.value.message.splitlines()


def test_courses(marts: Marts) -> None:
    found = courses(marts)
    assert [one.id for one in found] == [MATHS, MATHS_2, RETIRED, EMPTY]
    assert found[0] == Course(MATHS, "Mathematics", "Live", "State", 2, 6)
    assert found[3] == Course(EMPTY, EMPTY_NAME, None, None, 0, 0)


@pytest.mark.parametrize(
    ("text", "ids"), [("MATH", [MATHS, MATHS_2]), (RETIRED, [RETIRED]), ("do_", []), ("x;", [])]
)
def test_courses_are_found(marts: Marts, text: str, ids: list[str]) -> None:
    assert [one.id for one in courses(marts, text)] == ids


def test_batches_are_the_known_ones(marts: Marts) -> None:
    first, second = batches(marts, MATHS)
    assert (first.id, first.name, first.status, first.enrolled) == ("001", "First", "Live", 2)
    assert first.left_out == {
        "inactive": 2,
        "no enrolment date": 1,
        "enrolment date unreadable": 4,
        "outside the tenant": 0,
    }
    assert first.sees_all_learners
    assert second.id == "002"
    assert len(batches(marts)) == 4


def test_a_batch_is_named() -> None:
    found = [
        Batch("do_1", "007", "First", None, None, None, 0, 0, 0, 0, 0, 0, True),
        Batch("do_1", "008", None, None, None, None, 0, 0, 0, 0, 0, 0, True),
    ]
    assert resolve_batch(found, "008").id == "008"
    assert resolve_batch(found, "fir").id == "007"
    with pytest.raises(NotFound, match=r"No batch matches `8` \(searched 2 batches"):
        resolve_batch(found, "8")


def test_without_marts(warehouse: Warehouse, settings: Settings) -> None:
    with pytest.raises(DataError, match="Nothing is built"):
        courses(Marts(warehouse, settings))


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (CREATOR, {MATHS: (2, 3), MATHS_2: (1, 1), RETIRED: (1, 1)}),
        (MENTOR, {MATHS: (1, 1)}),
        (HOMELESS, {MATHS: (1, 0)}),
    ],
)
def test_a_requester_sees_his_own_courses_and_their_learners(
    marts: Marts, user: str, expected: dict[str, tuple[int, int]]
) -> None:
    requester = find_requester(marts, user)
    found = courses(marts, requester=requester)
    assert {course.id: (course.batches, course.enrolments) for course in found} == expected


def test_the_creator_sees_a_course_without_batches(marts: Marts) -> None:
    marts.warehouse.execute(f"delete from {marts.relation('requester_batches')}")
    requester = find_requester(marts, CREATOR)
    found = courses(marts, requester=requester)
    assert {course.id for course in found} == {MATHS, MATHS_2, RETIRED}
    assert {course.batches for course in found} == {0}


def test_a_requester_sees_his_own_batches_and_their_learners(marts: Marts) -> None:
    mentor = find_requester(marts, MENTOR)
    (batch,) = batches(marts, MATHS, mentor)
    assert (batch.id, batch.enrolled, batch.completed, batch.sees_all_learners) == (
        "001",
        1,
        0,
        False,
    )
    assert batch.left_out["outside the tenant"] == 1
    creator = find_requester(marts, CREATOR)
    first, second = batches(marts, MATHS, creator)
    assert (first.enrolled, second.enrolled, first.sees_all_learners) == (2, 1, True)


@pytest.mark.parametrize("stranger", ["nobody", "", "' or true --"])
def test_a_stranger_may_see_nothing(marts: Marts, stranger: str) -> None:
    with pytest.raises(PermissionDenied, match="has not created a course or a batch"):
        find_requester(marts, stranger)


def test_what_is_not_the_requesters_is_refused(marts: Marts) -> None:
    mentor = find_requester(marts, MENTOR)
    for text in (MATHS_2, "mathematics ii", EMPTY):
        with pytest.raises(PermissionDenied, match="`m` may not see the reports of") as raised:
            find_course(marts, text, mentor)
        assert "creator and the mentors of the batch" in str(raised.value.hint)
    with pytest.raises(NotFound, match=r"No course matches `do_99` \(searched 1 course by"):
        find_course(marts, "do_99", mentor)
    course = find_course(marts, MATHS, mentor)
    for text in ("002", "second"):
        with pytest.raises(PermissionDenied, match="`m` may not see the batch"):
            find_batches(marts, course, [text], mentor)
    with pytest.raises(NotFound, match=r"No batch matches `999` \(searched 1 batch by") as raised:
        find_batches(marts, course, ["999"], mentor)
    assert "Second" not in raised.value.message


def test_who_asks_may_be_wanted(settings: Settings) -> None:
    check_user_id(settings, None)
    strict = replace(settings, require_requester=True)
    check_user_id(strict, "u1")
    with pytest.raises(PermissionDenied, match="require_requester"):
        check_user_id(strict, None)
