"""A Spark session as a warehouse."""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.errors import ExhaustError, NoConnection
from exhaust.extract.landing import LandedFiles
from exhaust.project.profile import Profile
from exhaust.warehouse import Warehouse
from exhaust.warehouse.spark.session import (
    close_session,
    first_line,
    open_session,
    spark_log,
    warehouse_folder,
)

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

LINES = 2_000
"""Lines of a report that are handed on at once."""


class SparkWarehouse(Warehouse):
    engine = "spark"
    copies_at_once = 4
    reads_in_parallel = True
    text = "string"

    def __init__(self, session: "SparkSession", profile: Profile) -> None:
        folder = session.conf.get("spark.sql.warehouse.dir") or ""
        super().__init__(f"Spark's {folder.removeprefix('file:')}")
        self._session = session
        self._profile = profile
        self._load = ""
        self._new: dict[tuple[str, str], str] = {}
        """Tables that have no name of their own yet, with their names until then."""

    @classmethod
    def open(
        cls,
        profile: Profile,
        *,
        writing: bool,
        console: Console = SILENCE,
        clock: Clock = SYSTEM_CLOCK,
    ) -> Self:
        del writing  # A session is always open for both.
        return cls(open_session(profile, console, clock), profile)

    @classmethod
    def ledger_file(cls, profile: Profile) -> Path:
        """Next to the warehouse's folder if that is on this machine, else in the project's."""
        warehouse = warehouse_folder(profile) or profile.project_dir / profile.target
        return cls.beside(warehouse, profile, "requests")

    @classmethod
    def lock_file(cls, profile: Profile) -> Path:
        return cls.ledger_file(profile).with_suffix(".lock")

    @classmethod
    def child_log(cls, profile: Profile) -> Path:
        return spark_log(profile)

    @property
    def version(self) -> str:
        return str(self._session.version)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self._plain_errors():
            return [tuple(row) for row in self._session.sql(sql).collect()]

    def execute(self, sql: str) -> None:
        with self._plain_errors():
            self._session.sql(sql)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Spark has none: new tables get their names one by one, in `put_in_place`."""
        self._load = f"{datetime.now(UTC):%Y%m%d%H%M%S%f}"
        try:
            yield
        finally:
            for new in self._new.values():
                self.execute(f"drop table if exists {new}")
            self._new.clear()

    @contextmanager
    def snapshot(self, relations: Sequence[str]) -> Iterator[None]:
        """Spark has none: reading a table that a build replaces meanwhile is an error."""
        del relations
        yield

    def copy_out(self, select: str, write: Callable[[bytes], object]) -> int:
        rows = 0
        with self._plain_errors():
            lines = _csv_lines(self._session.sql(select))
            found = (row[0] for row in lines.toLocalIterator(prefetchPartitions=True))
            while chunk := list(itertools.islice(found, LINES)):
                rows += len(chunk)
                write("".join(chunk).encode())
        return rows

    def new_texts(self, schema: str, table: str, columns: Sequence[str]) -> str:
        new = self.relation(schema, f"{table}__{self._load}")
        texts = ", ".join(f"{self.identifier(column)} {self.text}" for column in columns)
        self._new[schema, table] = new
        self.execute(f"create table {new} ({texts}) using parquet")
        return new

    def insert(self, relation: str, groups: Sequence[LandedFiles]) -> int:
        from exhaust.warehouse.spark.files import insert

        with self._plain_errors():
            return insert(self._session, relation, groups)

    def put_in_place(self) -> None:
        """A table's name is a view, which switches from one load's table to the next at once."""
        for (schema, table), new in list(self._new.items()):
            if self._is_table(schema, table):
                self.execute(f"drop table {self.relation(schema, table)}")
            self.execute(
                f"create or replace view {self.relation(schema, table)} as select * from {new}"
            )
            del self._new[schema, table]
            of_loads = re.compile(rf"{re.escape(table)}__\d+")
            for old in self.tables(schema) - {f"{table}__{self._load}"}:
                if of_loads.fullmatch(old):
                    self.execute(f"drop table {self.relation(schema, old)}")

    def _is_table(self, schema: str, table: str) -> bool:
        """Returns whether there is a table of that name that no load created."""
        views = {row[1] for row in self.query(f"show views in {self.identifier(schema)}")}
        return table in self.tables(schema) - views

    def tables(self, schema: str) -> set[str]:
        from pyspark.errors import AnalysisException

        try:
            found = self._session.sql(f"show tables in {self.identifier(schema)}").collect()
        except AnalysisException as error:
            if error.getCondition() != "SCHEMA_NOT_FOUND":
                raise
            return set()
        return {row.tableName for row in found}

    def columns(self, schema: str, table: str) -> set[str]:
        return set(self._session.table(self.relation(schema, table)).columns)

    def add_column(self, relation: str, column: str) -> None:
        self.execute(f"alter table {relation} add columns ({column})")

    def progress(self) -> float | None:
        if not hasattr(self._session, "_jsparkSession"):
            return None  # Spark Connect does not report it.
        tracker = self._session.sparkContext.statusTracker()
        stages = [tracker.getStageInfo(number) for number in tracker.getActiveStageIds()]
        tasks = sum(stage.numTasks for stage in stages if stage)
        return sum(stage.numCompletedTasks for stage in stages if stage) / tasks if tasks else None

    def close(self) -> None:
        close_session(self._profile, self._session)

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        """Raises our errors for what a user can meet; a fault in our SQL stays a PySpark error."""
        from py4j.protocol import Py4JJavaError, Py4JNetworkError
        from pyspark.errors import PySparkException

        log = f"Spark's log is {spark_log(self._profile)}."
        try:
            yield
        except (Py4JNetworkError, ConnectionRefusedError, ConnectionResetError) as error:
            raise NoConnection(f"The connection to {self.name} was lost.", log) from error
        except (PySparkException, Py4JJavaError) as error:
            text = str(error)
            hint = next((hint for cause, hint in TROUBLES.items() if cause in text), "")
            if not hint and isinstance(error, PySparkException):
                raise
            raise ExhaustError(
                f"{self.name} failed: {first_line(error)}", f"{hint} {log}".strip()
            ) from error


TROUBLES = {
    "OutOfMemoryError": "Give Spark more memory: set spark.driver.memory or spark.executor.memory.",
    "No space left on device": "Free some space, or set spark.local.dir to another folder.",
}
"""Causes that stop Spark, and what to do about them."""


def _csv_lines(rows: "DataFrame") -> "DataFrame":
    """Returns each row as a line of CSV (RFC 4180): null is empty, and an empty string is `""`."""
    from pyspark.sql import functions as F

    def field(name: str) -> "Column":
        value = F.col(name).cast("string")
        return (
            F.when(value.isNull(), "")
            .when(
                (value == "") | value.rlike('[,"\r\n]'),
                F.concat(F.lit('"'), F.replace(value, F.lit('"'), F.lit('""')), F.lit('"')),
            )
            .otherwise(value)
        )

    # By number: the labels of a report may hold what a column's name cannot.
    names = [f"c{number}" for number in range(len(rows.columns))]
    line = F.concat_ws(",", *map(field, names))
    return rows.toDF(*names).select(F.concat(line, F.lit("\n")))
