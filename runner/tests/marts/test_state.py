"""Which states of the warehouse an export accepts."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from handmade_marts import MATHS, MATHS_2, add_build, create_marts, report_text
from support import ManualClock, RecordingConsole, RunExport, files, relation

from exhaust.errors import Busy, DataError
from exhaust.marts.state import open_marts
from exhaust.project.settings import Settings
from exhaust.reports.export import export
from exhaust.reports.selection import Criteria, Destination
from exhaust.warehouse import LOCK_TIMEOUT_SECONDS, Warehouse, connect

pytestmark = pytest.mark.not_on_spark


@pytest.mark.parametrize("table", ["courses", "builds"])
def test_an_export_needs_marts(
    run_export: RunExport, warehouse: Warehouse, settings: Settings, table: str
) -> None:
    warehouse.execute(f"drop table {relation(settings.profile.schema, table)}")
    with pytest.raises(DataError, match="Nothing is built"):
        run_export(Criteria([MATHS]))


def test_an_export_needs_a_recorded_build(
    run_export: RunExport, warehouse: Warehouse, settings: Settings
) -> None:
    warehouse.execute(f"delete from {relation(settings.profile.schema, 'builds')}")
    with pytest.raises(DataError, match="Nothing is built"):
        run_export(Criteria([MATHS]))


def test_only_the_newest_build_decides(
    run_export: RunExport, warehouse: Warehouse, settings: Settings
) -> None:
    add_build(warehouse, settings, "failed", "2026-11-01 11:00")
    assert run_export(Criteria([MATHS])).files
    add_build(warehouse, settings, "failed", "2026-11-02 11:00", command="test")
    with pytest.raises(DataError, match="2026-11-02 11:00 UTC failed"):
        run_export(Criteria([MATHS]))


def test_an_export_waits_for_a_running_build_and_then_fails(
    run_export: RunExport,
    warehouse: Warehouse,
    settings: Settings,
    console: RecordingConsole,
    tmp_path: Path,
) -> None:
    add_build(warehouse, settings, "running", "2026-11-02 11:00")
    clock = ManualClock()
    with pytest.raises(Busy, match="began at 2026-11-02 11:00 UTC and has not ended"):
        run_export(Criteria([MATHS]), clock=clock)
    # No other process can change an open DuckDB file, so there is nothing to wait for.
    is_waited_for = settings.profile.engine != "duckdb"
    assert clock.slept == (LOCK_TIMEOUT_SECONDS if is_waited_for else 0)
    assert len(console.messages) == is_waited_for
    assert files(tmp_path) == {}


@pytest.fixture
def other_warehouse(settings_postgres: Settings) -> Iterator[Warehouse]:
    with connect(settings_postgres.profile, writing=True) as opened:
        yield opened


def test_an_export_continues_when_the_build_ends_in_time(
    settings_postgres: Settings, other_warehouse: Warehouse, console: RecordingConsole
) -> None:
    create_marts(other_warehouse, settings_postgres)
    add_build(other_warehouse, settings_postgres, "running", "2026-11-02 11:00")
    builds = relation(settings_postgres.profile.schema, "builds")
    end = f"update {builds} set status = 'success'"
    clock = ManualClock(on_sleep=lambda: other_warehouse.execute(end))
    output = BytesIO()
    with open_marts(settings_postgres) as marts:
        export(marts, Criteria([MATHS_2]), Destination(output), console, clock)
    assert output.getvalue().decode() == report_text((MATHS_2, "001"))
    assert console.messages == [
        "A build that began at 2026-11-02 11:00 UTC is running: waiting ..."
    ]


@pytest.mark.parametrize(("loaded_at", "is_warned"), [("11:59", False), ("12:01", True)])
def test_an_export_warns_of_a_load_after_the_build(
    run_export: RunExport,
    warehouse: Warehouse,
    settings: Settings,
    console: RecordingConsole,
    loaded_at: str,
    is_warned: bool,
) -> None:
    # A later `dbt test` is not a build.
    add_build(warehouse, settings, "success", "2026-11-03 12:00", command="test")
    warehouse.execute(f'create schema "{settings.landing_schema}"')
    loads = relation(settings.landing_schema, "loads")
    warehouse.execute(f"create table {loads} (loaded_at timestamp)")
    warehouse.execute(f"insert into {loads} values ('2026-11-01 {loaded_at}')")
    assert run_export(Criteria([MATHS])).files
    warnings = [line.startswith("warning: data was loaded at") for line in console.messages]
    assert warnings == [True] * is_warned
