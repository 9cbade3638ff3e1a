"""A PostgreSQL database, 16 or later."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Self

import duckdb
import psycopg

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.errors import Busy, DataError, DiskFull, ExhaustError, NoConnection, PermissionDenied
from exhaust.extract.data_file import READER
from exhaust.extract.landing import LandedFiles
from exhaust.project.profile import Profile
from exhaust.warehouse import LOCK_TIMEOUT_SECONDS, Warehouse
from exhaust.warehouse.pipe import copy_through_pipe

LIBPQ_OPTIONS = (
    "host",
    "port",
    "user",
    "connect_timeout",
    "keepalives_idle",
    "sslmode",
    "sslcert",
    "sslkey",
    "sslrootcert",
)
"""Keys of a dbt output of type postgres that libpq has too."""

OLDEST = 16
CHUNK = 1 << 18


def libpq(options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns libpq's arguments, with the password, from a dbt output of type postgres."""
    given = {key: options[key] for key in LIBPQ_OPTIONS if options.get(key) is not None}
    return {
        "connect_timeout": 10,
        **given,
        "dbname": options.get("dbname") or options.get("database"),
        "password": options.get("password") or options.get("pass") or None,
        "client_encoding": "UTF8",
    }


class PostgresWarehouse(Warehouse):
    engine = "postgres"
    max_columns = 1664

    def __init__(self, connection: psycopg.Connection, name: str) -> None:
        super().__init__(name)
        self._connection = connection

    @classmethod
    def open(
        cls,
        profile: Profile,
        *,
        writing: bool,
        console: Console = SILENCE,
        clock: Clock = SYSTEM_CLOCK,
    ) -> Self:
        del writing, console, clock  # The server itself makes whoever has to wait, wait.
        options = profile.options
        arguments = libpq(options)
        name = f"{arguments.get('host')}:{arguments.get('port')}/{arguments.get('dbname')}"
        try:
            connection = psycopg.connect(autocommit=True, **arguments)
        except psycopg.OperationalError as error:
            reason = str(error).strip().splitlines()[0]
            raise NoConnection(
                f"No connection to the Postgres database {name} as {arguments.get('user')}: "
                f"{reason}",
                "Check that the server is running. Check PGHOST, PGPORT, PGUSER, PGPASSWORD and "
                "PGDATABASE, or your profiles.yml.",
            ) from error
        warehouse = cls(connection, name)
        try:
            warehouse._prepare(options)
        except BaseException:
            connection.close()
            raise
        return warehouse

    def _prepare(self, options: Mapping[str, Any]) -> None:
        info = self._connection.info
        if info.server_version < OLDEST * 10000:
            raise DataError(
                f"{self.name} is PostgreSQL {info.server_version // 10000}; "
                f"exhaust needs {OLDEST} or later."
            )
        encoding = info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise DataError(
                f"The database {self.name} has the encoding {encoding}; names in Indic scripts "
                "need UTF8.",
                "Create one with: createdb --encoding=UTF8 --template=template0 NAME",
            )
        self.execute(f"set time zone 'UTC'; set lock_timeout = '{LOCK_TIMEOUT_SECONDS:.0f}s'")
        if options.get("role"):
            self.execute(f"set role {self.identifier(options['role'])}")

    @property
    def version(self) -> str:
        return self._connection.info.parameter_status("server_version") or ""

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self._plain_errors():
            return self._connection.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        with self._plain_errors():
            self._connection.execute(sql)

    def create_schema(self, name: str) -> None:
        # Two at once: the second finds that its name is taken, in spite of `if not exists`.
        with suppress(psycopg.errors.UniqueViolation):
            super().create_schema(name)

    def create_table(self, statement: str) -> None:
        # Two at once: the second finds the table, or that its type's name is taken.
        with suppress(psycopg.errors.UniqueViolation, psycopg.errors.DuplicateTable):
            self.execute(statement)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._plain_errors(), self._connection.transaction():
            yield

    @contextmanager
    def snapshot(self, relations: Sequence[str]) -> Iterator[None]:
        # Lock before the first query: a snapshot that is older than a table that a build has just
        # put in place would see that table empty.
        with self._plain_errors(), self._connection.transaction():
            self.execute("set transaction isolation level repeatable read read only")
            self.execute(f"lock table {', '.join(relations)} in access share mode")
            yield

    def copy_out(self, select: str, write: Callable[[bytes], object]) -> int:
        statement = f"copy ({select}) to stdout (format csv)"
        waiting: list[bytes] = []
        size = 0
        with self._plain_errors(), self._connection.cursor() as cursor:
            with cursor.copy(statement) as copy:
                for data in copy:
                    waiting.append(bytes(data))
                    size += len(data)
                    if size >= CHUNK:
                        write(b"".join(waiting))
                        waiting.clear()
                        size = 0
            write(b"".join(waiting))
            return cursor.rowcount

    def analyze(self, relation: str) -> None:
        self.execute(f"analyze {relation}")

    def insert(self, relation: str, groups: Sequence[LandedFiles]) -> int:
        return sum(self._insert(relation, files) for files in groups)

    def _insert(self, relation: str, files: LandedFiles) -> int:
        names = ", ".join(map(self.identifier, files.columns))
        statement = f"copy {relation} ({names}) from stdin (format csv)"
        with (
            self._plain_errors(),
            duckdb.connect(config=READER) as duck,
            self._connection.cursor() as cursor,
        ):
            duck.execute("set TimeZone = 'UTC'")
            with cursor.copy(statement) as copy:
                try:
                    read = copy_through_pipe(duck, files.reader, copy.write)
                except duckdb.Error as error:
                    raise files.fault(error) from error
            if cursor.rowcount != read:
                raise ExhaustError(
                    f"{self.name} took {cursor.rowcount} of {read} rows into {relation}."
                )
            files.check(read)
            return read

    def bytewise(self, text: str) -> str:
        return f'({text}) collate "C"'

    def progress(self) -> float | None:
        return None

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        """Raises our errors for what a user can meet; a fault in our SQL stays a psycopg error."""
        try:
            yield
        except psycopg.errors.InsufficientPrivilege as error:
            raise PermissionDenied(
                f"{self.name} denied access: {error.diag.message_primary}.",
                "Ask its owner for the privilege, or connect as another user.",
            ) from error
        except psycopg.errors.LockNotAvailable as error:
            raise Busy(
                f"A table in {self.name} is held by another process, and still was after "
                f"{LOCK_TIMEOUT_SECONDS:.0f} seconds.",
                "A build, a load or an export may be running. Try again when it has ended.",
            ) from error
        except psycopg.errors.DiskFull as error:
            raise DiskFull(f"{self.name}: {error.diag.message_primary}") from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            if self._connection.closed:
                raise NoConnection(f"The connection to {self.name} was lost: {reason}") from error
            raise ExhaustError(f"{self.name} failed: {reason}") from error
