"""Where the ledger lies, and its tables: in Postgres if that is the warehouse, else in SQLite."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from exhaust.errors import Busy, DataError, NoConnection, PermissionDenied
from exhaust.project.settings import Profile
from exhaust.project.sql import identifier

MAX_REASON = 300
LOCK_TIMEOUT_SECONDS = 30
"""Seconds that SQLite waits for another process."""

LOCK = 0x65786861
"""Of the ledger's migrations: `exha`."""

TABLES = sa.MetaData()
VERSION = sa.Table("ledger_version", TABLES, sa.Column("version", sa.Integer, nullable=False))
REQUESTS = sa.Table(
    "job_request",
    TABLES,
    # Sunbird's columns. Lists are JSON, as SQLite has no arrays.
    sa.Column("tag", sa.Text, primary_key=True),
    sa.Column("request_id", sa.Text, primary_key=True),
    sa.Column("job_id", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("request_data", sa.JSON, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("requested_channel", sa.Text, nullable=False),
    sa.Column("dt_job_submitted", sa.DateTime, nullable=False),
    sa.Column("download_urls", sa.JSON),
    sa.Column("dt_file_created", sa.DateTime),
    sa.Column("dt_job_completed", sa.DateTime),
    sa.Column("execution_time", sa.BigInteger),
    sa.Column("err_message", sa.String(MAX_REASON)),
    sa.Column("iteration", sa.Integer, nullable=False, default=0),
    sa.Column("encryption_key", sa.Text),
    sa.Column("batch_number", sa.Integer),
    sa.Column("processed_batches", sa.JSON),
    # Ours.
    sa.Column("course_id", sa.Text, nullable=False),
    sa.Column("course_name", sa.Text),
    sa.Column("rows_expected", sa.BigInteger, nullable=False),
    sa.Column("rows_done", sa.BigInteger, nullable=False, default=0),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", sa.DateTime),
    sa.Column("claimed_at", sa.DateTime),
    sa.UniqueConstraint("request_id"),
)
BATCHES = sa.Table(
    "job_request_batch",
    TABLES,
    sa.Column(
        "request_id",
        sa.ForeignKey(REQUESTS.c.request_id, ondelete="cascade"),
        primary_key=True,
    ),
    sa.Column("batch_id", sa.Text, primary_key=True),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("course_id", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("is_under_way", sa.Boolean, nullable=False),
    # Null until it is done; the file also of what went to standard output.
    sa.Column("rows", sa.BigInteger),
    sa.Column("file", sa.Text),
)
sa.Index(
    "job_request_batch_under_way",
    BATCHES.c.dataset,
    BATCHES.c.course_id,
    BATCHES.c.batch_id,
    BATCHES.c.channel,
    unique=True,
    postgresql_where=BATCHES.c.is_under_way,
    sqlite_where=BATCHES.c.is_under_way,
)

MIGRATIONS: Sequence[Callable[[Connection], None]] = (TABLES.create_all,)
"""What each version of the ledger adds to the one before; a ledger's version is their number."""


class Store:
    """The database of a ledger."""

    def __init__(self, engine: Engine, name: str, schema: str | None) -> None:
        self._engine = engine
        self._name = name
        self._schema = schema

    @classmethod
    def open(cls, profile: Profile) -> Self:
        """Opens it, and makes it or brings it up to date if it has to be.

        Raises NoConnection, Busy, DataError if a newer exhaust made it.
        """
        is_postgres = profile.engine == "postgres"
        store = cls(*(_postgres(profile) if is_postgres else _sqlite(file_of(profile))))
        store._migrate()
        return store

    def close(self) -> None:
        self._engine.dispose()

    def _migrate(self) -> None:
        """Makes the tables, or adds what they lack; if nothing, no right to do so is needed."""
        if self._version() == len(MIGRATIONS):
            return
        with self.begin() as connection:
            if self._schema is not None:
                # Two processes that begin at once: the second waits, and finds it done.
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
                connection.execute(sa.schema.CreateSchema(self._schema, if_not_exists=True))
            version = self._version_of(connection)
            if version > len(MIGRATIONS):
                raise DataError(
                    f"The ledger {self._name} is of version {version}, and this exhaust knows "
                    f"{len(MIGRATIONS)}.",
                    "Use the newer exhaust that made it.",
                )
            for migration in MIGRATIONS[version:]:
                migration(connection)
            connection.execute(sa.delete(VERSION))
            connection.execute(sa.insert(VERSION).values(version=len(MIGRATIONS)))

    def _version(self) -> int:
        with self.begin() as connection:
            return self._version_of(connection)

    def _version_of(self, connection: Connection) -> int:
        if not sa.inspect(connection).has_table(VERSION.name, schema=self._schema):
            return 0
        return connection.scalar(sa.select(VERSION.c.version)) or 0

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction; what a user can meet in it becomes an error of ours."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except OperationalError as error:
            reason = str(error.orig).strip().splitlines()[0]
            if "locked" in reason:
                raise Busy(
                    f"The ledger {self._name} is held by another process.", "Try again."
                ) from error
            raise NoConnection(f"The ledger {self._name} cannot be used: {reason}") from error
        except DBAPIError as error:
            if "permission denied" not in str(error.orig):
                raise
            raise PermissionDenied(
                f"The ledger {self._name} refuses: {str(error.orig).splitlines()[0]}.",
                "docs/access.md says what a reader has to be granted.",
            ) from error


def file_of(profile: Profile) -> Path:
    """Beside the warehouse; in the project's folder where that is no path of this machine."""
    if profile.engine == "spark":
        settings = profile.options.get("server_side_parameters") or {}
        where = str(settings.get("spark.sql.warehouse.dir") or "").removeprefix("file:")
        warehouse = profile.project_dir / (profile.target if "://" in where or not where else where)
    else:
        warehouse = Path(profile.options["path"])
    return warehouse.with_name(f"{warehouse.name}.requests")


def _sqlite(path: Path) -> tuple[Engine, str, None]:
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": LOCK_TIMEOUT_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _: object) -> None:
        # Python would begin transactions by itself, and late: two could read, and one not write.
        connection.isolation_level = None
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma foreign_keys = on")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("begin immediate")

    return engine, str(path), None


def _postgres(profile: Profile) -> tuple[Engine, str, str]:
    from exhaust.warehouse.postgres import libpq

    schema = f"{profile.schema}_requests"
    arguments = libpq(profile.options)
    engine = sa.create_engine("postgresql+psycopg://", connect_args=arguments)
    name = f"{arguments.get('host')}:{arguments.get('port')}/{arguments.get('dbname')}"
    role = profile.options.get("role")
    if role:

        @sa.event.listens_for(engine, "connect")
        def _connect(connection: Any, _: object) -> None:
            connection.execute(f"set role {identifier(role, 'postgres')}")
            connection.commit()

    return (
        engine.execution_options(schema_translate_map={None: schema}),
        f"{name}, schema {schema}",
        schema,
    )
