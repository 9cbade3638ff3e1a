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
from explain_support import (
    COURSE,
    CREATOR,
    FLAT_COURSE,
    JULY,
    JUNE,
    MENTOR,
    OLD,
    QUIZ,
    UNKNOWN_BATCH,
    UNKNOWN_COURSE,
    of,
    user,
)
from support import GOLDEN, SCENARIOS, BuildMarts, Built, load_extract

from exhaust import api
from exhaust.errors import DataError, NotFound, PermissionDenied
from exhaust.marts.explanations import MARTS as VIEWS
from exhaust.marts.state import open_marts
from exhaust.project.settings import Settings
from exhaust.reports.explain import MARTS, explain
from exhaust.reports.explanation import ExplainedEnrolment, Explanation
from exhaust.warehouse import connect


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


def test_only_the_build_of_the_report_explains_it(
    settings: Settings, build_marts: BuildMarts
) -> None:
    load_extract(settings, SCENARIOS["sample"])
    assert not build_marts(settings).failed
    load_extract(settings, SCENARIOS["sample"])
    later = "nothing to explain" if settings.profile.engine == "postgres" else "after the build"
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
