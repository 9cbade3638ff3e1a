"""Lands an extract in the warehouse: all of its tables, or nothing."""

import dataclasses
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from exhaust.display import Progress
from exhaust.extract.folder import Extract, ExtractTable
from exhaust.extract.landing import group_files
from exhaust.settings import Settings
from exhaust.warehouse import Warehouse

WATCHER = "progress of a load"


@dataclass(frozen=True)
class LoadedTable:
    name: str
    rows: int
    files: int
    missing_columns: list[str]
    """Listed columns that the extract lacks: they are null."""
    newest: datetime | None = None
    """The latest time (UTC) at which a row of it was written, where the table says that."""
    rows_before: int | None = None
    """How many rows the load before brought; None if there was none."""

    @property
    def has_shrunk(self) -> bool:
        """Whether it has lost more than half of its rows."""
        return self.rows < (self.rows_before or 0) / 2


@dataclass(frozen=True)
class LoadReport:
    tables: list[LoadedTable]
    ignored: list[str]
    """Names in the extract that look like data and are no table."""

    def as_json(self) -> dict[str, Any]:
        """For machines; times in ISO 8601."""
        tables = [
            {
                **dataclasses.asdict(table),
                "newest": table.newest and table.newest.isoformat(),
                "has_shrunk": table.has_shrunk,
            }
            for table in self.tables
        ]
        return {"tables": tables, "ignored": self.ignored}


def load(
    warehouse: Warehouse, settings: Settings, extract: Extract, progress: Progress
) -> LoadReport:
    """Replaces the extract's tables in the landing schema, every column text, in one transaction.

    Values land as they arrived. No other table of the schema changes but `loads`, which gets a row
    a table. Raises DataError naming file and line if a file cannot be read; then nothing has
    changed.
    """
    schema = settings.landing_schema
    gauge = _Gauge(extract, progress)
    with warehouse.transaction():
        warehouse.execute(f"create schema if not exists {warehouse.identifier(schema)}")
        before = _rows_before(warehouse, schema)
        loaded = [
            _load_table(warehouse, schema, table, gauge, before.get(table.source.name))
            for table in extract.tables
        ]
        warehouse.put_in_place()
        _record(warehouse, schema, loaded)
    return LoadReport(loaded, list(extract.ignored))


def _record(warehouse: Warehouse, schema: str, loaded: Sequence[LoadedTable]) -> None:
    loads = warehouse.relation(schema, "loads")
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(sep=" ")
    rows = (
        f"({warehouse.literal(table.name)}, {table.rows}, {table.files}, "
        f"timestamp {warehouse.literal(now)}, {_timestamp(table.newest)})"
        for table in loaded
    )
    if "loads" in warehouse.tables(schema):
        if "newest_at" not in warehouse.columns(schema, "loads"):
            warehouse.add_column(loads, "newest_at timestamp")
    else:
        warehouse.execute(
            f"create table {loads} (table_name {warehouse.text}, row_count bigint, "
            "file_count bigint, loaded_at timestamp, newest_at timestamp)"
        )
    warehouse.execute(
        f"insert into {loads} (table_name, row_count, file_count, loaded_at, newest_at) "
        f"values {', '.join(rows)}"
    )


def _timestamp(time: datetime | None) -> str:
    return "null" if time is None else f"timestamp '{time.replace(tzinfo=None)}'"


def _rows_before(warehouse: Warehouse, schema: str) -> dict[str, int]:
    """How many rows the newest load of each table brought."""
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
    # Without statistics Postgres would plan the build, right after this, by guesses.
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
    """The latest of the times in a column that can be read, to the second.

    The engine finds the greatest text of each offset; these few are read here.
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
    """A time in UTC; None if it is not one."""
    hours = re.search(r"[+-]\d{2}:?(\d{2})?$", offset)
    try:
        time = datetime.fromisoformat(text + (hours[0] if hours else "+00:00"))
        return time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class _Gauge:
    """Tells how far a load is, by the sizes of its files."""

    def __init__(self, extract: Extract, progress: Progress) -> None:
        self._progress = progress
        self._size = sum(file.part.size for table in extract.tables for file in table.files)
        self._done = 0

    @contextmanager
    def watching(self, warehouse: Warehouse, table: str, size: int) -> Iterator[None]:
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.2):
                self._tell(table, (warehouse.progress() or 0) * size)

        watcher = threading.Thread(target=watch, name=WATCHER)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()
        self._done += size
        self._tell(table, 0)

    def _tell(self, table: str, of_these: float) -> None:
        self._progress(table, (self._done + of_these) / (self._size or 1))
