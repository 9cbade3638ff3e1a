"""A summary says what the file adds up to, row by row, and what the workbook says of itself."""

from pathlib import Path

import pytest
from summary_support import added_up, in_workbook, of_workbook, said, workbook_tables, written
from support import SCENARIOS, Built

from exhaust import api
from exhaust.marts.access import find_requester
from exhaust.marts.courses import batches, courses
from exhaust.marts.state import open_marts
from exhaust.project.settings import Settings

pytestmark = pytest.mark.not_on_spark

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
