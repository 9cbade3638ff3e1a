"""A PostgreSQL database, 16 or later."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Self

import duckdb
import psycopg
from psycopg.pq import TransactionStatus

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.errors import DataError, ExhaustError, NoConnection, PermissionDenied, UsageError
from exhaust.extract.data_file import READER
from exhaust.extract.landing import LandedFiles
from exhaust.project.profile import Profile
from exhaust.repeating import repeating
from exhaust.warehouse import Warehouse
from exhaust.warehouse.pipe import copy_through_pipe
from exhaust.warehouse.postgres_locks import LockWatch
from exhaust.warehouse.postgres_session import (
    MAX_IDENTIFIER_BYTES,
    RIGHTS_HINT,
    application_name,
    known_error,
    libpq,
    read_only,
    server_name,
    settings,
)

OLDEST = 16
CHUNK = 1 << 18

LOOK_SECONDS = 5.0
"""After how long a statement is asked about what it waits for, again and again."""

CREATE_LOCK = 0x65786873
"""An advisory lock: `exhs`. With `if not exists` alone, one of two at once would fail."""


class PostgresWarehouse(Warehouse):
    engine = "postgres"
    max_columns = 1664

    def __init__(self, connection: psycopg.Connection, profile: Profile, console: Console) -> None:
        super().__init__(server_name(profile.options))
        self._connection = connection
        self._profile = profile
        self._console = console
        self._settings = settings(profile.options, profile.lock_timeout)
        """The statements that each transaction begins with."""

    @classmethod
    def open(
        cls,
        profile: Profile,
        *,
        writing: bool,
        console: Console = SILENCE,
        clock: Clock = SYSTEM_CLOCK,
    ) -> Self:
        del clock  # The server itself makes whoever has to wait, wait.
        name = server_name(profile.options)
        arguments = libpq(profile.options)
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
        warehouse = cls(connection, profile, console)
        try:
            warehouse._check(writing=writing)
        except BaseException:
            connection.close()
            raise
        return warehouse

    def _check(self, *, writing: bool) -> None:
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
        if writing and self.query("show transaction_read_only") == [("on",)]:
            raise read_only(self.name)

    @property
    def version(self) -> str:
        return self._connection.info.parameter_status("server_version") or ""

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self.transaction(), self._telling_of_locks():
            return self._connection.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        with self.transaction(), self._telling_of_locks():
            self._connection.execute(sql)

    @contextmanager
    def _telling_of_locks(self) -> Iterator[None]:
        """Says who holds a lock that a statement waits for; Busy names them too."""
        own = f"application_name = {self.literal(application_name())}"
        watch = self.lock_watch(self._profile, own, self._console)

        def look() -> bool:
            watch.look()
            return True

        with closing(watch), repeating(look, LOOK_SECONDS):
            try:
                yield
            except psycopg.errors.LockNotAvailable as error:
                raise watch.busy(self._profile.lock_timeout) from error
            finally:
                watch.end()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Does nothing within another transaction."""
        with self._plain_errors():
            if self._connection.info.transaction_status != TransactionStatus.IDLE:
                yield
                return
            with self._connection.transaction():
                self._connection.execute(self._settings)
                yield

    @contextmanager
    def snapshot(self, relations: Sequence[str]) -> Iterator[None]:
        # Lock before the first query: a snapshot that is older than a table that a build has just
        # put in place would see that table empty.
        with self.transaction():
            self.execute("set transaction isolation level repeatable read read only")
            self.execute(f"lock table {', '.join(relations)} in access share mode")
            yield

    def copy_out(self, select: str, write: Callable[[bytes], object]) -> int:
        statement = f"copy ({select}) to stdout (format csv)"
        waiting: list[bytes] = []
        size = 0
        with self.transaction(), self._connection.cursor() as cursor:
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

    def create_schema(self, schema: str) -> None:
        if len(schema.encode()) > MAX_IDENTIFIER_BYTES:
            raise UsageError(
                f"The schema name {schema} is too long: it has {len(schema.encode())} bytes, and "
                f"Postgres takes {MAX_IDENTIFIER_BYTES}.",
                "Give the schema a shorter name.",
            )
        with self.transaction():
            if self._has_schema(schema):
                return
            self.query(f"select pg_advisory_xact_lock({CREATE_LOCK})")
            if self._has_schema(schema):
                return
            self._check_may_create(schema)
            self.execute(f"create schema {self.identifier(schema)}")

    def create_table(self, statement: str) -> None:
        with self.transaction():
            self.query(f"select pg_advisory_xact_lock({CREATE_LOCK})")
            self.execute(statement)

    def _has_schema(self, schema: str) -> bool:
        return bool(
            self.query(f"select 1 from pg_namespace where nspname = {self.literal(schema)}")
        )

    def _check_may_create(self, schema: str) -> None:
        ((may_create, user),) = self.query(
            "select has_database_privilege(current_database(), 'create'), current_user"
        )
        if not may_create:
            raise PermissionDenied(
                f"The schema {schema} does not exist in {self.name}, and the role {user} may not "
                "create it.",
                "Ask the owner of the database to run: create schema "
                f"{self.identifier(schema)} authorization {self.identifier(user)}; {RIGHTS_HINT}",
            )

    def new_texts(self, schema: str, table: str, columns: Sequence[str]) -> str:
        self._check_may_replace(schema, table)
        return super().new_texts(schema, table, columns)

    def _check_may_replace(self, schema: str, table: str) -> None:
        others = self.query(
            "select pg_get_userbyid(pg_class.relowner), current_user from pg_class "
            "join pg_namespace on pg_namespace.oid = pg_class.relnamespace "
            f"where pg_namespace.nspname = {self.literal(schema)} "
            f"and pg_class.relname = {self.literal(table)} "
            "and not pg_has_role(pg_class.relowner, 'usage') "
            "and not pg_has_role(pg_namespace.nspowner, 'usage')"
        )
        for owner, user in others:
            raise PermissionDenied(
                f"The table {schema}.{table} in {self.name} belongs to the role {owner}; the role "
                f"{user} may not replace it.",
                f"Connect as {owner}, or ask it to run: alter table "
                f"{self.relation(schema, table)} owner to {self.identifier(user)}; {RIGHTS_HINT}",
            )

    def analyze(self, relation: str) -> None:
        self.execute(f"analyze {relation}")

    def insert(self, relation: str, groups: Sequence[LandedFiles]) -> int:
        return sum(self._insert(relation, files) for files in groups)

    def _insert(self, relation: str, files: LandedFiles) -> int:
        names = ", ".join(map(self.identifier, files.columns))
        statement = f"copy {relation} ({names}) from stdin (format csv)"
        with (
            self.transaction(),
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

    @classmethod
    def lock_watch(cls, profile: Profile, waiting: str, console: Console) -> LockWatch:
        def connect() -> psycopg.Connection:
            return psycopg.connect(autocommit=True, **libpq(profile.options))

        return LockWatch(server_name(profile.options), connect, waiting, console)

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        """Raises our errors for what a user can meet; a fault in our SQL stays a psycopg error."""
        try:
            yield
        except psycopg.Error as error:
            if known := known_error(error, self.name):
                raise known from error
            if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
                raise
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            if self._connection.closed:
                raise NoConnection(f"The connection to {self.name} was lost: {reason}") from error
            raise ExhaustError(f"{self.name} failed: {reason}") from error
