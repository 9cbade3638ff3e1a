"""Roles of the tests' Postgres server, which all tests share."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg

from exhaust import api
from exhaust.project.settings import Settings


def administer(settings: Settings, statements: str) -> None:
    """Runs statements in the database of a project as its superuser."""
    options = settings.profile.options
    with psycopg.connect(
        host=options["host"], user="postgres", dbname=options["dbname"], autocommit=True
    ) as administrator:
        administrator.execute(statements)


def as_role(settings: Settings, role: str) -> Settings:
    """Returns a project whose commands, and dbt, connect as a role."""
    options = {**settings.profile.options, "user": role}
    return replace(
        settings,
        profile=replace(settings.profile, options=options),
        environment={**settings.environment, "PGUSER": role},
    )


def drop_roles(settings: Settings, pattern: str) -> None:
    """Drops the roles whose names match a pattern, and all that they own in the database."""
    administer(
        settings,
        f"""
        do $$
        declare role regrole;
        begin
            for role in select oid from pg_roles where rolname like '{pattern}' loop
                execute format('drop owned by %s cascade', role);
            end loop;
            for role in select oid from pg_roles where rolname like '{pattern}' loop
                execute format('drop role %s', role);
            end loop;
        end $$
        """,
    )


@contextmanager
def new_role(settings: Settings, statements: str = "") -> Iterator[Settings]:
    """Creates a login, runs statements for it, and drops it at the end.

    The statements call it {role}, and the database {database}.
    """
    role = f"role_{secrets.token_hex(6)}"
    names = {"role": role, "database": settings.profile.options["dbname"]}
    administer(settings, f"create role {role} login; {statements.format(**names)}")
    try:
        yield as_role(settings, role)
    finally:
        drop_roles(settings, role)


@contextmanager
def granted(owner: Settings, kind: str, user: str | None = None) -> Iterator[Settings]:
    """A login to which a kind was granted."""
    with new_role(owner) as settings:
        api.grant(owner, kind, str(settings.profile.options["user"]), user_id=user)
        yield settings


def query(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    """Runs a statement as somebody with `psql` would."""
    options = settings.profile.options
    with psycopg.connect(
        host=options["host"], user=options["user"], dbname=options["dbname"], autocommit=True
    ) as connection:
        found = connection.execute(sql)
        return found.fetchall() if found.description else []
