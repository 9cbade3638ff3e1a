"""A summary says what the file adds up to, row by row, and what the workbook says of itself."""

from pathlib import Path

import pytest
from summary_support import added_up, in_workbook, of_workbook, said, workbook_tables, written
from support import SCENARIOS, Built

from exhaust import api
from exhaust.errors import PermissionDenied
from exhaust.marts.access import find_requester
from exhaust.marts.courses import batches, courses
from exhaust.marts.state import open_marts
from exhaust.marts.summaries import Funnel
from exhaust.project.settings import Settings
from exhaust.project.sql import score_bins

pytestmark = pytest.mark.not_on_spark

COURSE = "do_31300000000000000001"
Case = tuple[str, list[str], str | None]


def cases(settings: Settings) -> list[Case]:
    """Returns each course with all of its batches and with the last of them, for everyone."""
    found: list[Case] = []
    with open_marts(settings) as marts:
        users = marts.warehouse.query(
            f"select distinct user_id from {marts.relation('requester_batches')} order by user_id"
        )
        for user in [None, *(user for (user,) in users)]:
            requester = find_requester(marts, user)
            for course in courses(marts, requester=requester):
                own = batches(marts, course.id, requester)
                if own and not course.is_retired:
                    found += [(course.id, [], user), (course.id, [own[-1].id], user)]
    return found


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_summary_is_what_the_file_adds_up_to(built: Built, scenario: str) -> None:
    settings = built(SCENARIOS[scenario])
    narrower = 0
    for course, chosen, user in cases(settings):
        summary = api.summary(settings, course, *chosen, user_id=user)
        with open_marts(settings) as marts:
            report = written(marts, course, chosen, user)
        assert said(summary) == added_up(report), (course, chosen, user)
        assert summary.funnel.enrolled == sum(batch.rows for batch in summary.batches)
        narrower += bool(summary.funnel.enrolled and summary.left_out["outside the tenant"])
    # Some requesters see some learners and not the others, except in the broken extract.
    assert bool(narrower) == (scenario != "broken")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_summary_is_what_the_workbook_says(built: Built, scenario: str, tmp_path: Path) -> None:
    settings = built(SCENARIOS[scenario])
    compared = 0
    for course, chosen, user in cases(settings):
        summary = api.summary(settings, course, *chosen, user_id=user)
        if chosen or not summary.funnel.enrolled:
            continue
        with open_marts(settings) as marts:
            tables = workbook_tables(marts, course, chosen, user, tmp_path / "report.xlsx")
        assert of_workbook(tables) == in_workbook(summary), (course, user)
        compared += 1
    assert compared


def test_a_summary_has_an_order_and_no_gaps_in_its_bins(built: Built) -> None:
    summary = api.summary(built(SCENARIOS["sample"]), COURSE)
    sizes = [district.funnel.enrolled for district in summary.districts]
    assert sizes == sorted(sizes, reverse=True)
    for district in summary.districts:
        blocks = [block.funnel.enrolled for block in district.blocks]
        assert blocks == sorted(blocks, reverse=True)
    mondays = [week.starts_on for week in summary.weeks]
    assert mondays == sorted(mondays)
    names = [bin["name"] for bin in score_bins()]
    assert [[bin.name for bin in one.bins] for one in summary.assessments] == [names] * 4


def test_a_batch_without_learners_has_a_summary(built: Built) -> None:
    """With all assessments, in which everything is zero. The ID of the batch finds its course."""
    summary = api.summary(built(SCENARIOS["sample"]), "0130300000000000104")
    assert [batch.id for batch in summary.batches] == ["0130300000000000104"]
    assert (summary.funnel, summary.districts, summary.weeks) == (Funnel(), [], [])
    assert summary.funnel.share(summary.funnel.completed) is None
    assert {(one.attempted, one.mean) for one in summary.assessments} == {(0, None)}
    assert len(summary.assessments) == 4


def test_others_may_not_have_a_summary(built: Built) -> None:
    settings = built(SCENARIOS["sample"])
    with pytest.raises(PermissionDenied):
        api.summary(settings, COURSE, user_id="nobody")
    with open_marts(settings) as marts:
        ((user, course, batch),) = marts.warehouse.query(
            f"select rights.user_id, batches.course_id, batches.batch_id "
            f"from {marts.relation('requester_batches')} as rights "
            f"inner join {marts.relation('course_batches')} as batches "
            "on rights.course_id = batches.course_id and batches.is_known "
            f"left join {marts.relation('requester_batches')} as own "
            "on own.user_id = rights.user_id and own.course_id = batches.course_id "
            "and own.batch_id = batches.batch_id where own.user_id is null "
            "order by rights.user_id, batches.batch_id limit 1"
        )
    with pytest.raises(PermissionDenied):
        api.summary(settings, course, batch, user_id=user)
