from pathlib import Path

import pytest
from dbt_artefacts import MANIFEST, RESULTS
from support import NO_MESSAGES, RecordingConsole, relation

from exhaust.errors import Busy, DataError, UsageError
from exhaust.pipeline import build as module
from exhaust.pipeline import dbt
from exhaust.pipeline.build import BuildReport, Failure
from exhaust.project.settings import Settings
from exhaust.project.sources import read_sources
from exhaust.warehouse import Warehouse, connect

pytestmark = pytest.mark.not_on_spark


def build(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> BuildReport:
    """Builds with RESULTS as dbt's results."""
    run = dbt.Run("this", dbt._read_results({"results": RESULTS}, MANIFEST))
    monkeypatch.setattr(module, "run_dbt", lambda *_: run)
    return module.build(settings, [], NO_MESSAGES)


def land(settings: Settings, tables: list[str]) -> None:
    with connect(settings.profile, writing=True, console=NO_MESSAGES) as warehouse:
        warehouse.execute(f'create schema "{settings.landing_schema}"')
        for table in tables:
            warehouse.execute(f"create table {relation(settings.landing_schema, table)} (x text)")


def test_nothing_is_built_before_a_load(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="Nothing is loaded") as raised:
        build(settings, monkeypatch)
    assert "exhaust load" in str(raised.value.hint)
    if settings.profile.engine == "duckdb":
        assert not Path(settings.profile.options["path"]).exists()


def test_a_build_without_a_record_is_refused(
    settings_duckdb: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    unrecorded = settings_duckdb.with_variables({"record_builds": False})
    with pytest.raises(UsageError, match=r"sets record_builds: false"):
        build(unrecorded, monkeypatch)


def test_tables_never_loaded_are_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [table.name for table in read_sources(settings.project_dir)]
    land(settings, [table for table in tables if table not in ("location", "user")])
    with pytest.raises(DataError, match=r"never loaded into .*: user, location\."):
        build(settings, monkeypatch)


def test_the_report_counts_models_failures_and_rows_set_aside(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(settings, [table.name for table in read_sources(settings.project_dir)])
    with connect(settings.profile, writing=True, console=NO_MESSAGES) as warehouse:
        warehouse.execute("create schema aside")
        warehouse.execute(
            "create table aside.key_twice as "
            "select 'user' as source_table, 'u1' as named, 2 as row_count"
        )
        warehouse.execute(
            "create table aside.unknown_courses (source_table text, named text, row_count bigint)"
        )
        warehouse.execute(
            "insert into aside.unknown_courses values ('a', 'do_8', 2), ('b', 'do_8', 2), "
            "('a', null, 9), ('a', 'do_9', 3), ('a', 'do_3', 1), ('a', 'do_2', 1), "
            "('a', 'do_1', 1), ('a', 'do_0', 1), ('a', 'do_4', 1)"
        )
    report = build(settings, monkeypatch)
    assert (report.models, report.tests, report.skipped) == (1, 2, 1)
    assert report.failed == [
        Failure("key_twice", "A key is unique.", "Got 2 results", ["u1"]),
        Failure("operation.exhaust.on-run-end-0", "", "no", []),
    ]
    (unknown,) = report.set_aside
    assert (unknown.reason, unknown.rows) == ("Unknown courses.", 3)
    assert list(unknown.named.items()) == [
        ("do_8", 4),
        ("do_9", 3),
        ("do_0", 1),
        ("do_1", 1),
        ("do_2", 1),
    ]
    assert unknown.others == 2


def test_a_build_waits_for_a_busy_file(
    settings_duckdb: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dbt fails at once while another process reads, so a build opens the file first."""
    land(settings_duckdb, [table.name for table in read_sources(settings_duckdb.project_dir)])
    opened: list[bool | str] = []

    def spy(*arguments: object, writing: bool, **rest: object) -> Warehouse:
        opened.append(writing)
        return connect(settings_duckdb.profile, writing=writing, console=NO_MESSAGES)

    def run_dbt(*_: object) -> dbt.Run:
        opened.append("dbt")
        return dbt.Run("", [])

    monkeypatch.setattr(module, "connect", spy)
    monkeypatch.setattr(module, "run_dbt", run_dbt)
    module.build(settings_duckdb, [], NO_MESSAGES)
    assert opened == [False, True, "dbt", False]


@pytest.mark.parametrize("conflicts", range(1, module.MAX_STARTS + 1))
def test_a_lock_that_dbt_meets_is_waited_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, conflicts: int
) -> None:
    """Another process opens the file after the build has checked it, while dbt starts."""
    land(settings, [table.name for table in read_sources(settings.project_dir)])
    console = RecordingConsole()
    starts = []

    def run_dbt(*_: object) -> dbt.Run:
        starts.append("dbt")
        if len(starts) <= conflicts:
            raise dbt.WarehouseLocked
        return dbt.Run("", [])

    monkeypatch.setattr(module, "run_dbt", run_dbt)
    if conflicts < module.MAX_STARTS:
        module.build(settings, [], console)
    else:
        with pytest.raises(Busy, match="opened the warehouse") as raised:
            module.build(settings, [], console)
        assert raised.value.exit_code == 6
        assert raised.value.__suppress_context__ or raised.value.__context__ is None
    assert len(starts) == min(conflicts + 1, module.MAX_STARTS)
    assert len(console.messages) == conflicts
