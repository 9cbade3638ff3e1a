"""Where everything of a target is, and how old: loads, builds, requests and workers."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.errors import Busy, DataError, PermissionDenied
from exhaust.marts.kept_open import KeptOpen
from exhaust.marts.records import Build, newest_builds, read_marts
from exhaust.marts.state import RECORDS, Marts
from exhaust.project.settings import Settings
from exhaust.warehouse import LockWait, Warehouse, class_of, connect

if TYPE_CHECKING:
    from exhaust.requests.entities import Worker

MAX_BUILDS = 5


@dataclass(frozen=True)
class LoadedTable:
    """The newest load of a raw table; times are UTC."""

    table: str
    rows: int
    loaded_at: datetime
    newest_at: datetime | None
    """When its newest row was written, if it has a column for that."""


@dataclass(frozen=True)
class Info:
    """A target; times are UTC."""

    target: str
    engine: str
    engine_version: str | None
    warehouse: str
    project_dir: str
    package_dir: str
    """The folder of the models that the project builds from."""
    profile: str
    """The file of the profile."""
    report_timezone: str
    landing_schema: str
    mart_schemas: list[str]
    ledger: str
    results_dir: str
    loads: list[LoadedTable]
    newest_activity_at: datetime | None
    """How new the data is that was loaded."""
    build: Build | None
    """The whole build that exports come from."""
    problem: str | None
    """Why nothing can be exported."""
    builds: list[Build]
    """The newest invocations of dbt, newest first."""
    requests: Mapping[str, int] | None
    """The requests that wait or are being processed, by state; None without the right to see it."""
    workers: "list[Worker]"
    """The workers that were seen lately, the last one first."""


def info(settings: Settings, console: Console = SILENCE, clock: Clock = SYSTEM_CLOCK) -> Info:
    """Returns what is known of a target.

    Changes nothing, and creates nothing. Raises Busy or NoConnection if the warehouse cannot be
    had; what is not loaded or not built is no error.
    """
    with ExitStack() as stack:
        try:
            warehouse = stack.enter_context(_reading(settings, console, clock))
        except DataError as error:
            return _info(settings, None, error.message, clock)
        return _info(settings, warehouse, None, clock)


def _reading(
    settings: Settings, console: Console, clock: Clock
) -> AbstractContextManager[Warehouse]:
    if isinstance(settings, KeptOpen):
        return settings.pool.reading()
    return connect(settings.profile, writing=False, console=console, clock=clock)


def _info(
    settings: Settings, warehouse: Warehouse | None, problem: str | None, clock: Clock
) -> Info:
    profile = settings.profile
    loads = _loads(warehouse, settings.landing_schema) if warehouse else []
    build = None
    if warehouse:
        build, problem = _build(Marts(warehouse, settings), clock)
    is_recorded = warehouse is not None and warehouse.tables(profile.schema) >= RECORDS
    marts = read_marts(warehouse, profile.schema) if warehouse and is_recorded else {}
    ledger = class_of(profile).ledger_file(profile)
    requests, workers = _requests(settings, warehouse)
    return Info(
        target=profile.target,
        engine=profile.engine,
        engine_version=warehouse.version if warehouse else None,
        warehouse=warehouse.name if warehouse else str(profile.options.get("path", "")),
        project_dir=str(settings.project_dir),
        package_dir=str(settings.package_dir.resolve()),
        profile=str(settings.profiles_file),
        report_timezone=settings.report_timezone.key,
        landing_schema=settings.landing_schema,
        mart_schemas=sorted({mart.schema for mart in marts.values()} or {profile.schema}),
        ledger=str(ledger) if ledger else f"schema {profile.requests_schema}",
        results_dir=str(settings.results_dir),
        loads=loads,
        newest_activity_at=max(filter(None, (one.newest_at for one in loads)), default=None),
        build=build,
        problem=problem,
        builds=newest_builds(warehouse, profile.schema, MAX_BUILDS)
        if warehouse and is_recorded
        else [],
        requests=requests,
        workers=workers,
    )


def _loads(warehouse: Warehouse, schema: str) -> list[LoadedTable]:
    if "loads" not in warehouse.tables(schema):
        return []
    has_newest = "newest_at" in warehouse.columns(schema, "loads")
    rows = warehouse.query(
        f"select table_name, row_count, loaded_at, {'newest_at' if has_newest else 'null'} "
        f"from {warehouse.relation(schema, 'loads')} "
        # Rows that a person wrote may lack some.
        "where table_name is not null and row_count is not null and loaded_at is not null "
        "order by loaded_at"
    )
    newest = {row[0]: LoadedTable(*row) for row in rows}
    return sorted(newest.values(), key=lambda one: one.table)


def _build(marts: Marts, clock: Clock) -> tuple[Build | None, str | None]:
    """Returns the build that exports come from, or why there are none now."""
    try:
        with marts.state(wait=LockWait(SILENCE, clock, seconds=0)) as build:
            return build, None
    except (DataError, Busy) as error:
        return None, error.message


def _requests(
    settings: Settings, warehouse: Warehouse | None
) -> "tuple[dict[str, int] | None, list[Worker]]":
    from exhaust.requests.entities import UNDER_WAY
    from exhaust.requests.ledger import Ledger

    counts = {status.value: 0 for status in UNDER_WAY}
    file = class_of(settings.profile).ledger_file(settings.profile)
    if file is None:
        tables = warehouse.tables(settings.profile.requests_schema) if warehouse else set()
        exists = "job_request" in tables
    else:
        exists = file.exists()
    if not exists:
        return counts, []
    try:
        with Ledger.open(settings.profile, writing=False) as ledger:
            for request in ledger.requests():
                if request.is_under_way:
                    counts[request.status.value] += 1
            return counts, ledger.workers()
    except PermissionDenied:
        return None, []
