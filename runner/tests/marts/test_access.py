from dataclasses import replace

import pytest
from handmade_marts import EMPTY, MATHS, MATHS_2, MENTOR

from exhaust.errors import NotFound, PermissionDenied
from exhaust.marts.access import check_user_id, find_batches, find_course, find_requester
from exhaust.marts.state import Marts
from exhaust.project.settings import Settings

pytestmark = pytest.mark.not_on_spark


@pytest.mark.parametrize("user", ["nobody", "", "' or true --"])
def test_an_unknown_user_is_refused(marts: Marts, user: str) -> None:
    with pytest.raises(PermissionDenied, match="has not created a course or a batch"):
        find_requester(marts, user)


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
    with pytest.raises(NotFound, match=r"No batch matches `999` \(searched 1 batch by") as raised:
        find_batches(marts, course, ["999"], mentor)
    assert "Second" not in raised.value.message


def test_require_requester_refuses_a_missing_user_id(settings: Settings) -> None:
    check_user_id(settings, None)
    strict = replace(settings, require_requester=True)
    check_user_id(strict, "u1")
    with pytest.raises(PermissionDenied, match="require_requester"):
        check_user_id(strict, None)
