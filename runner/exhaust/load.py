"""Lands an extract in the warehouse: all of its tables, or nothing."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from exhaust.display import Progress
from exhaust.extract.folder import Extract, ExtractTable
from exhaust.extract.landing import together
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


@dataclass(frozen=True)
class LoadReport:
    tables: list[LoadedTable]
    ignored: list[str]
    """Names in the extract that look like data and are no table."""


def load(
    warehouse: Warehouse, settings: Settings, extract: Extract, progress: Progress
) -> LoadReport:
    """Replaces the extract's tables in the landing schema, every column text, in one transaction.

    Values land as they arrived. No other table of the schema changes but `loads`, which gets a row
    a table. Raises Unfit naming file and line if a file cannot be read; then nothing has changed.
    """
    schema = settings.landing_schema
    gauge = _Gauge(extract, progress)
    with warehouse.transaction():
        warehouse.execute(f"create schema if not exists {warehouse.identifier(schema)}")
        loaded = [_load_table(warehouse, schema, table, gauge) for table in extract.tables]
        warehouse.put_in_place()
        _record(warehouse, schema, loaded)
    return LoadReport(loaded, list(extract.ignored))


def _record(warehouse: Warehouse, schema: str, loaded: Sequence[LoadedTable]) -> None:
    loads = warehouse.relation(schema, "loads")
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(sep=" ")
    rows = (
        f"({warehouse.literal(table.name)}, {table.rows}, {table.files}, "
        f"timestamp {warehouse.literal(now)})"
        for table in loaded
    )
    warehouse.execute(
        f"create table if not exists {loads} (table_name {warehouse.text}, row_count bigint, "
        "file_count bigint, loaded_at timestamp)"
    )
    warehouse.execute(f"insert into {loads} values {', '.join(rows)}")


def _load_table(
    warehouse: Warehouse, schema: str, table: ExtractTable, gauge: "_Gauge"
) -> LoadedTable:
    name = table.source.name
    target = warehouse.new_texts(schema, name, table.columns)
    groups = together(table.files)
    rows = 0
    for at_once in [groups] if warehouse.reads_in_parallel else [[group] for group in groups]:
        with gauge.watching(warehouse, name, sum(group.size for group in at_once)):
            rows += warehouse.insert(target, at_once)
    # Without statistics Postgres would plan the build, right after this, by guesses.
    warehouse.analyze(target)
    return LoadedTable(name, rows, len(table.files), table.missing_columns)


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
