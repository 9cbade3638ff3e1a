"""How the ledger's database is reached: SQLite, or Postgres directly or through a pooler."""

import os
import sqlite3
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from exhaust.errors import Busy, DiskFull, ExhaustError, NoConnection, PermissionDenied
from exhaust.permissions import private_opener
from exhaust.project.profile import Profile
from exhaust.text import Message
from exhaust.warehouse import connect

SQLITE_TIMEOUT_SECONDS = 1.0
"""How long SQLite itself waits for a lock, without a message."""

READS = "exhaust_reads"
"""The execution option of connections that only read."""


class SQLite:
    """A file. Where the user cannot write to it, it is opened for reading only."""

    schema: None = None

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self.is_writable = os.access(path.parent, os.W_OK) and (
            not path.exists() or os.access(path, os.W_OK)
        )
        self.engine = sa.create_engine(
            "sqlite://",
            creator=self._connect if self.is_writable else self._connect_for_reading,
            poolclass=sa.QueuePool if self.is_writable else sa.NullPool,
        )
        sa.event.listen(self.engine, "begin", self._begin)

    def _connect(self) -> sqlite3.Connection:
        # SQLite gives the files of its log the permissions of this one. A file that is there is not
        # opened: closing it would drop the locks that this process has on it.
        if not self._path.exists():
            os.close(private_opener(str(self._path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC))
        connection = self._open(self._path.absolute().as_uri())
        connection.execute("pragma foreign_keys = on")
        return connection

    def _connect_for_reading(self) -> sqlite3.Connection:
        if not self._path.exists():
            raise PermissionDenied(
                f"There is no ledger of requests {self.name}, and you may not write to the folder "
                f"{self._path.parent}.",
                "Ask the owner of the warehouse to run `exhaust status`, which creates it.",
            )
        # Without its log, SQLite would create one; with its log, the file is not the whole ledger.
        has_log = self._path.with_name(f"{self._path.name}-wal").exists()
        mode = "mode=ro" if has_log else "mode=ro&immutable=1"
        return self._open(f"{self._path.absolute().as_uri()}?{mode}")

    def _open(self, uri: str) -> sqlite3.Connection:
        # Python would start transactions itself, and too late: two could read, then one not write.
        connection = sqlite3.connect(
            uri,
            uri=True,
            timeout=SQLITE_TIMEOUT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.text_factory = _text
        return connection

    def _begin(self, connection: Connection) -> None:
        only_reads = not self.is_writable or connection.get_execution_options().get(READS)
        connection.exec_driver_sql("begin" if only_reads else "begin immediate")

    def prepare(self) -> None:
        """Makes readers and a writer independent of each other; the file remembers it."""
        with self.engine.connect() as connection:
            connection.exec_driver_sql("commit")
            connection.exec_driver_sql("pragma journal_mode = wal")

    def is_held(self, error: DBAPIError) -> bool:
        """Returns whether another process holds the database, so that waiting helps."""
        return "locked" in str(error.orig)

    def known_error(self, error: DBAPIError) -> ExhaustError | None:
        """Returns our error for what a user can meet."""
        reason = _first_line(error)
        if "readonly" in reason:
            return PermissionDenied(
                f"The ledger {self.name} is read-only: you may not write to it, or to its folder.",
                "Ask the owner of the warehouse for the right to write there.",
            )
        if self.is_held(error):
            return Busy(
                Message("The ledger {ledger} is held by another process.", ledger=self.name),
                Message("Try again."),
            )
        if "disk is full" in reason:
            return DiskFull(f"The ledger {self.name} cannot be written: {reason}")
        if isinstance(error.orig, sqlite3.OperationalError):
            return NoConnection(f"The ledger {self.name} cannot be used: {reason}")
        return None


class Postgres:
    """A schema next to the marts."""

    is_writable = True

    def __init__(self, profile: Profile) -> None:
        from exhaust.warehouse.postgres_session import libpq, server_name, settings

        self.schema = profile.requests_schema
        self.name = f"{server_name(profile.options)}, schema {self.schema}"
        self._settings = settings(profile.options)
        self._profile = profile
        engine = sa.create_engine("postgresql+psycopg://", connect_args=libpq(profile.options))
        sa.event.listen(engine, "begin", self._begin)
        self.engine: Engine = engine.execution_options(schema_translate_map={None: self.schema})

    def _begin(self, connection: Connection) -> None:
        connection.exec_driver_sql(self._settings)

    def prepare(self) -> None:
        """Creates the schema."""
        with connect(self._profile, writing=True) as warehouse:
            warehouse.create_schema(self.schema)

    def is_held(self, error: DBAPIError) -> bool:
        """Never: the server itself makes whoever has to wait, wait."""
        del error
        return False

    def known_error(self, error: DBAPIError) -> ExhaustError | None:
        """Returns our error for what a user can meet."""
        from exhaust.warehouse.postgres_session import known_error

        known = known_error(error.orig, f"The ledger {self.name}")
        if known is None and isinstance(error, sa.exc.OperationalError):
            return NoConnection(f"The ledger {self.name} cannot be used: {_first_line(error)}")
        return known


def _text(stored: bytes) -> str:
    """Returns a text as it is stored; bytes that are no UTF-8 do not end what reads it."""
    return stored.decode(errors="replace")


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0]
