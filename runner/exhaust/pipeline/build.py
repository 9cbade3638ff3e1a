"""Builds the marts with dbt, and says in plain words what was built, failed and set aside."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.errors import Busy, DataError, UsageError
from exhaust.marts.records import read_builds
from exhaust.marts.set_aside import MAX_NAMED, SetAside, most_named
from exhaust.pipeline.dbt import (
    Result,
    Run,
    WarehouseLocked,
    install_packages,
    run_dbt,
    variables_in,
)
from exhaust.pipeline.lease import Lease, LeaseConsole, holding_target
from exhaust.pipeline.ownership import check_build
from exhaust.project.fingerprint import models_hash
from exhaust.project.package import OWN_PACKAGE
from exhaust.project.settings import Settings
from exhaust.project.sources import read_sources
from exhaust.warehouse import Warehouse, connect

FAILED = ("error", "fail", "runtime error", "partial success")
MAX_NAMED_IF_FAILED = 50
"""Those that are named for each test that failed."""


@dataclass(frozen=True)
class Failure:
    name: str
    description: str
    message: str
    named: list[str]
    """The first of what a test found wrong."""


@dataclass(frozen=True)
class BuildReport:
    models: int
    """Models that were built."""
    tests: int
    """Tests that passed, including those that warn."""
    skipped: int
    """Models and tests that were not reached."""
    failed: list[Failure]
    set_aside: list[SetAside]
    missing: str | None
    """Why this was not a whole build; the marts cannot be exported then."""
    warehouse: str
    """The warehouse that was built in."""
    schema: str
    """The schema of its marts, unless dbt_project.yml moves them."""


MAX_STARTS = 3
"""How often dbt is started, if another process opens the warehouse before it does."""


def build(
    settings: Settings,
    arguments: Sequence[str] = (),
    console: Console = SILENCE,
    clock: Clock = SYSTEM_CLOCK,
) -> BuildReport:
    """Builds and tests the models; `arguments` go to `dbt build`.

    The report says what failed. Raises UsageError for variables or arguments that do not fit,
    DataError if nothing is loaded, Busy or NoConnection if the warehouse cannot be had or another
    load or build is running, ExhaustError if dbt breaks off.
    """
    settings = settings.with_variables(variables_in(arguments))
    _prepare_models(settings, console)
    with connect(settings.profile, writing=False, console=console, clock=clock) as warehouse:
        _check_loaded(warehouse, settings)
        check_build(warehouse, settings)
    with holding_target(settings, "build", console, clock) as lease:
        run = _run(settings, arguments, lease, console, clock)
    with connect(settings.profile, writing=False, console=console, clock=clock) as warehouse:
        return _report(run, warehouse, settings)


def _prepare_models(settings: Settings, console: Console) -> None:
    """Installs the package where it is missing; warns if it is not the one of this command.

    Raises UsageError if the project does not let builds be recorded.
    """
    if not settings.variables.get("record_builds", True):
        raise UsageError(
            f"{settings.variables.source} sets record_builds: false. Marts without a record cannot "
            "be exported.",
            "Set it to true, or build with `dbt build`.",
        )
    if not settings.package_dir.is_dir():
        console.say("Installing the packages of the project ...")
        install_packages(settings, console)
    if models_hash(settings.package_dir) != models_hash(OWN_PACKAGE):
        console.say(
            f"warning: the models and macros in {settings.package_dir} are not those of this "
            f"command, in {OWN_PACKAGE}."
        )


def _run(
    settings: Settings, arguments: Sequence[str], lease: Lease, console: Console, clock: Clock
) -> Run:
    # Unit tests are about the models, not about the data: `dbt build` and CI run them.
    of_the_data = ["build", "--exclude-resource-type", "unit_test"]
    for _ in range(MAX_STARTS):
        # dbt does not wait for a DuckDB file that another process reads; this does.
        connect(settings.profile, writing=True, console=console, clock=clock).close()
        try:
            return run_dbt(
                settings, [*of_the_data, *arguments], LeaseConsole(console, lease), lease
            )
        except WarehouseLocked:
            console.say("Another process opened the warehouse before dbt did: trying again ...")
    raise Busy(
        f"Another process opened the warehouse of {settings.profile.target} each time before dbt "
        "did.",
        "Close what has it open, such as a notebook or an editor, and build again.",
    )


def _check_loaded(warehouse: Warehouse, settings: Settings) -> None:
    loaded = warehouse.tables(settings.landing_schema)
    missing = [table.name for table in read_sources(OWN_PACKAGE) if table.name not in loaded]
    hint = "Load an extract with `exhaust load DIR`."
    if not loaded:
        raise DataError(
            f"Nothing is loaded: {warehouse.name} has no table in the schema "
            f"{settings.landing_schema}.",
            hint,
        )
    if missing:
        raise DataError(
            f"These tables were never loaded into {warehouse.name}: {', '.join(missing)}.",
            f"{hint} A table may be empty.",
        )


def _report(run: Run, warehouse: Warehouse, settings: Settings) -> BuildReport:
    results = run.results
    done = Counter(
        result.kind for result in results if result.status in ("success", "pass", "warn")
    )
    return BuildReport(
        models=done["model"],
        tests=done["test"],
        skipped=sum(result.status == "skipped" for result in results),
        failed=[_failure(result, warehouse) for result in results if result.status in FAILED],
        set_aside=sorted(
            (_set_aside(result, warehouse) for result in results if result.status == "warn"),
            key=lambda found: (-found.rows, found.test),
        ),
        missing=_missing(run, warehouse, settings.profile.schema),
        warehouse=warehouse.name,
        schema=settings.profile.schema,
    )


def _missing(run: Run, warehouse: Warehouse, schema: str) -> str | None:
    """Returns why a build was not whole, as its own record says."""
    recorded = {}
    if "builds" in warehouse.tables(schema):
        recorded = read_builds(warehouse, schema, [run.invocation_id])
    build = recorded.get(run.invocation_id)
    return build.missing if build else "dbt left no record; perhaps it had nothing to do"


def _failure(result: Result, warehouse: Warehouse) -> Failure:
    named = _named(result, warehouse, MAX_NAMED_IF_FAILED)
    return Failure(result.name, result.description, result.message, [name for name, _, _ in named])


def _set_aside(result: Result, warehouse: Warehouse) -> SetAside:
    named = _named(result, warehouse, MAX_NAMED)
    return SetAside.of(
        result.name, result.description, result.failures, named, is_kept=result.is_kept
    )


def _named(result: Result, warehouse: Warehouse, limit: int) -> list[tuple[Any, ...]]:
    """Returns what a test found most of: its name, its rows, and the number of names in all."""
    table = result.failure_table
    return [] if table is None else most_named(warehouse, *table, limit)
