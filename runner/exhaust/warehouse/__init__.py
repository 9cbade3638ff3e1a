"""The warehouse: what every engine can do, and a module or package per engine.

Modules above this package send SQL text and import no engine's driver. What an engine can and
cannot do are attributes of its class, so nothing else asks for an engine's name.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import quote

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.extract.landing import LandedFiles
from exhaust.project import sql
from exhaust.project.profile import Profile

if TYPE_CHECKING:
    from exhaust.warehouse.postgres_locks import LockWatch

LOCK_TIMEOUT_SECONDS = 10.0
"""How long a command waits for what another process holds."""


class LockWait:
    """A wait for another process: it says once what it waits for, and has a deadline."""

    def __init__(
        self, console: Console, clock: Clock, seconds: float = LOCK_TIMEOUT_SECONDS
    ) -> None:
        self._console = console
        self._clock = clock
        self._deadline = clock.monotonic() + seconds
        self._has_said_so = False

    @property
    def is_over(self) -> bool:
        return self._clock.monotonic() >= self._deadline

    def pause(self, message: str, seconds: float) -> None:
        """Sleeps; the first time, says the message."""
        if not self._has_said_so:
            self._console.say(message)
            self._has_said_so = True
        self._clock.sleep(seconds)


CLASSES = {
    "duckdb": "exhaust.warehouse.duckdb.DuckDBWarehouse",
    "postgres": "exhaust.warehouse.postgres.PostgresWarehouse",
    "spark": "exhaust.warehouse.spark.warehouse.SparkWarehouse",
}


class Warehouse(ABC):
    """An open connection. Use it as a context manager; leaving it closes the connection."""

    engine: ClassVar[str]
    """dbt's name of the engine."""
    is_a_file: ClassVar[bool] = False
    """Whether the warehouse is one file, which a demo can have for itself."""
    can_change_while_open: ClassVar[bool] = True
    """Whether another process can change tables while this connection is open for reading."""
    max_columns: ClassVar[int | None] = None
    """The most columns that a SELECT can have; None if the limit is out of reach."""
    copies_at_once: ClassVar[int] = 1
    """The most threads that may be in `copy_out`."""
    reads_in_parallel: ClassVar[bool] = False
    """Whether `insert` is best given all groups of files at once."""
    usual_schema: ClassVar[str] = "exhaust"
    """The schema of the marts in the example profile."""
    text: ClassVar[str] = "text"
    """The type of text columns."""

    def __init__(self, name: str) -> None:
        self.name = name
        """What messages call it: the file's path, or host, port and database."""

    @classmethod
    @abstractmethod
    def open(
        cls,
        profile: Profile,
        *,
        writing: bool,
        console: Console = SILENCE,
        clock: Clock = SYSTEM_CLOCK,
    ) -> Self:
        """Opens the warehouse of a profile; see `connect`."""

    @classmethod
    def ledger_file(cls, profile: Profile) -> Path | None:
        """Returns the SQLite file for the ledger; None if the ledger is in this Postgres itself."""
        del profile
        return None

    @classmethod
    def lock_file(cls, profile: Profile) -> Path | None:
        """Returns the file to lock for a load or a build; None if Postgres keeps a lease in a
        table."""
        del profile
        return None

    @classmethod
    def child_log(cls, profile: Profile) -> Path | None:
        """Returns the file for what the engine prints while dbt runs; None if it does not print."""
        del profile
        return None

    @classmethod
    def lock_watch(cls, profile: Profile, waiting: str, console: Console) -> "LockWatch | None":
        """Returns what says who holds the locks that other sessions wait for; None if the engine
        has no such locks. `waiting` is a condition for these sessions, as SQL of the engine."""
        del profile, waiting, console
        return None

    @classmethod
    def beside(cls, warehouse: Path, profile: Profile, ending: str) -> Path:
        """Returns a file next to the warehouse that is the target's own: its schema tells it apart,
        unless that is the usual one."""
        usual = profile.schema == cls.usual_schema
        schema = "" if usual else f".{quote(profile.schema, safe='')}"
        return warehouse.with_name(f"{warehouse.name}{schema}.{ending}")

    def identifier(self, name: str) -> str:
        """Returns a name as SQL."""
        return sql.identifier(name, self.engine)

    def literal(self, value: str | None) -> str:
        """Returns a string as SQL; None is null."""
        return sql.literal(value, self.engine)

    def relation(self, schema: str, table: str) -> str:
        """Returns the full name of a table as SQL."""
        return f"{self.identifier(schema)}.{self.identifier(table)}"

    @property
    @abstractmethod
    def version(self) -> str:
        """The engine's version."""

    @abstractmethod
    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Returns the rows of a small result."""

    @abstractmethod
    def execute(self, sql: str) -> None:
        """Runs a statement."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """Commits when the block ends; rolls back if it raises."""

    @abstractmethod
    def snapshot(self, relations: Sequence[str]) -> AbstractContextManager[None]:
        """Opens a read-only transaction in which all queries see `relations` (SQL text) in one
        state, and in which a build cannot replace them."""

    @abstractmethod
    def copy_out(self, select: str, write: Callable[[bytes], object]) -> int:
        """Streams a SELECT as CSV without a header, in chunks, to `write`; returns the rows.

        What `write` raises stops the engine and is raised again.
        """

    def release_memory(self) -> None:  # noqa: B027
        """Gives back the memory that the engine keeps in this process for what may come next."""

    def create_schema(self, schema: str) -> None:
        """Creates a schema if it does not exist; where it exists, needs no privilege.

        Any number of processes may do so at once.
        """
        self.execute(f"create schema if not exists {self.identifier(schema)}")

    def create_table(self, statement: str) -> None:
        """Runs a `create table if not exists`, even if another process does at the same time."""
        self.execute(statement)

    def new_texts(self, schema: str, table: str, columns: Sequence[str]) -> str:
        """Creates an empty table of text columns, which replaces the table of that name.

        Returns its name as SQL.
        """
        target = self.relation(schema, table)
        texts = ", ".join(f"{self.identifier(column)} {self.text}" for column in columns)
        self.execute(f"drop table if exists {target} cascade")
        self.execute(f"create table {target} ({texts})")
        return target

    @abstractmethod
    def insert(self, relation: str, groups: Sequence[LandedFiles]) -> int:
        """Appends the content of an extract's files and returns the rows.

        Raises DataError that names the file, and the line where it is known, if one cannot be read.
        """

    def analyze(self, relation: str) -> None:  # noqa: B027
        """Gathers the statistics of a new table, if the engine has none from writing it."""

    def put_in_place(self) -> None:  # noqa: B027
        """Gives new tables their names; the last step of the transaction that created them.

        Does nothing where a new table has its name from the start.
        """

    @abstractmethod
    def progress(self) -> float | None:
        """Returns the share (0 to 1) of the running insert that is done, or None.

        Called from another thread.
        """

    @classmethod
    def file(cls, profile: Profile) -> Path | None:
        """Returns the file that the warehouse is, if nobody can read it while it is written to."""
        del profile
        return None

    def copied(self, tables: Collection[tuple[str, str]]) -> "Callable[[], Warehouse]":
        """Copies those of the tables, given with their schemas, that are small into memory.

        Returns a function that opens a connection to the copy.
        """
        raise NotImplementedError

    @abstractmethod
    def close(self) -> None:
        """Closes the connection."""

    def tables(self, schema: str) -> set[str]:
        """Returns the names of the tables and views in a schema; empty if there is no schema."""
        found = self.query(
            "select table_name from information_schema.tables "
            f"where table_catalog = current_database() and table_schema = {self.literal(schema)}"
        )
        return {name for (name,) in found}

    def columns(self, schema: str, table: str) -> set[str]:
        """Returns the names of a table's columns."""
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
        """Returns a text expression, as SQL, that is compared by its bytes."""
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


def class_of(profile: Profile) -> type[Warehouse]:
    """Returns the class of a profile's engine, without its driver where that is slow to import."""
    module, _, name = CLASSES[profile.engine].rpartition(".")
    found: type[Warehouse] = getattr(import_module(module), name)
    return found


def connect(
    profile: Profile, *, writing: bool, console: Console = SILENCE, clock: Clock = SYSTEM_CLOCK
) -> Warehouse:
    """Opens the warehouse of a profile.

    The console is told once if another process has to be waited for.

    Raises Busy if another process still holds it after ten seconds, NoConnection if it cannot be
    reached, DataError if it is not a warehouse (no such file when reading, not a DuckDB file, not
    UTF-8), UsageError if the profile does not name one.
    """
    return class_of(profile).open(profile, writing=writing, console=console, clock=clock)
