"""The ledger's database and tables: in the warehouse if that can hold them, else in SQLite."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from exhaust.errors import Busy, DataError, NoConnection, PermissionDenied
from exhaust.project.profile import Profile
from exhaust.project.sql import identifier
from exhaust.requests.entities import Request, Status
from exhaust.warehouse import class_of

MAX_REASON = 300
SQLITE_TIMEOUT_SECONDS = 30

MIGRATION_LOCK = 0x65786861
"""An advisory lock of Postgres: `exha`."""

TABLES = sa.MetaData()
VERSION = sa.Table("ledger_version", TABLES, sa.Column("version", sa.Integer, nullable=False))
REQUESTS = sa.Table(
    "job_request",
    TABLES,
    # Sunbird's columns. Lists are JSON, because SQLite has no arrays.
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
    # Null until it is done; after that, the file is null if it went to standard output.
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

WORKERS = sa.Table(
    "worker",
    TABLES,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("last_seen_at", sa.DateTime, nullable=False),
)


def _create_requests(connection: Connection) -> None:
    TABLES.create_all(connection, [VERSION, REQUESTS, BATCHES])


def _add_workers(connection: Connection) -> None:
    """Adds the table of workers, for everyone who may use that of requests."""
    WORKERS.create(connection)
    if connection.dialect.name != "postgresql":
        return
    schema = connection.get_execution_options()["schema_translate_map"][None]
    granted = sa.text(
        "select cast(cast(acl.grantee as regrole) as text) as role, acl.privilege_type "
        "from pg_class join pg_namespace on pg_class.relnamespace = pg_namespace.oid "
        "cross join aclexplode(pg_class.relacl) as acl "
        "where pg_namespace.nspname = :schema and pg_class.relname = :table "
        "and acl.grantee not in (0, pg_class.relowner)"
    )
    table = f"{identifier(schema, 'postgres')}.{WORKERS.name}"
    for row in connection.execute(granted, {"schema": schema, "table": REQUESTS.name}).all():
        connection.exec_driver_sql(f"grant {row.privilege_type} on {table} to {row.role}")


MIGRATIONS: Sequence[Callable[[Connection], None]] = (_create_requests, _add_workers)
"""The changes that each version of the ledger makes; their number is the newest version."""


class Store:
    """The database of a ledger."""

    def __init__(self, engine: Engine, name: str, schema: str | None) -> None:
        self._engine = engine
        self._name = name
        self._schema = schema

    @classmethod
    def open(cls, profile: Profile) -> Self:
        """Opens the ledger of a warehouse; creates or upgrades it if necessary.

        Raises NoConnection, Busy, DataError if a newer exhaust created it.
        """
        file = class_of(profile).ledger_file(profile)
        store = cls(*(_postgres(profile) if file is None else _sqlite(file)))
        store._migrate()
        return store

    def close(self) -> None:
        self._engine.dispose()

    def _migrate(self) -> None:
        """Creates or upgrades the tables; where there is nothing to do, needs no privilege."""
        if self._version() == len(MIGRATIONS):
            return
        with self.begin() as connection:
            if self._schema is not None:
                # If two processes start at once, the second waits and finds it done.
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
                connection.execute(sa.schema.CreateSchema(self._schema, if_not_exists=True))
            version = self._version_of(connection)
            if version > len(MIGRATIONS):
                raise DataError(
                    f"The ledger {self._name} has version {version}; this exhaust knows no version "
                    f"after {len(MIGRATIONS)}.",
                    "Use the newer exhaust that created it.",
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
        """Opens a transaction, and raises our errors for what a user can meet in it."""
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
                f"The ledger {self._name} denied access: {str(error.orig).splitlines()[0]}.",
                "docs/access.md lists the privileges that a reader needs.",
            ) from error


def _sqlite(path: Path) -> tuple[Engine, str, None]:
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": SQLITE_TIMEOUT_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _: object) -> None:
        # Python would start transactions itself, and too late: two could read, then one not write.
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


def read_requests(connection: Connection, which: sa.ColumnElement[bool]) -> list[Request]:
    """Returns the requests for which the condition holds, newest first."""
    # Before their batches: Postgres may show the batches of a request that was added in between.
    rows = connection.execute(
        sa.select(REQUESTS)
        .where(which)
        .order_by(REQUESTS.c.dt_job_submitted.desc(), REQUESTS.c.request_id)
    ).all()
    waiting = connection.execute(
        sa.select(REQUESTS.c.request_id)
        .where(REQUESTS.c.status == Status.SUBMITTED)
        .order_by(REQUESTS.c.dt_job_submitted, REQUESTS.c.request_id)
    )
    positions = {row.request_id: position for position, row in enumerate(waiting, 1)}
    files: dict[str, dict[str, str | None]] = {}
    of_requests = BATCHES.c.request_id.in_(sa.select(REQUESTS.c.request_id).where(which))
    for row in connection.execute(sa.select(BATCHES).where(of_requests)):
        files.setdefault(row.request_id, {})[row.batch_id] = row.file
    return [
        Request(
            request_id=row.request_id,
            course_id=row.course_id,
            course_name=row.course_name,
            batch_ids=sorted(files[row.request_id], key=str.encode),
            requester=row.requested_by,
            channel=row.requested_channel,
            status=Status(row.status),
            submitted_at=row.dt_job_submitted,
            completed_at=row.dt_job_completed,
            rows_done=row.rows_done,
            rows_expected=row.rows_expected,
            position=positions.get(row.request_id),
            tries=row.iteration,
            error=row.err_message,
            files={batch: file for batch, file in files[row.request_id].items() if file},
            request_data=row.request_data,
            dataset=row.job_id,
        )
        for row in rows
    ]
