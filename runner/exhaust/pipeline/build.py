"""Builds the marts with dbt, and says in plain words what was built, failed and set aside."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.errors import DataError
from exhaust.pipeline.dbt import Result, run_dbt
from exhaust.project.settings import Settings
from exhaust.project.sources import read_sources
from exhaust.warehouse import Warehouse, connect

FAILED = ("error", "fail", "runtime error", "partial success")
MAX_NAMED = 5
"""Courses, batches or columns that are named for each reason of setting rows aside."""
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
class SetAside:
    """Rows with a fault, found by a test of severity warn."""

    test: str
    reason: str
    rows: int
    named: dict[str, int]
    """The courses, batches or columns with the most rows, and those rows."""
    others: int
    """How many more courses, batches or columns there are."""
    is_kept: bool
    """Whether the rows are used, without what is wrong in them, or left out."""


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


def build(
    settings: Settings,
    arguments: Sequence[str] = (),
    console: Console = SILENCE,
    clock: Clock = SYSTEM_CLOCK,
) -> BuildReport:
    """Builds and tests the models; `arguments` go to `dbt build`.

    The report says what failed. Raises DataError if nothing is loaded, Busy or NoConnection if the
    warehouse cannot be had, ExhaustError if dbt breaks off.
    """
    with connect(settings.profile, writing=False, console=console, clock=clock) as warehouse:
        _check_loaded(warehouse, settings)
    # dbt does not wait for a DuckDB file that another process reads; this does.
    connect(settings.profile, writing=True, console=console, clock=clock).close()
    # Unit tests are about the models, not about the data: `dbt build` and CI run them.
    of_the_data = ["build", "--exclude-resource-type", "unit_test"]
    results = run_dbt(settings, [*of_the_data, *arguments], console)
    with connect(settings.profile, writing=False, console=console, clock=clock) as warehouse:
        return _report(results, warehouse)


def _check_loaded(warehouse: Warehouse, settings: Settings) -> None:
    loaded = warehouse.tables(settings.landing_schema)
    missing = [
        table.name for table in read_sources(settings.project_dir) if table.name not in loaded
    ]
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


def _report(results: Sequence[Result], warehouse: Warehouse) -> BuildReport:
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
    )


def _failure(result: Result, warehouse: Warehouse) -> Failure:
    named = _named(result, warehouse, MAX_NAMED_IF_FAILED)
    return Failure(result.name, result.description, result.message, [name for name, _, _ in named])


def _set_aside(result: Result, warehouse: Warehouse) -> SetAside:
    named = _named(result, warehouse, MAX_NAMED)
    return SetAside(
        test=result.name,
        reason=result.description or result.name,
        rows=result.failures,
        named={name: int(rows) for name, rows, _ in named},
        others=named[0][2] - len(named) if named else 0,
        is_kept=result.is_kept,
    )


def _named(result: Result, warehouse: Warehouse, limit: int) -> list[tuple[Any, ...]]:
    """Returns what a test found most of: its name, its rows, and the number of names in all."""
    if result.failure_table is None:
        return []
    return warehouse.query(
        "select named, sum(row_count) as rows_named, count(*) over () "
        f"from {warehouse.relation(*result.failure_table)} where named is not null "
        f"group by named order by rows_named desc, named limit {limit}"
    )
