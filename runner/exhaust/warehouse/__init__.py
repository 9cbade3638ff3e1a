"""The warehouse: one class of what can be done with it, one module per engine.

Modules above this package send SQL text and import no engine's driver. What an engine can and
cannot do are attributes of its class, so nothing else asks for an engine's name.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, ClassVar, Self

from exhaust.extract.landing import LandedFiles
from exhaust.project import sql
from exhaust.project.settings import Profile


class Warehouse(ABC):
    """An open connection. Use it as a context manager; leaving it closes the connection."""

    engine: ClassVar[str]
    copies_at_once: ClassVar[int]
    """How many threads may be in `copy_out`."""
    reads_in_parallel: ClassVar[bool] = False
    """Whether `insert` is best given all groups of files at once."""
    text: ClassVar[str] = "text"
    """The type of texts."""

    def __init__(self, name: str) -> None:
        self.name = name
        """What messages call it: the file's path, or host, port and database."""

    def identifier(self, name: str) -> str:
        """A name as SQL."""
        return sql.identifier(name, self.engine)

    def literal(self, value: str | None) -> str:
        """A text as SQL; None is null."""
        return sql.literal(value, self.engine)

    def relation(self, schema: str, table: str) -> str:
        """The full name of a table as SQL."""
        return f"{self.identifier(schema)}.{self.identifier(table)}"

    @property
    @abstractmethod
    def version(self) -> str:
        """Of the engine."""

    @abstractmethod
    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a small result."""

    @abstractmethod
    def execute(self, sql: str) -> None:
        """Runs a statement."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """Commits at the end, rolls back on an exception."""

    @abstractmethod
    def snapshot(self, relations: Sequence[str]) -> AbstractContextManager[None]:
        """A read-only transaction in which all queries see `relations` (SQL text) in one state,
        and in which a build cannot replace them."""

    @abstractmethod
    def copy_out(self, select: str, write: Callable[[bytes], object]) -> int:
        """Streams a SELECT as CSV without a header, in chunks, to `write`; returns the rows.

        What `write` raises stops the engine and is raised again.
        """

    def new_texts(self, schema: str, table: str, columns: Sequence[str]) -> str:
        """A new table of texts, empty, which takes the place of the one of that name: as SQL."""
        target = self.relation(schema, table)
        texts = ", ".join(f"{self.identifier(column)} {self.text}" for column in columns)
        self.execute(f"drop table if exists {target} cascade")
        self.execute(f"create table {target} ({texts})")
        return target

    @abstractmethod
    def insert(self, relation: str, groups: Sequence[LandedFiles]) -> int:
        """Appends what is in the files of an extract, and returns the rows.

        Raises DataError that names the file, and where it is known the line, if one cannot be read.
        """

    def analyze(self, relation: str) -> None:  # noqa: B027
        """Gathers the statistics of a new table, where the engine has none from writing it."""

    def put_in_place(self) -> None:  # noqa: B027
        """Gives the new tables their names; in the transaction that made them, as its last step.

        Where a new table has its name from the beginning there is nothing to do.
        """

    @abstractmethod
    def progress(self) -> float | None:
        """The share (0 to 1) of the running insert that is done, or None; from another thread."""

    @abstractmethod
    def close(self) -> None:
        """Closes the connection."""

    def tables(self, schema: str) -> set[str]:
        """The names of the tables and views in a schema; empty where there is no such schema."""
        found = self.query(
            "select table_name from information_schema.tables "
            f"where table_catalog = current_database() and table_schema = {self.literal(schema)}"
        )
        return {name for (name,) in found}

    def columns(self, schema: str, table: str) -> set[str]:
        """The names of a table's columns."""
        found = self.query(
            "select column_name from information_schema.columns "
            f"where table_catalog = current_database() and table_schema = {self.literal(schema)} "
            f"and table_name = {self.literal(table)}"
        )
        return {name for (name,) in found}

    def add_column(self, relation: str, column: str) -> None:
        """Adds a column, given as its name and type, to a table."""
        self.execute(f"alter table {relation} add column {column}")

    def bytewise(self, text: str) -> str:
        """A text, as SQL, that is compared by its bytes."""
        return text

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def connect(profile: Profile, *, writing: bool, notify: Callable[[str], None]) -> Warehouse:
    """Opens the warehouse of a profile.

    `notify` is told once if another process has to be waited for.

    Raises Busy if it is still held after ten seconds, NoConnection if it cannot be reached,
    DataError if it is no warehouse (no such file when reading, not a DuckDB file, not UTF-8).
    """
    if profile.engine == "duckdb":
        from exhaust.warehouse.duckdb import DuckDBWarehouse

        return DuckDBWarehouse.open(profile.options, writing=writing, notify=notify)
    if profile.engine == "spark":
        from exhaust.warehouse.spark.warehouse import SparkWarehouse

        return SparkWarehouse.open(profile, notify=notify)
    from exhaust.warehouse.postgres import PostgresWarehouse

    return PostgresWarehouse.open(profile.options)
