"""Explanations: they agree with the file, and give the reasons that the raw rows give."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support import GOLDEN, NO_MESSAGES, SCENARIOS, Built, load_extract

from exhaust import api
from exhaust.errors import DataError, NotFound, PermissionDenied
from exhaust.marts.explanations import MARTS as VIEWS
from exhaust.marts.state import open_marts
from exhaust.pipeline.build import build
from exhaust.project.settings import Settings
from exhaust.reports.explain import MARTS, explain
from exhaust.reports.explanation import ExplainedEnrolment, Explanation
from exhaust.warehouse import connect

COURSE = "do_31300000000000000001"
UNKNOWN_COURSE = "do_31300000000000000009"
FLAT_COURSE = "do_31300000000000000003"
JUNE, JULY, OLD = "0130300000000000101", "0130300000000000102", "0130300000000000103"
QUIZ, PRACTICE = "do_31300000000000000140", "do_31300000000000000130"
FINAL, OPTIONAL_QUIZ = "do_31300000000000000120", "do_31300000000000000150"
UNKNOWN_BATCH = "01303000000000000199"
MENTOR = "911ce132-8344-52ec-b886-dd566ca43537"
CREATOR = "90e616e7-8a79-52d7-99e9-3aaf5457b015"


def user(start: str) -> str:
    """Returns the learner of the sample whose ID starts so."""
    with (SCENARIOS["sample"] / "user_enrolments.csv").open(encoding="utf-8") as file:
        users = {row["userid"] for row in csv.DictReader(file)}
    (found,) = (one for one in users if one.startswith(start))
    return found


def of(
    built: Built, start: str, column: str | None = None, batch: str | None = JUNE, **more: Any
) -> ExplainedEnrolment:
    """Explains a learner of the sample in one batch of its largest course."""
    settings = built(SCENARIOS["sample"])
    found = api.explain(
        settings, more.pop("course", COURSE), user(start), column, batch=batch, **more
    )
    (explained,) = found.enrolments
    return explained


def because(built: Built, start: str, column: str, batch: str = JUNE, **more: Any) -> str:
    (value,) = of(built, start, column, batch, **more).values
    return f"{value.value or ''}: {value.because}"


def golden_rows(scenario: str) -> list[dict[str, str]]:
    texts = [file.read_bytes().decode() for file in sorted((GOLDEN / scenario).iterdir())]
    return [row for text in texts for row in csv.DictReader(io.StringIO(text, newline=""))]


@contextmanager
def explaining(settings: Settings) -> Iterator[Any]:
    with open_marts(settings) as marts, marts.state(MARTS) as found:
        yield lambda *arguments, **more: explain(marts, found, *arguments, **more)


# All rows of the sample, and enough of the large scenarios to meet each kind of damage.
@pytest.mark.parametrize(("scenario", "step"), [("sample", 1), ("hostile", 3), ("broken", 20)])
def test_every_explanation_agrees_with_the_file(built: Built, scenario: str, step: int) -> None:
    rows = golden_rows(scenario)[::step]
    assert len(rows) > 5
    with explaining(built(SCENARIOS[scenario])) as explained:
        for row in rows:
            found: Explanation = explained(
                row["Collection ID"], row["User UUID"], batch=row["Batch ID"]
            )
            (one,) = found.enrolments
            assert one.is_row
            assert {value.label: value.value or "" for value in one.values} == row
            assert all(value.because for value in one.values)
            evidence = evidence_of(one)
            assert evidence == {label: row[label] for label in evidence}


def evidence_of(one: ExplainedEnrolment) -> dict[str, str]:
    """Returns what the evidence comes to, by the rules in docs/report.md, without the report."""
    chosen = next((school for school in one.schools if school.is_chosen), None)
    own = {where.location_type: where.location_name for where in one.locations if where.is_chosen}
    of_school = one.enrolment
    self_signed_up = one.enrolment.is_self_signed_up
    block = None if self_signed_up else of_school.school_block or own.get("block")
    counted = [attempt for attempt in one.attempts if attempt.is_counted]
    scores = {f"{attempt.content_id} - Score": percent_of([attempt]) for attempt in counted}
    return {
        "State": own.get("state") or of_school.school_state or "",
        "District": own.get("district") or of_school.school_district or "",
        "Cluster Name": own.get("cluster") or of_school.school_cluster or "",
        "Block Name": block or "",
        "School ID": (chosen and chosen.school_id) or "",
        "School Name": (chosen and chosen.school_name) or "",
        "Enrolment Date": day_of(one.enrolment.enrolled_at),
        "Completion Date": day_of(one.enrolment.completed_at),
        "Progress": progress_of(one),
        "Total Score": percent_of(counted) if counted else "",
        **scores,
    }


def day_of(moment: datetime | None) -> str:
    if moment is None:
        return ""
    local = moment.replace(tzinfo=UTC).astimezone(ZoneInfo("Asia/Kolkata"))
    return f"{local.day:02}/{local.month:02}/{local.year:04}"


def percent_of(attempts: list[Any]) -> str:
    """The sum of attempts as a whole percentage, rounded up."""
    score = sum((attempt.total_score for attempt in attempts), Decimal(0))
    maximum = sum((attempt.total_max_score for attempt in attempts), Decimal(0))
    whole, rest = divmod(int(score * 10**8), int(maximum * 10**6))
    return f"{whole + bool(rest)}%"


def progress_of(one: ExplainedEnrolment) -> str:
    if one.enrolment.completed_at is not None:
        return "100"
    counting = [content for content in one.contents if content.counts]
    done = sum(content.is_completed for content in counting)
    whole = len(counting) if one.enrolment.has_content_tree else one.enrolment.contents_total or 0
    if whole == 0:
        return "0"
    if done >= whole:
        return "100"
    return str(min((200 * done + whole) // (2 * whole), 99))


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


def test_a_row_that_was_loaded_twice_says_so(built: Built) -> None:
    assert of(built, "073b29d2", batch=OLD).enrolment.has_duplicates
    assert not of(built, "073b29d2", batch=JUNE).enrolment.has_duplicates


def test_all_batches_are_explained_unless_one_is_named(built: Built) -> None:
    settings = built(SCENARIOS["sample"])
    learner = f"\u00a0{user('03908454')} "
    both = api.explain(settings, COURSE, learner, "State")
    assert [one.batch_id for one in both.enrolments] == [JUNE, OLD]
    assert (both.user_id, both.column) == (user("03908454"), "State")
    for course, batch in ((COURSE, "term 1, june"), (JUNE, None)):
        (one,) = api.explain(settings, course, learner, batch=batch).enrolments
        assert one.batch_id == JUNE


def test_only_what_concerns_the_column_is_read(built: Built) -> None:
    def kinds(column: str) -> set[str]:
        found = of(built, "03908454", column)
        names = ("contents", "attempts", "schools", "locations")
        assert len(found.values) == 1
        return {name for name in names if getattr(found, name)}

    assert kinds("Progress") == {"contents"}
    assert kinds("Total Score") == {"attempts"}
    assert kinds(f"{QUIZ} - score") == {"attempts"}
    assert {one.content_id for one in of(built, "03908454", QUIZ).attempts} == {QUIZ}
    assert kinds("School ID") == {"schools"}
    assert kinds("District") == {"schools", "locations"}
    assert kinds("Batch Name") == set()


def test_what_is_not_found_is_named(built: Built) -> None:
    settings = built(SCENARIOS["sample"])
    with pytest.raises(
        NotFound, match=r"`x` is enrolled in .* \(searched 53 enrolments in 5 batches"
    ):
        api.explain(settings, COURSE, "x")
    with pytest.raises(NotFound, match="12 enrolments in 1 batch "):
        api.explain(settings, COURSE, "x", batch=JUNE)
    with pytest.raises(NotFound) as of_attempts:
        api.explain(settings, COURSE, user("17dbfdce"), batch=JUNE)
    assert of_attempts.value.hint == "This user has made 1 attempt without an enrolment."
    with pytest.raises(NotFound, match=r"`Progres` \(searched 24 columns .*\n  Progress"):
        api.explain(settings, COURSE, user("03908454"), "Progres")
    with pytest.raises(NotFound, match="No batch matches"):
        api.explain(settings, COURSE, user("03908454"), batch="no such batch")
    with pytest.raises(NotFound, match="No course matches"):
        api.explain(settings, "no such course", user("03908454"))


def test_a_retired_course_is_refused(built: Built) -> None:
    with pytest.raises(PermissionDenied, match="retired collection"):
        api.explain(built(SCENARIOS["sample"]), "do_31300000000000000004", "x")


def test_a_requester_explains_what_they_may_export(built: Built) -> None:
    own = api.explain(built(SCENARIOS["sample"]), COURSE, user("03908454"), user_id=MENTOR)
    assert [one.batch_id for one in own.enrolments] == [JUNE, OLD]
    # The mentor has no other batch: neither enrolments nor attempts there are explained.
    found = api.explain(built(SCENARIOS["sample"]), COURSE, user("17dbfdce"), user_id=MENTOR)
    assert [one.batch_id for one in found.enrolments] == [OLD]


def test_a_learner_of_another_tenant_is_as_unknown_as_nobody(built: Built) -> None:
    settings = built(SCENARIOS["sample"])
    messages = set()
    # In their batch, but of the custodian organisation; in a batch of another mentor; nobody.
    for course, start in ((FLAT_COURSE, "1671e7e9"), (FLAT_COURSE, "15d3ac33")):
        assert of(built, start, course=course, batch=None)
    visible_learners = []
    for learner in (user("1671e7e9"), user("15d3ac33"), user("13a9a3d6"), "nobody"):
        try:
            api.explain(settings, FLAT_COURSE, learner, user_id=CREATOR)
            visible_learners.append(learner)
        except NotFound as error:
            messages.add((error.message.replace(learner, "LEARNER"), error.hint))
    assert len(visible_learners) == 1
    assert len(messages) == 1
    with pytest.raises(NotFound):
        api.explain(settings, COURSE, user("31a69cc4"), user_id=MENTOR)


def test_the_operators_finds_are_not_a_requesters(built: Built) -> None:
    settings = built(SCENARIOS["sample"])
    with pytest.raises(NotFound):
        api.explain(settings, COURSE, user("2153d1f0"), batch=UNKNOWN_BATCH, user_id=CREATOR)
    with pytest.raises(NotFound):
        api.explain(settings, UNKNOWN_COURSE, user("20374080"), user_id=CREATOR)
    with pytest.raises(PermissionDenied):
        api.explain(settings, COURSE, user("03908454"), user_id="nobody")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_view_keeps_its_grain(built: Built, scenario: str) -> None:
    """dbt does not test it, because a build does not compute explanations."""
    keys = {
        "enrolment_explanations": "course_id, batch_id, user_id",
        "content_explanations": "course_id, batch_id, user_id, content_id",
        "attempt_explanations": "course_id, batch_id, user_id, content_id, attempt_id",
        "school_explanations": "course_id, batch_id, user_id, source, organisation_id, persona",
        "location_explanations": "course_id, batch_id, user_id, position",
    }
    assert set(keys) == {name for name, _ in VIEWS.values()}
    with open_marts(built(SCENARIOS[scenario])) as marts:
        for view, key in keys.items():
            select = f"select count(*) from {marts.relation(view)}"
            rows = marts.warehouse.query(select)
            distinct = f"select count(*) from (select distinct {key} from {marts.relation(view)}"
            assert marts.warehouse.query(f"{distinct}) as keys") == rows, view
            assert rows > [(0,)], view


def test_only_the_build_of_the_report_explains_it(settings: Settings) -> None:
    load_extract(settings, SCENARIOS["sample"])
    assert not build(settings, [], NO_MESSAGES).failed
    load_extract(settings, SCENARIOS["sample"])
    later = "after the build" if settings.profile.engine == "duckdb" else "nothing to explain"
    with pytest.raises(DataError, match=later):
        api.explain(settings, COURSE, user("03908454"))
    with connect(settings.profile, writing=True) as warehouse:
        view = warehouse.relation(settings.profile.schema, "school_explanations")
        warehouse.execute(f"drop view if exists {view}")
    with pytest.raises(DataError, match="nothing to explain the report with"):
        api.explain(settings, COURSE, user("03908454"))


def test_nothing_personal_is_explained(built: Built) -> None:
    """The sample has names, e-mail addresses and phone numbers in `user` and in declarations."""
    names = {field.name for kind in VIEWS for field in fields(kind)}
    assert not [name for name in names if "mail" in name or "phone" in name or "first" in name]
    text = repr(api.explain(built(SCENARIOS["sample"]), COURSE, user("20374080"), batch=JULY))
    assert "eeab9cd4421baebf0594d54cf60b76f4521b2a10" not in text
    assert "Declarations, one validated" not in text
