from pathlib import Path

import psycopg
import pytest
from support import NO_MESSAGES

from exhaust.errors import Busy, DataError, NoConnection, PermissionDenied
from exhaust.project.profile import Profile
from exhaust.project.settings import Settings
from exhaust.warehouse import connect


def connect_to(options: dict[str, object]) -> None:
    connect(Profile("target", "postgres", "main", options), writing=False).close()


def test_no_server_is_no_connection(tmp_path: Path) -> None:
    options = {"host": str(tmp_path), "port": 1, "user": "me", "password": "s3cret"}

    with pytest.raises(NoConnection) as raised:
        connect_to(options | {"dbname": "exhaust"})

    assert "s3cret" not in raised.value.message
    assert f"{tmp_path}:1/exhaust as me" in raised.value.message


def test_no_such_database_is_no_connection(settings_postgres: Settings) -> None:
    with pytest.raises(NoConnection, match='"nowhere" does not exist'):
        connect_to({**settings_postgres.profile.options, "dbname": "nowhere"})


def test_a_database_that_is_not_utf8_is_refused(settings_postgres: Settings) -> None:
    options = settings_postgres.profile.options
    with psycopg.connect(
        host=options["host"], user="postgres", dbname="postgres", autocommit=True
    ) as administrator:
        administrator.execute("drop database if exists latin")
        administrator.execute("create database latin encoding latin1 locale 'C' template template0")

    with pytest.raises(DataError, match="has the encoding LATIN1"):
        connect_to({**options, "dbname": "latin"})


def test_a_missing_privilege_is_permission_denied(settings_postgres: Settings) -> None:
    with connect(settings_postgres.profile, writing=True, console=NO_MESSAGES) as warehouse:
        warehouse.execute("create table landed (a text)")
        warehouse.execute("drop role if exists nobody; create role nobody; set role nobody")

        with pytest.raises(PermissionDenied, match="permission denied"):
            warehouse.query("select * from landed")


def test_tables_of_a_snapshot_cannot_be_replaced(settings_postgres: Settings) -> None:
    profile = settings_postgres.profile
    with (
        connect(profile, writing=False, console=NO_MESSAGES) as reader,
        connect(profile, writing=True, console=NO_MESSAGES) as builder,
    ):
        builder.execute("create table mart as select 1 as a")
        with reader.snapshot(["mart"]):
            assert reader.query("select * from mart") == [(1,)]
            with pytest.raises(Busy, match="held by another process"):
                builder.execute(
                    "set local lock_timeout = '10ms'; alter table mart rename to mart__dbt_backup"
                )
            builder.execute("insert into mart values (2)")

            assert reader.query("select * from mart") == [(1,)]


def test_a_closed_connection_is_no_connection(settings_postgres: Settings) -> None:
    with (
        connect(settings_postgres.profile, writing=False, console=NO_MESSAGES) as warehouse,
        pytest.raises(NoConnection, match="was lost"),
    ):
        warehouse.query("select pg_terminate_backend(pg_backend_pid())")
