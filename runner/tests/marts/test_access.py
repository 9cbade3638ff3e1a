from dataclasses import replace

import pytest
from handmade_marts import EMPTY, MATHS, MATHS_2, MENTOR, RETIRED, add_batch, insert

from exhaust.errors import Ambiguous, NotFound, PermissionDenied
from exhaust.marts.access import (
    check_user_id,
    find_batches,
    find_course,
    find_course_or_batch,
    find_requester,
)
from exhaust.marts.entities import Requester
from exhaust.marts.state import Marts
from exhaust.project.settings import Settings

pytestmark = pytest.mark.not_on_spark


@pytest.mark.parametrize("user", ["nobody", "", "' or true --"])
def test_an_unknown_user_is_refused(marts: Marts, user: str) -> None:
    with pytest.raises(PermissionDenied, match="has not created a course or a batch"):
        find_requester(marts, user)


def test_a_pasted_user_id_is_understood_unless_it_is_another(
    marts: Marts, settings: Settings
) -> None:
    assert find_requester(marts, f"\ufeff{MENTOR}\u00a0\n") == Requester(MENTOR, "k")
    with pytest.raises(PermissionDenied):
        find_requester(marts, MENTOR.upper())
    insert(marts.warehouse, settings, "requesters", f"('{MENTOR} ', 'other')")
    assert find_requester(marts, f"{MENTOR} ") == Requester(f"{MENTOR} ", "other")
    assert find_requester(marts, MENTOR) == Requester(MENTOR, "k")


@pytest.mark.parametrize("text", ["002", " 002\u200b", "https://x.in/learn/course/x/batch/002"])
def test_the_id_of_a_batch_finds_its_course(marts: Marts, text: str) -> None:
    course, batch = find_course_or_batch(marts, text)
    assert batch
    assert (course.id, batch.id, batch.course_id) == (MATHS, "002", MATHS)
    assert find_course(marts, text) == course


def test_a_course_comes_before_a_batch(marts: Marts, settings: Settings) -> None:
    add_batch(marts.warehouse, settings, RETIRED, MATHS, "null", enrolled=0)
    add_batch(marts.warehouse, settings, RETIRED, "Mathematics I", "null", enrolled=0)
    assert find_course_or_batch(marts, MATHS)[0].id == MATHS
    assert find_course_or_batch(marts, "Mathematics I")[1] is None


@pytest.mark.parametrize("text", ["Second", "00", "999"])
def test_a_batch_is_found_only_by_its_id_and_if_it_is_known(marts: Marts, text: str) -> None:
    with pytest.raises(NotFound, match="No course matches"):
        find_course_or_batch(marts, text)


def test_a_batch_of_several_courses_is_ambiguous(marts: Marts) -> None:
    with pytest.raises(Ambiguous, match="2 batches have the ID `001`, of these courses:") as raised:
        find_course_or_batch(marts, "001")
    assert raised.value.message.splitlines()[1:] == [
        f"  {MATHS}  Mathematics",
        f"  {MATHS_2}  Mathematics II",
    ]
    # A mentor has only one of them.
    course, batch = find_course_or_batch(marts, "001", find_requester(marts, MENTOR))
    assert batch
    assert (course.id, batch.id) == (MATHS, "001")


def test_a_batch_of_others_is_refused_by_its_id(marts: Marts) -> None:
    with pytest.raises(PermissionDenied, match="`m` may not see the reports of `002`"):
        find_course_or_batch(marts, "002", find_requester(marts, MENTOR))


def test_courses_and_batches_of_others_are_refused(marts: Marts) -> None:
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
    with pytest.raises(NotFound, match=r"No batch matches `999` \(searched 1 batch by") as unknown:
        find_batches(marts, course, ["999"], mentor)
    assert "Second" not in unknown.value.message


def test_require_requester_refuses_a_missing_user_id(settings: Settings) -> None:
    check_user_id(settings, None)
    strict = replace(settings, require_requester=True)
    check_user_id(strict, "u1")
    with pytest.raises(PermissionDenied, match="require_requester"):
        check_user_id(strict, None)
