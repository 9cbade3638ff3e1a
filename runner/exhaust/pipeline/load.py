"""Loads an extract into the landing schema: all of its tables, or none."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.errors import ExhaustError
from exhaust.extract.folder import Extract, ExtractTable
from exhaust.extract.landing import group_files
from exhaust.pipeline.ownership import OWNER, check_load
from exhaust.project.settings import Settings
from exhaust.repeating import repeating
from exhaust.warehouse import Warehouse

WATCHER = "progress of a load"


@dataclass(frozen=True)
class LoadedTable:
    name: str
    rows: int
    files: int
    missing_columns: list[str]
    """Columns that are read but are not in the extract; they are null."""
    newest: datetime | None = None
    """When its newest row was written (UTC), if the table has a column for that."""
    rows_before: int | None = None
    """The rows of the previous load; None if there was none."""

    @property
    def has_shrunk(self) -> bool:
        """Whether the table lost more than half of its rows."""
        return self.rows < (self.rows_before or 0) / 2


@dataclass(frozen=True)
class LoadReport:
    tables: list[LoadedTable]
    ignored: list[str]
    """Names in the extract that look like data but are not a table's."""
    warehouse: str
    """The warehouse that they were loaded into."""
    schema: str
    """Its landing schema."""


def load(
    warehouse: Warehouse,
    settings: Settings,
    extract: Extract,
    console: Console = SILENCE,
    clock: Clock = SYSTEM_CLOCK,
) -> LoadReport:
    """Replaces the extract's tables in the landing schema, all columns text, in one transaction.

    Values land as they arrived. The only other table that changes is `loads`, which gets a row per
    table. Raises DataError that names file and line if a file cannot be read, and UsageError if the
    tables there are another target's; then nothing has changed.
    """
    schema = settings.landing_schema
    gauge = _Gauge(extract, console)
    check_load(warehouse, settings)
    with warehouse.transaction():
        warehouse.create_schema(schema)
        before = _rows_before(warehouse, schema)
        loaded = [
            _load_table(warehouse, schema, table, gauge, before.get(table.source.name))
            for table in extract.tables
        ]
        warehouse.put_in_place()
        _record(warehouse, settings, loaded, clock.now())
        gauge.report_end(extract.tables[-1].source.name)
    return LoadReport(loaded, list(extract.ignored), warehouse.name, schema)


LOADS = {
    "table_name": "{text}",
    "row_count": "bigint",
    "file_count": "bigint",
    "loaded_at": "timestamp",
    "newest_at": "timestamp",
    OWNER: "{text}",
}
"""The columns of `loads` with their types; earlier versions lack the last ones."""


def _record(
    warehouse: Warehouse, settings: Settings, loaded: Sequence[LoadedTable], loaded_at: datetime
) -> None:
    schema = settings.landing_schema
    loads = warehouse.relation(schema, "loads")
    owner = warehouse.literal(settings.profile.schema)
    rows = (
        f"({warehouse.literal(table.name)}, {table.rows}, {table.files}, "
        f"{_timestamp(loaded_at)}, {_timestamp(table.newest)}, {owner})"
        for table in loaded
    )
    columns = {name: kind.format(text=warehouse.text) for name, kind in LOADS.items()}
    if "loads" in warehouse.tables(schema):
        existing = warehouse.columns(schema, "loads")
        for name, kind in columns.items():
            if name not in existing:
                warehouse.add_column(loads, f"{name} {kind}")
    else:
        definitions = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        warehouse.execute(f"create table {loads} ({definitions})")
    warehouse.execute(f"insert into {loads} ({', '.join(columns)}) values {', '.join(rows)}")


def _timestamp(time: datetime | None) -> str:
    return "null" if time is None else f"timestamp '{time.replace(tzinfo=None)}'"


def _rows_before(warehouse: Warehouse, schema: str) -> dict[str, int]:
    """Returns the rows of each table in its newest load."""
    if "loads" not in warehouse.tables(schema):
        return {}
    found = warehouse.query(
        f"select table_name, row_count from {warehouse.relation(schema, 'loads')} "
        "order by loaded_at"
    )
    return dict(found)


def _load_table(
    warehouse: Warehouse,
    schema: str,
    table: ExtractTable,
    gauge: "_Gauge",
    rows_before: int | None,
) -> LoadedTable:
    name = table.source.name
    target = warehouse.new_texts(schema, name, table.columns)
    groups = group_files(table.files)
    rows = 0
    for at_once in [groups] if warehouse.reads_in_parallel else [[group] for group in groups]:
        with gauge.watching(warehouse, name, sum(group.size for group in at_once)):
            rows += warehouse.insert(target, at_once)
    # Without statistics, Postgres would plan the build that follows by guessing.
    warehouse.analyze(target)
    return LoadedTable(
        name,
        rows,
        len(table.files),
        table.missing_columns,
        _newest(warehouse, target, table.source.newest),
        rows_before,
    )


def _newest(warehouse: Warehouse, relation: str, column: str | None) -> datetime | None:
    """Returns the latest time in a column, to the second, ignoring what cannot be read.

    The engine finds the greatest text for each offset; only these few are parsed here.
    """
    if column is None:
        return None
    text = warehouse.identifier(column)
    after_seconds = f"substr({text}, 20)"
    offset = (
        f"case when {after_seconds} like '%+0000' or {after_seconds} not like '%+%' "
        f"and {after_seconds} not like '%-%' then '' else substr({text}, length({text}) - 5) end"
    )
    greatest = warehouse.bytewise(f"replace(substr({text}, 1, 19), 'T', ' ')")
    found = warehouse.query(
        f"select {offset}, max({greatest}) from {relation} "
        f"where substr({text}, 5, 1) = '-' and substr({text}, 8, 1) = '-' group by 1"
    )
    return max(filter(None, (_time(text, offset) for offset, text in found)), default=None)


def _time(text: str, offset: str) -> datetime | None:
    """Returns a time in UTC; None if the text is not a time."""
    hours = re.search(r"[+-]\d{2}:?(\d{2})?$", offset)
    try:
        time = datetime.fromisoformat(text + (hours[0] if hours else "+00:00"))
        return time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class _Gauge:
    """Reports the progress of a load by the sizes of its files."""

    def __init__(self, extract: Extract, console: Console) -> None:
        self._console = console
        self._size = sum(file.part.size for table in extract.tables for file in table.files)
        self._done = 0

    @contextmanager
    def watching(self, warehouse: Warehouse, table: str, size: int) -> Iterator[None]:
        def watch() -> bool:
            try:
                self._report(table, (warehouse.progress() or 0) * size)
            except ExhaustError:
                return False  # The console stops the load: `_report` below says so.
            return True

        with repeating(watch, 0.2, WATCHER):
            yield
        self._done += size
        self._report(table, 0)

    def report_end(self, table: str) -> None:
        """Reports the end of the last table. The console can stop the load here for the last
        time."""
        self._console.progress(table, 1.0)

    def _report(self, table: str, bytes_of_current: float) -> None:
        self._console.progress(table, (self._done + bytes_of_current) / (self._size or 1))
