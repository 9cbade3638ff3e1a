"""The ledger's database and tables: in the warehouse if that can hold them, else in SQLite."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, OperationalError

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.errors import Busy, DataError
from exhaust.project.profile import Profile
from exhaust.project.sql import identifier
from exhaust.requests.database import READS, Postgres, SQLite
from exhaust.text import Message
from exhaust.warehouse import LOCK_TIMEOUT_SECONDS, LockWait, class_of

Result = TypeVar("Result")

MAX_REASON = 300

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
    # What tells the forms of one report apart.
    sa.Column("form", sa.Text, nullable=False, server_default=""),
    # Null until it is done; after that, the file is null if it went to standard output.
    sa.Column("rows", sa.BigInteger),
    sa.Column("file", sa.Text),
)
UNDER_WAY = sa.Index(
    "job_request_batch_under_way",
    BATCHES.c.dataset,
    BATCHES.c.course_id,
    BATCHES.c.batch_id,
    BATCHES.c.channel,
    BATCHES.c.form,
    unique=True,
    postgresql_where=BATCHES.c.is_under_way,
    sqlite_where=BATCHES.c.is_under_way,
)
OF_REQUESTER = sa.Index(
    "job_request_of_requester", REQUESTS.c.requested_by, REQUESTS.c.dt_job_submitted
)

WORKERS = sa.Table(
    "worker",
    TABLES,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("last_seen_at", sa.DateTime, nullable=False),
    sa.Column("public_key", sa.Text),
)

DOWNLOADS = sa.Table(
    "job_request_download",
    TABLES,
    sa.Column("download_id", sa.Text, primary_key=True),
    # No foreign key: the log outlives what it is about.
    sa.Column("request_id", sa.Text, nullable=False),
    # Null is the operator.
    sa.Column("user_id", sa.Text),
    sa.Column("way", sa.Text, nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("taken_at", sa.DateTime, nullable=False),
)

QUEUE = sa.Table("queue", sa.MetaData(), sa.Column("request_id", sa.Text), sa.Column("rank"))
"""A view of the requests that wait, with their rank among all."""
QUEUE_OF_SQLITE = """
create view queue as
select request_id, row_number() over (order by dt_job_submitted, request_id) as rank
from job_request where status = 'SUBMITTED'
"""
RECORD_DOWNLOAD = "record_download(text, text, text, text, text)"
FUNCTIONS = Path(__file__).with_name("functions.sql")


def _create_requests(connection: Connection) -> None:
    TABLES.create_all(connection, [VERSION, REQUESTS, BATCHES])


def _add_workers(connection: Connection) -> None:
    """Adds the table of workers, for everyone who may use that of requests."""
    WORKERS.create(connection)
    _grant_as_requests(connection, WORKERS)


def _grant_as_requests(connection: Connection, new: sa.Table) -> None:
    """Gives everyone who may use the table of requests, on Postgres, the same on a new table."""
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
    table = f"{identifier(schema, 'postgres')}.{new.name}"
    for row in connection.execute(granted, {"schema": schema, "table": REQUESTS.name}).all():
        connection.exec_driver_sql(f"grant {row.privilege_type} on {table} to {row.role}")


def _restrict_requesters(connection: Connection) -> None:
    """Adds the queue; on Postgres, the functions have it."""
    if connection.dialect.name != "postgresql":
        connection.exec_driver_sql(QUEUE_OF_SQLITE)


def _add_forms(connection: Connection) -> None:
    """Adds the forms of reports and the public keys of workers, unless the tables are new."""
    schema = connection.get_execution_options().get("schema_translate_map", {}).get(None)
    prefix = f"{identifier(schema, 'postgres')}." if schema else ""
    for column in (BATCHES.c.form, WORKERS.c.public_key):
        table = column.table.name
        there = sa.inspect(connection).get_columns(table, schema=schema)
        if column.name not in {one["name"] for one in there}:
            definition = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"alter table {prefix}{table} add column {definition}")
    connection.exec_driver_sql(f"drop index {prefix}{UNDER_WAY.name}")
    UNDER_WAY.create(connection)


def _add_downloads(connection: Connection) -> None:
    """Adds the log of downloads; on Postgres, servers write it by a function."""
    DOWNLOADS.create(connection)
    if connection.dialect.name != "postgresql":
        return
    schema = connection.get_execution_options()["schema_translate_map"][None]
    _grant_as_requests(connection, DOWNLOADS)
    _create_functions(connection)
    prefix = identifier(schema, "postgres")
    roles = connection.exec_driver_sql(f"select role, kind from {prefix}.granted_role")
    for role, kind in roles.all():
        grantee = identifier(str(role), "postgres")
        if kind == "worker":
            connection.exec_driver_sql(f"grant delete on {prefix}.{DOWNLOADS.name} to {grantee}")
        else:
            connection.exec_driver_sql(
                f"grant execute on function {prefix}.{RECORD_DOWNLOAD} to {grantee}"
            )


def _create_functions(connection: Connection) -> None:
    """Creates or replaces the functions and policies of requesters, on Postgres.

    The newest migration does, because they use the newest tables.
    """
    schema = identifier(
        connection.get_execution_options()["schema_translate_map"][None], "postgres"
    )
    connection.exec_driver_sql(f"set local search_path = {schema}, pg_temp")
    connection.exec_driver_sql(
        FUNCTIONS.read_text("utf-8"), execution_options={"no_parameters": True}
    )
    connection.exec_driver_sql(f"revoke execute on all functions in schema {schema} from public")
    connection.exec_driver_sql("set local search_path = public")


def _add_index_of_requesters(connection: Connection) -> None:
    """Adds an index, so that a list of somebody's requests does not read those of everyone."""
    OF_REQUESTER.create(connection, checkfirst=True)


MIGRATIONS: Sequence[Callable[[Connection], None]] = (
    *(_create_requests, _add_workers),
    *(_restrict_requesters, _add_forms),
    *(_add_downloads, _add_index_of_requesters),
)
"""The changes that each version of the ledger makes; their number is the newest version."""


class Store:
    """The tables of a ledger."""

    def __init__(
        self, database: SQLite | Postgres, *, writing: bool, console: Console, clock: Clock
    ) -> None:
        self._database = database
        self._schema = database.schema
        self._writing = writing
        self._console = console
        self._clock = clock

    @classmethod
    def open(
        cls,
        profile: Profile,
        *,
        writing: bool = True,
        console: Console = SILENCE,
        clock: Clock = SYSTEM_CLOCK,
    ) -> Self:
        """Opens the ledger of a warehouse; creates or upgrades it if necessary.

        The console is told once if another process has to be waited for. Raises NoConnection, Busy,
        PermissionDenied, DataError if a newer exhaust created it.
        """
        file = class_of(profile).ledger_file(profile)
        database = Postgres(profile) if file is None else SQLite(file)
        store = cls(database, writing=writing, console=console, clock=clock)
        try:
            store._migrate()
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        self._database.engine.dispose()

    def _migrate(self) -> None:
        """Creates or upgrades the tables; where there is nothing to do, needs no privilege."""
        version = self._version()
        if version == len(MIGRATIONS):
            return
        if version == 0:
            with self._plain_errors():
                self._when_free(self._database.prepare)
        with self._begin(writing=True) as connection:
            if self._schema is not None:
                # If two processes start at once, the second waits and finds it done.
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
            version = self._version_of(connection)
            if version > len(MIGRATIONS):
                raise DataError(
                    f"The ledger {self._database.name} has version {version}; this exhaust knows "
                    f"no version after {len(MIGRATIONS)}.",
                    "Use the newer exhaust that created it.",
                )
            for migration in MIGRATIONS[version:]:
                migration(connection)
            connection.execute(sa.delete(VERSION))
            connection.execute(sa.insert(VERSION).values(version=len(MIGRATIONS)))

    def _version(self) -> int:
        with self._begin(writing=False) as connection:
            return self._version_of(connection)

    def _version_of(self, connection: Connection) -> int:
        if not sa.inspect(connection).has_table(VERSION.name, schema=self._schema):
            return 0
        version = connection.scalar(sa.select(VERSION.c.version)) or 0
        if not isinstance(version, int) or version < 0:
            raise DataError(f"The ledger {self._database.name} has no valid version.")
        return version

    def functions(self) -> str | None:
        """Returns the schema of the functions to be called, as SQL, by who may not write the
        tables; None for who may."""
        if self._schema is None:
            return None
        schema = identifier(self._schema, "postgres")
        with self.begin() as connection:
            may_write = connection.scalar(
                sa.select(sa.func.has_table_privilege(f"{schema}.{REQUESTS.name}", "insert"))
            )
        return None if may_write else schema

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Opens a transaction, and raises our errors for what a user can meet in it."""
        with self._begin(writing=self._writing) as connection:
            yield connection

    @contextmanager
    def _begin(self, *, writing: bool) -> Iterator[Connection]:
        engine = self._database.engine.execution_options(**{READS: not writing})
        with self._plain_errors(), ExitStack() as stack:
            yield self._when_free(lambda: stack.enter_context(engine.begin()))

    def _when_free(self, call: Callable[[], Result]) -> Result:
        """Calls a function, again and again as long as another process holds the database."""
        wait = LockWait(self._console, self._clock)
        while True:
            try:
                return call()
            except OperationalError as error:
                if not self._database.is_held(error):
                    raise
                if wait.is_over:
                    raise Busy(
                        Message(
                            "The ledger {ledger} is held by another process, and still was after "
                            "{seconds:.0f} seconds.",
                            ledger=self._database.name,
                            seconds=LOCK_TIMEOUT_SECONDS,
                        ),
                        Message(
                            "Another command for requests may be running. Try again when it has "
                            "ended."
                        ),
                    ) from error
            wait.pause(
                f"The ledger {self._database.name} is held by another process: waiting for it to "
                "end ...",
                0.1,
            )

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            known = self._database.known_error(error)
            if known is None:
                raise
            raise known from error


def rows_of(request_id: str) -> sa.ScalarSelect[int]:
    """Selects the rows of the batches of a request that are done."""
    rows = sa.func.coalesce(sa.func.sum(BATCHES.c.rows), 0)
    return sa.select(rows).where(BATCHES.c.request_id == request_id).scalar_subquery()
