"""Apache Spark 4: a single machine's, a cluster's, or one behind Spark Connect."""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from exhaust.errors import ExhaustError, NoConnection
from exhaust.extract.landing import LandedFiles
from exhaust.project.settings import Profile
from exhaust.warehouse import Warehouse
from exhaust.warehouse.spark.session import close_session, first_line, open_session, spark_log

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

LINES = 2_000
"""How many lines of a report are handed on at once."""


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
        """Tables that wait for their names: what they are called until then."""

    @classmethod
    def open(cls, profile: Profile, *, notify: Callable[[str], None]) -> Self:
        return cls(open_session(profile, notify=notify), profile)

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
        """Spark has none: new tables take their names one by one, in `put_in_place`."""
        self._load = f"{datetime.now(UTC):%Y%m%d%H%M%S%f}"
        try:
            yield
        finally:
            for new in self._new.values():
                self.execute(f"drop table if exists {new}")
            self._new.clear()

    @contextmanager
    def snapshot(self, relations: Sequence[str]) -> Iterator[None]:
        """Spark has none: what a build replaces meanwhile is missed, which is an error."""
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
        """A table's name is a view, which points from one load's table to the next's at once."""
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
        """Whether a table of that name stands there that no load has made."""
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
            return None  # Spark Connect does not tell.
        tracker = self._session.sparkContext.statusTracker()
        stages = [tracker.getStageInfo(number) for number in tracker.getActiveStageIds()]
        tasks = sum(stage.numTasks for stage in stages if stage)
        return sum(stage.numCompletedTasks for stage in stages if stage) / tasks if tasks else None

    def close(self) -> None:
        close_session(self._profile, self._session)

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        """Turns what a user can meet into our errors; a fault in our SQL stays a PySpark error."""
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
                f"{self.name} could not go on: {first_line(error)}", f"{hint} {log}".strip()
            ) from error


TROUBLES = {
    "OutOfMemoryError": "Give Spark more memory by spark.driver.memory or spark.executor.memory.",
    "No space left on device": "Make room, or give Spark another spark.local.dir.",
}
"""What Spark dies of, and what to do."""


def _csv_lines(rows: "DataFrame") -> "DataFrame":
    """Each row as a line of CSV by RFC 4180: absent is nothing, and an empty text is `""`."""
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

    # By place: the labels of a report may hold what no name of a column can.
    names = [f"c{place}" for place in range(len(rows.columns))]
    line = F.concat_ws(",", *map(field, names))
    return rows.toDF(*names).select(F.concat(line, F.lit("\n")))
