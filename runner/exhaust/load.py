"""Lands an extract in the warehouse: all of its tables, or nothing."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from exhaust.display import Progress
from exhaust.extract import Extract, ExtractTable
from exhaust.formats import DataFile
from exhaust.settings import Settings
from exhaust.sql import identifier, literal, relation
from exhaust.warehouse import Warehouse


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
    loads = relation(schema, "loads")
    gauge = _Gauge(extract, progress)
    loaded = []
    with warehouse.transaction():
        warehouse.execute(f"create schema if not exists {identifier(schema)}")
        warehouse.execute(
            f"create table if not exists {loads} "
            "(table_name text, row_count bigint, file_count bigint, loaded_at timestamp)"
        )
        for table in extract.tables:
            loaded.append(_load_table(warehouse, schema, table, gauge))
        now = datetime.now(UTC).replace(tzinfo=None).isoformat(sep=" ")
        for done in loaded:
            warehouse.execute(
                f"insert into {loads} values ({literal(done.name)}, {done.rows}, {done.files}, "
                f"timestamp {literal(now)})"
            )
    return LoadReport(loaded, list(extract.ignored))


def _load_table(
    warehouse: Warehouse, schema: str, table: ExtractTable, gauge: "_Gauge"
) -> LoadedTable:
    name = table.source.name
    target = relation(schema, name)
    columns = ", ".join(f"{identifier(column)} text" for column in table.columns)
    warehouse.execute(f"drop table if exists {target} cascade")
    warehouse.execute(f"create table {target} ({columns})")
    rows = 0
    for file in table.files:
        with gauge.watching(warehouse, name, file):
            if file.columns:
                try:
                    found = warehouse.insert(target, file.columns, file.reader)
                except duckdb.Error as error:
                    raise file.fault(error) from error
                file.check(found)
                rows += found
    # Without statistics Postgres would plan the build, right after this, by guesses.
    warehouse.execute(f"analyze {target}")
    return LoadedTable(name, rows, len(table.files), table.missing_columns)


class _Gauge:
    """Tells how far a load is, by the sizes of its files."""

    def __init__(self, extract: Extract, progress: Progress) -> None:
        self._progress = progress
        self._size = sum(_size(file) for table in extract.tables for file in table.files)
        self._done = 0

    @contextmanager
    def watching(self, warehouse: Warehouse, table: str, file: DataFile) -> Iterator[None]:
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.2):
                self._tell(table, (warehouse.progress() or 0) * _size(file))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()
        self._done += _size(file)
        self._tell(table, 0)

    def _tell(self, table: str, of_this_file: float) -> None:
        self._progress(table, (self._done + of_this_file) / (self._size or 1))


def _size(file: DataFile) -> int:
    return file.part.path.stat().st_size
