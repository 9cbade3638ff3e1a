"""What every connection to PostgreSQL needs: libpq's arguments, settings, and errors in words.

A pooler such as PgBouncer may run each transaction of a client in another session. So no statement
relies on what an earlier transaction has set or prepared: each transaction begins with `settings`.
"""

import os
import socket
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import psycopg

from exhaust.errors import Busy, DiskFull, ExhaustError, PermissionDenied
from exhaust.project.sql import identifier, literal
from exhaust.warehouse import LOCK_TIMEOUT_SECONDS

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

SETTINGS: Mapping[str, str] = {
    "timezone": "UTC",
    "search_path": "public",
    "standard_conforming_strings": "on",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
}
"""What our SQL relies on, and a role or a database may set otherwise."""

MAX_IDENTIFIER_BYTES = 63

RACES = (psycopg.errors.DuplicateTable, psycopg.errors.DuplicateSchema)

RIGHTS_HINT = "docs/access.md lists the privileges that each command needs."
READ_ONLY_HINT = (
    "It is a standby, or it is set to read-only (`default_transaction_read_only`). "
    "Connect to the primary."
)


def libpq(options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns psycopg's arguments, with the password, from a dbt output of type postgres.

    Without a password, libpq looks for one in PGPASSWORD and in the password file.
    """
    given = {key: options[key] for key in LIBPQ_OPTIONS if options.get(key) is not None}
    return {
        "connect_timeout": 10,
        **given,
        "dbname": options.get("dbname") or options.get("database"),
        "password": options.get("password") or options.get("pass") or None,
        "client_encoding": "UTF8",
        "prepare_threshold": None,
    }


def server_name(options: Mapping[str, Any]) -> str:
    """Returns what messages call the database of a dbt output of type postgres."""
    arguments = libpq(options)
    where = arguments.get("host") or "the local socket"
    return f"{where}:{arguments.get('port', 5432)}/{arguments['dbname']}"


def application_name() -> str:
    """Returns what the server calls the sessions of this process: each statement of ours can be
    found by it, even behind a pooler, where a session has no number of its own."""
    name = f"exhaust {os.getpid()}@{socket.gethostname()}"
    return name.encode("ascii", "replace").decode()[:MAX_IDENTIFIER_BYTES]


def settings(
    options: Mapping[str, Any], lock_timeout: timedelta = timedelta(seconds=LOCK_TIMEOUT_SECONDS)
) -> str:
    """Returns the statements that each transaction begins with, from a dbt output."""
    milliseconds = round(lock_timeout / timedelta(milliseconds=1))
    values = {
        **SETTINGS,
        "lock_timeout": f"{milliseconds}ms",
        "application_name": application_name(),
    }
    statements = [
        f"set local {name} = {literal(value, 'postgres')}" for name, value in values.items()
    ]
    if options.get("role"):
        statements.append(f"set local role {identifier(str(options['role']), 'postgres')}")
    return "; ".join(statements)


def read_only(name: str) -> PermissionDenied:
    return PermissionDenied(f"{name} is read-only.", READ_ONLY_HINT)


def known_error(error: object, name: str) -> ExhaustError | None:
    """Returns our error for one of psycopg's that a user can meet on a working connection."""
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return read_only(name)
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return PermissionDenied(
            f"{name} denied access: {error.diag.message_primary}.",
            f"Ask its owner for the privilege, or connect as another user. {RIGHTS_HINT}",
        )
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return Busy(
            f"A table in {name} is held by another process, and still was after "
            f"{LOCK_TIMEOUT_SECONDS:.0f} seconds.",
            "A build, a load or an export may be running. Try again when it has ended.",
        )
    if isinstance(error, RACES) or _is_of_the_catalogue(error):
        return Busy(
            f"{name}: another process created the same schema or table at the same time.",
            "A load or a build may be running. Try again when it has ended.",
        )
    if isinstance(error, psycopg.errors.DiskFull):
        return DiskFull(f"{name}: {error.diag.message_primary}")
    return None


def _is_of_the_catalogue(error: object) -> bool:
    return (
        isinstance(error, psycopg.errors.UniqueViolation) and error.diag.schema_name == "pg_catalog"
    )
