"""Which states of the warehouse an export accepts."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from handmade_marts import MARTS, MATHS, MATHS_2, add_build, create_marts, report_text
from support import ManualClock, RecordingConsole, RunExport, files, relation, reports

from exhaust.errors import Busy, DataError, NotFound
from exhaust.marts.state import open_marts
from exhaust.project.settings import Settings
from exhaust.reports.export import export
from exhaust.reports.selection import Criteria, Destination
from exhaust.warehouse import LOCK_TIMEOUT_SECONDS, Warehouse, connect

pytestmark = pytest.mark.not_on_spark


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("courses", "lack courses: an earlier version"),
        ("course_progress_details", "lack course_progress_details: an earlier version"),
        ("builds", "Nothing is built"),
        ("built_marts", "by an earlier version"),
    ],
)
def test_an_export_needs_marts_and_their_records(
    run_export: RunExport, warehouse: Warehouse, settings: Settings, table: str, message: str
) -> None:
    warehouse.execute(f"drop table {relation(settings.profile.schema, table)}")
    with pytest.raises(DataError, match=message):
        run_export(Criteria([MATHS]))


@pytest.mark.parametrize(
    ("started_at", "command", "is_refused"),
    [("2030-01-01", "build", True), ("2030-01-01", "test", False), ("2020-01-01", "build", False)],
)
def test_a_later_build_of_an_earlier_version_is_refused(
    run_export: RunExport,
    warehouse: Warehouse,
    settings: Settings,
    started_at: str,
    command: str,
    is_refused: bool,
) -> None:
    """It replaced marts without a record, so that the records are of marts that are gone."""
    warehouse.execute(
        f"insert into {relation(settings.profile.schema, 'builds')} "
        "(invocation_id, command, status, started_at) "
        f"values ('old', '{command}', 'running', timestamp '{started_at}')"
    )
    if not is_refused:
        run_export(Criteria([MATHS]))
        return
    message = "An earlier version of exhaust built .* at 2030-01-01 00:00 UTC"
    with pytest.raises(DataError, match=message):
        run_export(Criteria([MATHS]))


def test_an_export_needs_the_build_of_its_marts_to_be_recorded(
    run_export: RunExport, warehouse: Warehouse, settings: Settings
) -> None:
    warehouse.execute(f"delete from {relation(settings.profile.schema, 'builds')}")
    with pytest.raises(Busy, match="began at 2026-11-01 12:00 UTC and has not ended"):
        run_export(Criteria([MATHS]), clock=ManualClock())


def test_a_later_failure_stops_exports_and_an_earlier_one_does_not(
    run_export: RunExport, warehouse: Warehouse, settings: Settings
) -> None:
    add_build(warehouse, settings, "failed", "2026-11-01 11:00", marts=[])
    assert run_export(Criteria([MATHS])).files
    add_build(warehouse, settings, "failed", "2026-11-02 11:00", command="test", marts=[])
    with pytest.raises(DataError, match="2026-11-02 11:00 UTC failed"):
        run_export(Criteria([MATHS]))
    add_build(warehouse, settings, "success", "2026-11-02 12:00")
    assert run_export(Criteria([MATHS])).files


def test_a_partial_build_of_all_marts_is_refused(
    run_export: RunExport, warehouse: Warehouse, settings: Settings
) -> None:
    add_build(warehouse, settings, "partial", "2026-11-02 11:00", command="run")
    with pytest.raises(DataError, match=r"`dbt run` made the marts at .* not a whole build: 1 of"):
        run_export(Criteria([MATHS]))


def test_marts_of_two_builds_are_refused(
    run_export: RunExport, warehouse: Warehouse, settings: Settings
) -> None:
    add_build(warehouse, settings, "success", "2026-11-02 11:00", command="run", marts=["courses"])
    with pytest.raises(DataError, match=r"from 2 builds: `dbt run` .* replaced only courses"):
        run_export(Criteria([MATHS]))


def test_a_build_of_other_models_changes_nothing(
    run_export: RunExport, warehouse: Warehouse, settings: Settings
) -> None:
    add_build(warehouse, settings, "partial", "2026-11-02 11:00", marts=["my_own_model"])
    assert run_export(Criteria([MATHS])).build.id == "2026-11-01 12:00"


def test_marts_of_another_contract_are_refused(
    run_export: RunExport, warehouse: Warehouse, settings: Settings
) -> None:
    add_build(warehouse, settings, "success", "2026-11-02 11:00", contract=99)
    with pytest.raises(DataError, match="contract 99; this version of exhaust reads"):
        run_export(Criteria([MATHS]))


def test_marts_of_other_models_are_exported_with_a_warning(
    run_export: RunExport, warehouse: Warehouse, settings: Settings, console: RecordingConsole
) -> None:
    builds = relation(settings.profile.schema, "builds")
    warehouse.execute(f"update {builds} set models_hash = 'other'")
    assert run_export(Criteria([MATHS])).files
    assert ["other models or macros" in line for line in console.messages] == [True]


def test_marts_are_read_from_where_the_build_put_them(
    run_export: RunExport, warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    warehouse.execute("create schema reporting")
    for mart in MARTS:
        old = relation(settings.profile.schema, mart)
        warehouse.execute(f"create table reporting.{mart} as select * from {old}")
        warehouse.execute(f"delete from {old}")
    with pytest.raises(NotFound):
        run_export(Criteria([MATHS_2]))
    add_build(warehouse, settings, "success", "2026-11-02 11:00", schema="reporting")
    run_export(Criteria([MATHS_2]))
    assert reports(tmp_path) == {"001_progress_20261123.csv": report_text((MATHS_2, "001"))}


def test_an_export_waits_for_a_running_build_and_then_fails(
    run_export: RunExport,
    warehouse: Warehouse,
    settings: Settings,
    console: RecordingConsole,
    tmp_path: Path,
) -> None:
    add_build(warehouse, settings, None, "2026-11-02 11:00", marts=["courses"])
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
    add_build(other_warehouse, settings_postgres, None, "2026-11-02 11:00")
    clock = ManualClock(
        on_sleep=lambda: add_build(
            other_warehouse, settings_postgres, "success", "2026-11-02 11:00", marts=[]
        )
    )
    output = BytesIO()
    with open_marts(settings_postgres) as marts:
        export(marts, Criteria([MATHS_2]), Destination(output), console, clock)
    assert output.getvalue().decode() == report_text((MATHS_2, "001"))
    assert console.messages == [
        "A build that began at 2026-11-02 11:00 UTC is running: waiting ..."
    ]


@pytest.mark.parametrize(("loaded_at", "is_warned"), [("00:00", False), ("00:01", True)])
def test_an_export_warns_of_a_load_after_the_build(
    run_export: RunExport,
    warehouse: Warehouse,
    settings: Settings,
    console: RecordingConsole,
    loaded_at: str,
    is_warned: bool,
) -> None:
    # A later run of other models is not a build of the marts.
    add_build(warehouse, settings, "partial", "2026-11-03 12:00", command="run", marts=["other"])
    warehouse.execute(f'create schema "{settings.landing_schema}"')
    loads = relation(settings.landing_schema, "loads")
    warehouse.execute(f"create table {loads} (loaded_at timestamp)")
    warehouse.execute(f"insert into {loads} values ('2026-11-01 {loaded_at}')")
    assert run_export(Criteria([MATHS])).files
    warnings = [line.startswith("warning: data was loaded at") for line in console.messages]
    assert warnings == [True] * is_warned
