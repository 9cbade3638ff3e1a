"""What `info` says of a target, in each state that it can be in."""

from dataclasses import replace
from pathlib import Path

import pytest
from handmade_marts import CREATOR, MATHS, add_build, create_marts
from support import PROJECT, load_extract, relation

from exhaust import api
from exhaust.info import info
from exhaust.project.settings import Settings
from exhaust.warehouse import class_of, connect

pytestmark = pytest.mark.not_on_spark


@pytest.fixture
def built_by_hand(settings: Settings) -> Settings:
    with connect(settings.profile, writing=True) as warehouse:
        create_marts(warehouse, settings)
    return settings


def test_nothing_is_an_answer_too(settings: Settings) -> None:
    found = info(settings)
    assert (found.loads, found.build, found.builds, found.workers) == ([], None, [], [])
    assert str(found.problem).startswith("Nothing is")
    assert found.requests == {"SUBMITTED": 0, "PROCESSING": 0}
    ledger = class_of(settings.profile).ledger_file(settings.profile)
    assert ledger is None or not ledger.exists()


def test_loads_are_the_newest_of_each_table(settings: Settings) -> None:
    load_extract(settings, PROJECT / "seeds")
    load_extract(settings, PROJECT / "seeds")
    found = info(settings)
    loads = {one.table: one for one in found.loads}
    assert len(found.loads) == 10
    assert loads["user_enrolments"].rows == 64
    assert loads["user"].newest_at is None
    assert f"{found.newest_activity_at:%Y-%m-%d %H:%M:%S}" == "2024-06-20 06:00:01"


def test_rows_of_loads_that_lack_something_are_passed_over(settings: Settings) -> None:
    """Somebody may have written them by hand."""
    load_extract(settings, PROJECT / "seeds")
    with connect(settings.profile, writing=True) as warehouse:
        loads = relation(settings.landing_schema, "loads")
        warehouse.execute(f"insert into {loads} (table_name) values ('location')")
        warehouse.execute(
            f"insert into {loads} (row_count, loaded_at) values (1, timestamp '1999-01-01')"
        )
    assert len(info(settings).loads) == 10


def test_the_build_of_the_marts_is_named_and_later_ones_are_listed(
    built_by_hand: Settings,
) -> None:
    with connect(built_by_hand.profile, writing=True) as warehouse:
        add_build(warehouse, built_by_hand, "partial", "2026-11-02 11:00", marts=["other"])
    found = info(built_by_hand)
    assert found.problem is None
    assert found.build
    assert found.build.id == "2026-11-01 12:00"
    assert [one.id for one in found.builds] == ["2026-11-02 11:00", "2026-11-01 12:00"]
    assert found.mart_schemas == [built_by_hand.profile.schema]


def test_a_running_build_is_said_at_once(built_by_hand: Settings) -> None:
    with connect(built_by_hand.profile, writing=True) as warehouse:
        add_build(warehouse, built_by_hand, None, "2026-11-02 11:00", marts=["courses"])
    assert "began at 2026-11-02 11:00 UTC and has not ended" in str(info(built_by_hand).problem)


def test_requests_and_workers_are_counted(built_by_hand: Settings, tmp_path: Path) -> None:
    project = replace(built_by_hand, results_dir=tmp_path)
    api.submit(project, MATHS, user_id=CREATOR)
    waiting = info(project)
    assert waiting.requests == {"SUBMITTED": 1, "PROCESSING": 0}
    list(api.process(project))
    done = info(project)
    assert done.requests == {"SUBMITTED": 0, "PROCESSING": 0}
    assert len(done.workers) == 1
