"""What the hooks in macros/hooks recorded of the marts: where they are, and which builds made them.

Reads them; writes nothing.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exhaust.warehouse import Warehouse

SUCCESS = "success"
PARTIAL = "partial"
FAILED = "failed"


@dataclass(frozen=True)
class MartRecord:
    """The newest replacement of a mart."""

    mart: str
    invocation_id: str
    database: str | None
    schema: str
    table: str
    started_at: datetime
    """When the invocation started (UTC)."""


@dataclass(frozen=True)
class Build:
    """An invocation of dbt that ended; times are UTC."""

    id: str
    command: str
    """dbt's own: build, run, test, …"""
    status: str
    started_at: datetime
    ended_at: datetime
    loaded_at: datetime | None
    """When the newest of its raw tables was loaded; None where that is not known."""
    oldest_loaded_at: datetime | None
    """When the oldest of them was loaded."""
    newest_activity_at: datetime | None
    """When the newest enrolment or attempt in its data was written."""
    variables: Mapping[str, Any]
    """The dbt variables that change a value of the marts."""
    missing: str | None
    """Why it is not whole."""
    exhaust_version: str | None
    contract: int | None
    """The version of the marts' contract; None before there was one."""
    models_hash: str | None
    needed_tests: int | None
    """How many tests of severity error a whole build has to pass: a project can switch some off."""

    @property
    def report_timezone(self) -> str:
        """The time zone whose days are in the marts."""
        return str(self.variables["report_timezone"])


BUILD = (
    *("invocation_id", "command", "status", "started_at", "ended_at", "loaded_at"),
    *("oldest_loaded_at", "newest_activity_at", "variables", "missing", "exhaust_version"),
    *("contract", "models_hash", "needed_tests"),
)


def read_marts(warehouse: Warehouse, schema: str) -> dict[str, MartRecord]:
    """Returns the record of each mart, by its name."""
    rows = warehouse.query(
        "select mart, invocation_id, database_name, schema_name, table_name, started_at from ("
        "select built_marts.*, row_number() over "
        "(partition by mart order by replaced_at desc, started_at desc) as newest "
        f"from {warehouse.relation(schema, 'built_marts')} as built_marts) as numbered "
        "where newest = 1"
    )
    return {row[0]: MartRecord(*row) for row in rows}


def read_builds(warehouse: Warehouse, schema: str, ids: Collection[str]) -> dict[str, Build]:
    """Returns those of the invocations that have ended, by their IDs."""
    wanted = ", ".join(warehouse.literal(one) for one in sorted(ids))
    return {build.id: build for build in _builds(warehouse, schema, f"invocation_id in ({wanted})")}


def newest_failure(warehouse: Warehouse, schema: str) -> Build | None:
    """Returns the newest invocation in which a model or a test of severity error failed."""
    found = _builds(warehouse, schema, f"status = {warehouse.literal(FAILED)}", "limit 1")
    return next(iter(found), None)


def newest_unrecorded(warehouse: Warehouse, schema: str) -> datetime | None:
    """Returns when the newest build of an earlier version began, which recorded no marts."""
    ((started_at,),) = warehouse.query(
        f"select max(started_at) from {warehouse.relation(schema, 'builds')} "
        "where contract is null and command <> 'test'"
    )
    newest: datetime | None = started_at
    return newest


def newest_builds(warehouse: Warehouse, schema: str, limit: int) -> list[Build]:
    """Returns the newest invocations that have ended, newest first."""
    return _builds(warehouse, schema, "true", f"limit {limit}")


def _builds(warehouse: Warehouse, schema: str, condition: str, limit: str = "") -> list[Build]:
    # Earlier versions wrote rows without an end, when a build began.
    rows = warehouse.query(
        f"select {', '.join(BUILD)} from {warehouse.relation(schema, 'builds')} "
        f"where {condition} and ended_at is not null order by started_at desc {limit}"
    )
    return [_build(dict(zip(BUILD, row, strict=True))) for row in rows]


def _build(values: dict[str, Any]) -> Build:
    build_id = values.pop("invocation_id")
    return Build(id=build_id, **{**values, "variables": json.loads(values["variables"] or "{}")})
