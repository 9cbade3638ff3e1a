import unicodedata

import pytest

from exhaust.errors import Ambiguous, NotFound
from exhaust.marts.entities import Batch, Course
from exhaust.marts.names import resolve_batch, resolve_course

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
def test_a_course_is_found_by_id_or_name(text: str, found: str) -> None:
    assert resolve_course(COURSES, text).id == found


@pytest.mark.parametrize("text", ["twins", "alge", "DO_1"])
def test_an_ambiguous_or_unknown_name_is_an_error(text: str) -> None:
    if text == "DO_1":
        with pytest.raises(NotFound, match="The nearest:\n  do_1  Algebra") as raised:
            resolve_course(COURSES, text)
        assert "exhaust courses" in str(raised.value.hint)
        return
    with pytest.raises(Ambiguous, match=f"2 courses match `{text}`:\n  do_"):
        resolve_course(COURSES, text)


def test_a_long_list_of_matches_is_cut() -> None:
    found = [course(f"do_{number}", "same") for number in range(1234)]
    with pytest.raises(Ambiguous) as raised:
        resolve_course(found, "same")
    lines = raised.value.message.splitlines()
    assert len(lines) == 12
    assert lines[-1] == "  and 1,224 more"


def test_at_most_five_similar_courses_are_suggested() -> None:
    found = [course(f"do_{number}", f"Physics {number}") for number in range(9)]
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


def test_a_batch_is_found_by_id_or_name() -> None:
    found = [
        Batch("do_1", "007", "First", None, None, None, 0, 0, 0, 0, 0, 0, True),
        Batch("do_1", "008", None, None, None, None, 0, 0, 0, 0, 0, 0, True),
    ]
    assert resolve_batch(found, "008").id == "008"
    assert resolve_batch(found, "fir").id == "007"
    with pytest.raises(NotFound, match=r"No batch matches `8` \(searched 2 batches"):
        resolve_batch(found, "8")
