"""What roles of PostgreSQL may do: readers, servers and workers get just the rights they need."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from enum import StrEnum

from exhaust.console import SILENCE, Console
from exhaust.errors import DataError, NotFound, PermissionDenied, UsageError
from exhaust.marts.records import read_marts
from exhaust.marts.state import RECORDS
from exhaust.project.settings import Settings
from exhaust.requests.ledger import Ledger
from exhaust.requests.store import DOWNLOADS, RECORD_DOWNLOAD
from exhaust.text import visible
from exhaust.warehouse import Warehouse, class_of, connect

TABLES = ("job_request", "job_request_batch", "worker")
LOG = DOWNLOADS.name
READ = (*TABLES, LOG, "ledger_version", "queue")
IDENTITY = ("caller_kind()", "caller_user()")
FUNCTIONS = (
    *IDENTITY,
    "submit_request(json, text)",
    "blocking_request(text, text, text[], text, text, boolean, text)",
    "cancel_request(text)",
    "hold_request(text, text, integer, bigint)",
    "finish_batch(text, text, integer, text, text, bigint)",
    "end_own_request(text, text, integer, text)",
    RECORD_DOWNLOAD,
)

REGISTERED = {"schema": "namespace", "table": "class", "function": "procedure"}
"""The names of Postgres' types for the names of objects."""


class GrantKind(StrEnum):
    READER = "reader"
    """A person: their own requests."""
    SERVER = "server"
    """A page or a portal, which authenticates users itself: the requests of every user."""
    WORKER = "worker"
    """`exhaust process`: all requests, and the tables of the ledger."""


@dataclass(frozen=True)
class Granted:
    """What a role may do now."""

    kind: GrantKind
    role: str
    user_id: str | None
    rights: list[str]
    """Each right on something, such as `select on exhaust.courses`."""


@dataclass(frozen=True)
class _Right:
    """A privilege on an object of the database."""

    privilege: str
    kind: str
    """`schema`, `table` or `function`."""
    name: str
    """As SQL."""

    def __str__(self) -> str:
        return f"{self.privilege} on {self.name}"

    @property
    def on(self) -> str:
        return f"{'' if self.kind == 'table' else self.kind} {self.name}"


def grant(
    settings: Settings,
    kind: GrantKind,
    role: str,
    user_id: str | None = None,
    console: Console = SILENCE,
) -> Granted:
    """Gives a role the rights of its kind, and checks them. Can be run again.

    Raises UsageError where there are no roles, and for a user ID of another kind than a reader;
    NotFound without such a role; DataError if nothing is built; PermissionDenied if the caller may
    not grant a right, or if the role could write the ledger without its functions.
    """
    if class_of(settings.profile).ledger_file(settings.profile) is not None:
        raise UsageError(
            f"{class_of(settings.profile).engine} has no roles: only PostgreSQL has.",
            "Whoever can read the files of the warehouse can read everything in it.",
        )
    if user_id is not None and kind != GrantKind.READER:
        raise UsageError(
            f"A {kind} has no user ID.", "Only a reader has one: the user whose requests it makes."
        )
    Ledger.open(settings.profile, console=console).close()
    with (
        connect(settings.profile, writing=True, console=console) as warehouse,
        warehouse.transaction(),
    ):
        _check_role(warehouse, role)
        rights = [*_rights(warehouse, settings, kind)]
        _grant(warehouse, settings, role, rights)
        _record(warehouse, settings, kind, role, user_id)
        _check(warehouse, settings, kind, role, rights)
    return Granted(kind, role, user_id, [str(right) for right in rights])


def _check_role(warehouse: Warehouse, role: str) -> None:
    if not warehouse.query(f"select from pg_roles where rolname = {warehouse.literal(role)}"):
        raise NotFound(
            f"There is no role {visible(role)} in {warehouse.name}.",
            f"Create it with: create role {warehouse.identifier(role)} login",
        )


def _tables(warehouse: Warehouse, settings: Settings) -> dict[str, set[str]]:
    """Returns the tables to read in each schema of the marts: the marts, and the caller's own."""
    schema = settings.profile.schema
    if not warehouse.tables(schema) >= RECORDS:
        raise DataError(
            f"Nothing is built: {warehouse.name} has no report in the schema {schema}.",
            "Run `exhaust build` first, as the role that builds.",
        )
    tables = {schema: set(RECORDS)}
    for mart in read_marts(warehouse, schema).values():
        tables.setdefault(mart.schema, set()).add(mart.table)
    return {
        schema: found | _owned(warehouse, schema) & warehouse.tables(schema)
        for schema, found in tables.items()
    }


def _owned(warehouse: Warehouse, schema: str) -> set[str]:
    """Returns the tables and views in a schema that belong to the caller, or to a role of it."""
    found = warehouse.query(
        "select relname from pg_class where pg_has_role(relowner, 'usage') "
        f"and relnamespace = {warehouse.literal(warehouse.identifier(schema))}::regnamespace"
    )
    return {table for (table,) in found}


def _owners(warehouse: Warehouse, schema: str, tables: Set[str]) -> list[str]:
    names = ", ".join(map(warehouse.literal, sorted(tables)))
    found = warehouse.query(
        f"select distinct pg_get_userbyid(relowner) from pg_class where relname in ({names}) "
        f"and relnamespace = {warehouse.literal(warehouse.identifier(schema))}::regnamespace"
    )
    return [owner for (owner,) in found]


def _rights(warehouse: Warehouse, settings: Settings, kind: GrantKind) -> Iterator[_Right]:
    for schema, tables in _tables(warehouse, settings).items():
        yield _Right("usage", "schema", warehouse.identifier(schema))
        for table in sorted(tables):
            yield _Right("select", "table", warehouse.relation(schema, table))
    ledger = settings.profile.requests_schema
    yield _Right("usage", "schema", warehouse.identifier(ledger))
    for table in READ:
        yield _Right("select", "table", warehouse.relation(ledger, table))
    is_worker = kind == GrantKind.WORKER
    for table in TABLES if is_worker else ():
        for privilege in ("insert", "update"):
            yield _Right(privilege, "table", warehouse.relation(ledger, table))
    for privilege in ("insert", "delete") if is_worker else ():
        yield _Right(privilege, "table", warehouse.relation(ledger, LOG))
    for function in IDENTITY if is_worker else FUNCTIONS:
        yield _Right("execute", "function", f"{warehouse.identifier(ledger)}.{function}")


def _grant(warehouse: Warehouse, settings: Settings, role: str, rights: list[_Right]) -> None:
    grantee = warehouse.identifier(role)
    ledger = warehouse.identifier(settings.profile.requests_schema)
    # Of an earlier version, or of another kind.
    warehouse.execute(f"revoke all on all tables in schema {ledger} from {grantee}")
    warehouse.execute(f"revoke all on all functions in schema {ledger} from {grantee}")
    for right in rights:
        warehouse.execute(f"grant {right.privilege} on {right.on} to {grantee}")
    for schema, tables in _tables(warehouse, settings).items():
        # A build replaces its tables: this is for those to come.
        for owner in _owners(warehouse, schema, tables):
            warehouse.execute(
                f"alter default privileges for role {warehouse.identifier(owner)} "
                f"in schema {warehouse.identifier(schema)} grant select on tables to {grantee}"
            )


def _record(
    warehouse: Warehouse, settings: Settings, kind: GrantKind, role: str, user_id: str | None
) -> None:
    table = warehouse.relation(settings.profile.requests_schema, "granted_role")
    values = ", ".join(map(warehouse.literal, (role, kind, user_id)))
    warehouse.execute(
        f"insert into {table} (role, kind, user_id) values ({values}) on conflict (role) "
        "do update set kind = excluded.kind, user_id = excluded.user_id"
    )


def _check(
    warehouse: Warehouse, settings: Settings, kind: GrantKind, role: str, rights: list[_Right]
) -> None:
    """Raises PermissionDenied if the role has not got a right, or has more than a requester may."""
    grantee = warehouse.literal(role)
    for right in rights:
        # For a schema, the function with a name takes it as it is, and not as SQL.
        name = f"{warehouse.literal(right.name)}::text::reg{REGISTERED[right.kind]}::oid"
        ((has,),) = warehouse.query(
            f"select has_{right.kind}_privilege({grantee}, {name}, "
            f"{warehouse.literal(right.privilege)})"
        )
        if not has:
            raise PermissionDenied(
                f"{visible(role)} did not get the right {right}.",
                "Run `exhaust grant` as the role that builds, which owns the tables.",
            )
    if kind == GrantKind.WORKER:
        return
    ledger = settings.profile.requests_schema
    for table in (*TABLES, LOG, "ledger_version", "granted_role"):
        name = warehouse.literal(warehouse.relation(ledger, table))
        ((may_write,),) = warehouse.query(
            f"select has_table_privilege({grantee}, {name}, 'insert, update, delete, truncate') "
            f"or has_schema_privilege({grantee}, {warehouse.literal(ledger)}, 'create') "
            f"or (select rolsuper or rolbypassrls from pg_roles where rolname = {grantee})"
        )
        if may_write:
            raise PermissionDenied(
                f"The role {visible(role)} may write {ledger}.{table} without the functions, as a "
                "superuser, or as a member of another role.",
                f"A {kind} needs a role of its own. Take the other rights away from it first.",
            )
