import unicodedata

import pytest

from exhaust.errors import Ambiguous, NotFound, UsageError
from exhaust.marts.entities import Batch, Course
from exhaust.marts.names import (
    cleaned,
    comparable,
    named,
    resolve_batch,
    resolve_course,
    trimmed,
)

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


@pytest.mark.parametrize("text", ["twins", "alge"])
def test_an_ambiguous_name_is_an_error(text: str) -> None:
    with pytest.raises(Ambiguous, match=f"2 courses match `{text}`:\n  do_"):
        resolve_course(COURSES, text)


def test_an_unknown_name_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(NotFound, match="The nearest:\n  do_1  Algebra") as raised:
        resolve_course(COURSES, "do_10")
    assert "exhaust courses" in str(raised.value.hint)


PASTED = {
    "blanks": " do_1\t",
    "no-break space": "\u00a0do_1\u202f\u3000",
    "zero-width characters": "\ufeffdo\u200b_\u2060\u00ad1",
    "carriage return": "do_1\r\n",
    "upper case": "DO_1",
    "address": "https://diksha.gov.in/explore-course/course/do_1?referrer=do_2#do_3",
    "address of a batch": "https://diksha.gov.in/learn/course/do_1/batch/0130",
    "address without a scheme": "staging.sunbirded.org/learn/course/DO_1/",
    "escaped address": " http://localhost:3000/explore-course/course/%20do_1 ",
}


@pytest.mark.parametrize("text", PASTED.values(), ids=PASTED)
def test_a_pasted_id_is_understood(text: str) -> None:
    assert resolve_course(COURSES, text).id == "do_1"
    assert [one.id for one in named(COURSES, text, "course")] == ["do_1"]


@pytest.mark.parametrize(
    ("pasted", "name"),
    [
        (" Teachers\u2019\u00a0 \u201cABC\u201d\r", 'Teachers\' "ABC"'),
        ('Teachers\' "ABC"', "Teachers\u2019 \u201eABC\u201c"),
        ("Mathe\u00admatics", "Mathematics"),
        ("Mathematics  I", "Mathematics\u00a0I"),
        ("क्‍षेत्र", "क्‍षेत्र"),
    ],
)
def test_a_pasted_name_is_understood(pasted: str, name: str) -> None:
    found = [course("do_1", name), course("do_2", "Other")]
    assert resolve_course(found, pasted).id == "do_1"
    assert [one.id for one in named(found, pasted[1:-1], "course")] == ["do_1"]


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"])
def test_joiners_are_a_part_of_a_name(joiner: str) -> None:
    assert cleaned(f"a{joiner}b") == f"a{joiner}b"
    assert comparable(f"a{joiner}b") != comparable("ab")


def test_an_exact_id_comes_before_one_that_differs_in_case_or_blanks() -> None:
    found = [course(one, "Same") for one in ("do_a", "DO_A", " do_a", "do_b", "DO_B")]
    for one in found:
        assert resolve_course(found, one.id) is one
    assert resolve_course(found, "do_a\n").id == "do_a"
    with pytest.raises(Ambiguous, match="2 courses match `Do_B`"):
        resolve_course(found, "Do_B")


@pytest.mark.parametrize("text", ["", " ", "\u200b", "\u00a0\r\n", "\ufeff"])
def test_an_empty_text_matches_nothing(text: str) -> None:
    for found in (COURSES, COURSES[:1], [course("do_1", None)]):
        with pytest.raises(UsageError, match="An empty course was given"):
            resolve_course(found, text)
    assert named(COURSES, text, "course") == COURSES


@pytest.mark.parametrize(
    ("text", "end"),
    [("\ufeff\u00a0uS er\u200b\n", "uS er"), ("\u200b ", ""), ("a", "a"), ("a\u200bb", "a\u200bb")],
)
def test_only_the_ends_of_a_text_are_trimmed(text: str, end: str) -> None:
    assert trimmed(text) == end


def test_a_batch_is_found_by_the_address_of_its_page() -> None:
    found = [Batch("do_1", one, None, None, None, None, 0, 0, 0, 0, 0, 0, True) for one in "12"]
    assert resolve_batch(found, "https://x.in/learn/course/do_1/batch/2?a=1").id == "2"
    with pytest.raises(NotFound):
        resolve_batch(found, "https://x.in/learn/course/do_1/batch")
    with pytest.raises(UsageError, match="An empty batch was given"):
        resolve_batch(found, "\u200b")


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
