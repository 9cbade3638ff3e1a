"""The reasons of explanations, as the raw rows of the sample give them."""

import re
from typing import Any

import pytest
from explain_support import (
    COURSE,
    FINAL,
    FLAT_COURSE,
    JULY,
    JUNE,
    OLD,
    OPTIONAL_QUIZ,
    PRACTICE,
    QUIZ,
    UNKNOWN_COURSE,
    because,
    of,
    user,
)
from support import PROJECT, SCENARIOS, Built

from exhaust import api
from exhaust.marts.explanations import MARTS, REASONS, Attempt, Location, School


@pytest.mark.parametrize(
    ("learner", "batch", "column", "expected"),
    [
        # 7 of the 8 contents that are not optional have the status 2.
        ("03908454", JUNE, "Progress", "88: 7 of 8 mandatory contents = 88 %"),
        (
            "01cb756e",
            JUNE,
            "progress",
            "100: the course is completed, so it is 100 whatever the contents say",
        ),
        ("01cb756e", JUNE, "completion date", "28/06/2024: recorded as `2024-06-28T11:20:00.120Z`; "
            "the day is that of Asia/Kolkata"),
        ("03908454", JUNE, "Completion Date", ": not completed: completedon is empty"),
        ("2153d1f0", JULY, "Enrolment Date", "15/06/2023: recorded as `2023-06-15`; the day is "
            "that of Asia/Kolkata"),
        ("01cb756e", JUNE, "Certificate Status", "Issued: issued_certificates or certificates "
            "holds a certificate"),
        ("03908454", JUNE, "Certificate Status", ": neither issued_certificates nor certificates "
            "holds a certificate"),
        ("03908454", JUNE, "Total Score", "85%: best attempts added up: 8/10 + 17.5/20 = 25.5/30 = "
            "85%, rounded up"),
        ("05bcec65", JUNE, "Total Score", ": no assessment was attempted"),
        ("05bcec65", JUNE, QUIZ, ": not attempted"),
        # 8/20 at a later time, 8/10 before: the share decides.
        ("1162af92", OLD, QUIZ, "80%: 8/10 = 80%: attempt a2 (same score, higher share of 2 "
            "attempts)"),
        # 0/10 on 5 October, 0/5 on 6 October: all shares of zero are equal, so the time decides.
        ("12751565", OLD, QUIZ, "0%: 0/5 = 0%: attempt a2 (same score, later of 2 attempts)"),
        # 0/5 and 0/10 at the same time: the ID decides.
        ("13a9a3d6", OLD, QUIZ, "0%: 0/5 = 0%: attempt a1 (same score, lower ID of 2 attempts)"),
        # One attempt each: without a score, -1 of 10, 3 of 0, NaN.
        ("1671e7e9", OLD, QUIZ, ": no attempt that counts; 1 attempt ignored"),
        ("1429a8a8", JULY, "State", "Uttar Pradesh: declared by the learner (profilelocation)"),
        ("03908454", JUNE, "District", "लखनऊ: passed by the State's sign-on (profilelocation)"),
        # The school's own state is Kerala, its block is in Tamil Nadu.
        ("15d3ac33", JULY, "State", "Kerala: derived from the school 01300000000000000002 GHSS "
            "Ernakulam"),
        ("17dbfdce", JULY, "State", ": neither profilelocation nor the locations of the school "
            "01300000000000000004 PS In A Loop name a known state"),
        ("33c9cf41", JULY, "State", ": profilelocation names no known state, and the "
            "learner belongs to no school"),
        # `no-such-location` is unknown, and its code is not looked at.
        ("2469ebe9", JULY, "State", ": the learner has declared no known state"),
        ("3092d30a", JULY, "Block Name", ": always blank for self-signed-up learners"),
        ("10b7da67", JUNE, "State", ": the learner is not in the table user"),
        ("10b7da67", JUNE, "School ID", ": the learner is not in the table user"),
        ("10b7da67", JUNE, "User Type", ": the learner is not in the table user"),
        ("189ff327", JULY, "School ID", "09270101506: the school of the learner: organisation "
            "01300000000000000005 (lowest organisation ID)"),
        ("20374080", JULY, "School Name", "Validated: declared by the learner: declaration to "
            "01269878797503692810 as teacher (validated)"),
        # The declaration that counts has no school: it is used whole.
        ("2153d1f0", JULY, "School ID", ": the declaration leaves it blank: declaration to "
            "01269878797503692810 as administrator (validated)"),
        ("1429a8a8", JULY, "School ID", ": the learner has declared no school"),
        ("33c9cf41", JULY, "School ID", ": the learner belongs to no school"),
        ("03908454", JUNE, "Org Name", "Uttar Pradesh: the name of the root organisation "
            "01246944855007232011 (State-validated)"),
        ("1429a8a8", JULY, "Org Name", "DIKSHA Custodian Organisation: the name of the root "
            "organisation 0126684405014528002 (custodian: self-signed-up)"),
        ("1429a8a8", JULY, "Declared Board", ": framework has no board"),
        ("03908454", JUNE, "User Sub Type", "hm: the sub-types in profileusertypes, in their "
            "order"),
    ],
)  # fmt: skip
def test_a_value_has_the_reason_of_its_raw_rows(
    built: Built, learner: str, batch: str, column: str, expected: str
) -> None:
    assert because(built, learner, column, batch) == expected


def test_the_score_of_a_tree_without_contents_counts_what_the_course_states(built: Built) -> None:
    more = {"batch": "0130300000000000301", "course": FLAT_COURSE}
    expected = (
        "25: 1 of 4 contents (the course has none in its tree, and states their number) = 25 %"
    )
    assert because(built, "15d3ac33", "Progress", **more) == expected
    (content,) = of(built, "15d3ac33", "Progress", **more).contents
    assert (content.counts, content.content_ordinal) == (True, None)


def test_a_course_without_mandatory_contents_has_no_progress(built: Built) -> None:
    more = {"batch": "0130300000000000201", "course": "do_31300000000000000002"}
    assert because(built, "13a9a3d6", "Progress", **more) == (
        "0: the course has no mandatory content, so it is 0 until the course is completed"
    )


def test_each_content_says_whether_it_counts(built: Built) -> None:
    contents = {one.content_id[-3:]: one for one in of(built, "1162af92", "Progress").contents}
    assert [one for one, content in contents.items() if content.counts] == [
        *("101", "140", "102", "103", "130", "104", "105", "120")
    ]
    assert [one for one, content in contents.items() if content.is_completed] == [
        *("101", "110", "150", "113", "111", "999")
    ]
    assert contents["101"].content_status == "2"
    assert contents["140"].content_status is None
    # In an optional unit; optional itself; no longer in the course.
    assert contents["110"].optional_node_id == "do_31300000000000000014"
    assert contents["111"].optional_node_id == "do_31300000000000000111"
    assert (contents["999"].is_mandatory, contents["999"].content_ordinal) == (None, None)
    assert contents["101"].content_name == "Why children's first words matter"


def test_each_attempt_says_why_it_is_ignored(built: Built) -> None:
    def reasons(learner: str, **more: Any) -> dict[str, str]:
        attempts = of(built, learner, "Total Score", OLD, **more).attempts
        return {one.content_id: one.reason for one in attempts if not one.is_counted}

    assert reasons("1671e7e9") == {
        QUIZ: "no score",
        PRACTICE: "negative score",
        FINAL: "maximum not positive",
        OPTIONAL_QUIZ: "no score",
    }
    assert reasons("17dbfdce") == {
        "do_31300000000000000101": "not an assessment of the course",
        "do_31300000000000000131": "not an assessment of the course",
    }


def test_attempts_in_another_batch_are_named(built: Built) -> None:
    found = api.explain(built(SCENARIOS["sample"]), COURSE, user("17dbfdce"), QUIZ)
    assert {one.batch_id for one in found.enrolments} == {JULY, OLD}
    (elsewhere,) = found.attempts_elsewhere
    assert (elsewhere.batch_id, elsewhere.reason) == (JUNE, "outside an enrolment")


def test_each_school_says_why_it_is_not_chosen(built: Built) -> None:
    schools = of(built, "189ff327", "School ID", JULY).schools
    assert {one.organisation_id: one.reason for one in schools} == {
        "01290000000000000001": "membership ended",
        "01290000000000000002": "not a school",
        "01300000000000000005": "lowest organisation ID",
        "01300000000000000006": "another school has a lower organisation ID",
    }
    declared = of(built, "194f3654", "School ID", JULY).schools
    assert {one.school_id: one.reason for one in declared} == {
        "33000000003": "lowest persona, then organisation ID",
        "33000000002": "another declaration has a lower persona or organisation ID",
        "33000000001": "another declaration has a lower persona or organisation ID",
    }
    (ignored,) = of(built, "3092d30a", "School ID", JULY).schools
    assert ignored.reason == "self-signed-up: only declarations count"


def test_each_location_says_why_it_is_not_chosen(built: Built) -> None:
    state = of(built, "1429a8a8", "State", JULY).locations
    assert [(one.location_name, one.reason) for one in state] == [
        ("Uttar Pradesh", "first entry of its type"),
        ("Tamil Nadu", "another entry of this type comes first"),
    ]
    (unknown,) = of(built, "2469ebe9", "State", JULY).locations
    assert (unknown.entry_id, unknown.reason) == ("no-such-location", "location unknown")


@pytest.mark.parametrize(
    ("learner", "batch", "reason", "expected"),
    [
        ("01cb756e", OLD, "inactive", "the enrolment is not active (`active` is false, empty or "
            "cannot be read)"),
        ("03908454", OLD, "no enrolment date", "the enrolment has no date (enrolled_date and "
            "enrolleddate are empty)"),
        ("0495a9bc", OLD, "enrolment date unreadable", "the enrolment date `2023-13-45T00:00:00Z` "
            "cannot be read"),
        ("2153d1f0", "01303000000000000199", "batch unknown", "the course has no such batch in the "
            "table course_batch"),
    ],
)  # fmt: skip
def test_a_missing_row_has_its_reason(
    built: Built, learner: str, batch: str, reason: str, expected: str
) -> None:
    one = of(built, learner, batch=batch)
    assert (one.is_row, one.enrolment.left_out_reason, one.because) == (False, reason, expected)
    assert (one.values, one.contents) == ([], [])


def test_the_operator_learns_that_a_course_is_unknown(built: Built) -> None:
    found = api.explain(built(SCENARIOS["sample"]), f" {UNKNOWN_COURSE} ", user("20374080"))
    (one,) = found.enrolments
    assert (found.course_id, found.course_name) == (UNKNOWN_COURSE, None)
    assert one.because == "the course has no published hierarchy that can be read"


def test_every_reason_of_the_marts_is_known_to_the_pages() -> None:
    """They translate texts that they know; others would stay in English."""
    text = re.compile(r"(?:then|else)\s+'([^']+)'|'([^']+)' as (?:first|other)_reason")
    found = {
        one or other
        for kind in (Attempt, School, Location)
        for file in [PROJECT / "models/marts/explanations" / f"{MARTS[kind][0]}.sql"]
        for one, other in text.findall(file.read_text("utf-8"))
    }
    assert found == {*REASONS}
    assert len(found) == len(REASONS)
