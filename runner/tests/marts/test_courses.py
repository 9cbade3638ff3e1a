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
    add_batch,
)

from exhaust.errors import DataError
from exhaust.marts.access import find_requester
from exhaust.marts.courses import batches, courses
from exhaust.marts.entities import Course
from exhaust.marts.state import Marts
from exhaust.project.settings import Settings
from exhaust.warehouse import Warehouse

pytestmark = pytest.mark.not_on_spark


def test_all_courses_are_listed(marts: Marts) -> None:
    found = courses(marts)
    assert [one.id for one in found] == [MATHS, MATHS_2, RETIRED, EMPTY]
    assert found[0] == Course(MATHS, "Mathematics", "Live", "State", 2, 6, 3)
    assert found[3] == Course(EMPTY, EMPTY_NAME, None, None, 0, 0)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("MATH", [MATHS, MATHS_2]),
        (RETIRED, [RETIRED]),
        ("do_", []),
        ("x;", []),
        ("DO_3 ", [RETIRED]),
    ],
)
def test_courses_are_found_by_id_or_name(marts: Marts, text: str, ids: list[str]) -> None:
    assert [one.id for one in courses(marts, text)] == ids


def test_only_known_batches_are_listed(marts: Marts) -> None:
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


@pytest.mark.parametrize("user", [None, CREATOR, MENTOR, WITHOUT_ORGANISATION])
def test_the_counts_of_a_course_are_those_of_its_batches(
    marts: Marts, settings: Settings, user: str | None
) -> None:
    add_batch(marts.warehouse, settings, MATHS, "998", "null", enrolled=5, is_known=False)
    requester = find_requester(marts, user)
    for course in courses(marts, requester=requester):
        found = batches(marts, course.id, requester)
        assert (course.batches, course.rows) == (len(found), sum(batch.rows for batch in found))


@pytest.mark.parametrize(
    ("user", "roles"),
    [
        (None, {"001": None, "002": None}),
        (CREATOR, {"001": "course creator", "002": "course creator"}),
        (MENTOR, {"001": "mentor"}),
        (WITHOUT_ORGANISATION, {"002": "batch creator"}),
    ],
)
def test_a_batch_has_the_role_of_the_requester(
    marts: Marts, user: str | None, roles: dict[str, str | None]
) -> None:
    creates = f"update {marts.relation('course_batches')} set created_by = 'h'"
    marts.warehouse.execute(f"{creates} where batch_id = '002'")
    found = batches(marts, MATHS, find_requester(marts, user))
    assert {batch.id: batch.role for batch in found} == roles


def test_listing_courses_needs_a_build(warehouse: Warehouse, settings: Settings) -> None:
    with pytest.raises(DataError, match="Nothing is built"):
        courses(Marts(warehouse, settings))


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (CREATOR, {MATHS: (2, 3), MATHS_2: (1, 1), RETIRED: (1, 1)}),
        (MENTOR, {MATHS: (1, 1)}),
        (WITHOUT_ORGANISATION, {MATHS: (1, 0)}),
    ],
)
def test_a_requester_sees_only_their_own_courses(
    marts: Marts, user: str, expected: dict[str, tuple[int, int]]
) -> None:
    requester = find_requester(marts, user)
    found = courses(marts, requester=requester)
    assert {course.id: (course.batches, course.enrolments) for course in found} == expected
    assert {course.id: (course.batches, course.rows) for course in found} == expected


def test_the_creator_sees_a_course_without_batches(marts: Marts) -> None:
    marts.warehouse.execute(f"delete from {marts.relation('requester_batches')}")
    requester = find_requester(marts, CREATOR)
    found = courses(marts, requester=requester)
    assert {course.id for course in found} == {MATHS, MATHS_2, RETIRED}
    assert {course.batches for course in found} == {0}


def test_a_requester_sees_only_their_own_batches(marts: Marts) -> None:
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
