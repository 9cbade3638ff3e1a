from pathlib import Path

import psycopg
import psycopg2
import pytest
from postgres_roles import administer, new_role
from support import NO_MESSAGES, wait_until

from exhaust.errors import Busy, DataError, NoConnection, PermissionDenied
from exhaust.project.profile import Profile
from exhaust.project.settings import Settings
from exhaust.warehouse import connect
from exhaust.warehouse.postgres_session import libpq


def connect_to(options: dict[str, object]) -> None:
    connect(Profile("target", "postgres", "main", options), writing=False).close()


def test_no_server_is_no_connection(tmp_path: Path) -> None:
    options = {"host": str(tmp_path), "port": 1, "user": "me", "password": "s3cret"}

    with pytest.raises(NoConnection) as raised:
        connect_to(options | {"dbname": "exhaust"})

    assert "s3cret" not in raised.value.message
    assert f"{tmp_path}:1/exhaust as me" in raised.value.message


def test_an_empty_host_is_the_local_socket() -> None:
    with pytest.raises(NoConnection, match="the local socket:1/exhaust as me"):
        connect_to({"host": "", "port": 1, "user": "me", "dbname": "exhaust"})


def test_an_empty_password_is_looked_for_in_the_password_file(
    settings_postgres: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = settings_postgres.profile.options
    configuration = Path(str(options["host"])) / "pg_hba.conf"
    before = configuration.read_text()
    passwords = tmp_path / "passwords"
    passwords.write_text(f"*:*:{options['dbname']}:*:s3cret\n")
    passwords.chmod(0o600)
    with new_role(settings_postgres, "alter role {role} password 's3cret'") as settings:
        of_role = {**settings.profile.options, "password": ""}
        configuration.write_text(f"local all {of_role['user']} scram-sha-256\n{before}")
        administer(settings, "select pg_reload_conf()")
        wait_until(lambda: is_refused(of_role))
        monkeypatch.setenv("PGPASSFILE", str(passwords))

        connect_to(of_role)
        psycopg2.connect(  # as dbt does
            **{key: of_role[key] for key in ("host", "port", "user", "password", "dbname")}
        ).close()

        configuration.write_text(before)
        administer(settings, "select pg_reload_conf()")


def is_refused(options: dict[str, object]) -> bool:
    try:
        connect_to(options)
    except NoConnection:
        return True
    return False


def test_what_a_profile_says_about_tls_reaches_libpq() -> None:
    given = {"sslmode": "verify-full", "sslcert": "a", "sslkey": "b", "sslrootcert": "c"}
    assert given.items() <= libpq(given).items()


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
