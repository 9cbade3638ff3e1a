"""`exhaust grant`: which rights a role gets, and who may get none."""

import psycopg
import pytest
from handmade_marts import CREATOR, MATHS, MENTOR
from postgres_roles import granted, new_role, query
from requests_support import reload

from exhaust import api
from exhaust.errors import DataError, NotFound, PermissionDenied, UsageError
from exhaust.project.settings import Settings
from exhaust.requests.ledger import Ledger


def test_it_can_be_run_again_with_another_kind(owner: Settings) -> None:
    with granted(owner, "worker") as settings:
        role = str(settings.profile.options["user"])
        again = api.grant(owner, "reader", role, user_id=MENTOR)
        assert "insert on" not in " ".join(again.rights)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            query(settings, "update exhaust_requests.job_request set iteration = 0")
        assert api.grant(owner, "worker", role).kind == "worker"
        assert list(api.process(settings)) == []


def test_marts_of_later_builds_can_be_read(owner: Settings, creator: Settings) -> None:
    query(owner, "create table exhaust.later (a int)")
    assert query(creator, "select * from exhaust.later") == []


def test_marts_of_later_builds_can_be_read_whoever_grants(owner: Settings) -> None:
    with new_role(owner, "grant usage, create on schema exhaust to {role}") as builder:
        role = builder.profile.options["user"]
        for (table,) in query(
            owner, "select tablename from pg_tables where schemaname = 'exhaust'"
        ):
            query(owner, f"alter table exhaust.{table} owner to {role}")
        with granted(owner, "reader") as reader:
            query(builder, "create table exhaust.later (a int)")
            assert query(reader, "select * from exhaust.later") == []


def test_an_older_reader_writes_nothing(owner: Settings) -> None:
    Ledger.open(owner.profile).close()
    new = api.submit(owner, MATHS, user_id=CREATOR)
    statements = (
        "grant usage on schema exhaust_requests to {role}; "
        "grant select, insert, update on all tables in schema exhaust_requests to {role}; "
        "grant execute on all functions in schema exhaust_requests to {role}"
    )
    with new_role(owner, statements) as older:
        assert api.requests(older) == []
        query(older, "update exhaust_requests.job_request set status = 'FAILED'")
        assert reload(owner, new) == new


@pytest.mark.parametrize(
    "make",
    [
        "alter role {role} superuser",
        "alter role {role} bypassrls",
        "grant pg_write_all_data to {role}",
        "create schema exhaust_requests; grant create on schema exhaust_requests to {role}",
    ],
)
def test_who_can_write_everything_is_no_reader(owner: Settings, make: str) -> None:
    with (
        new_role(owner, make) as settings,
        pytest.raises(PermissionDenied, match="without the functions"),
    ):
        api.grant(owner, "reader", str(settings.profile.options["user"]))


def test_a_role_has_to_exist(owner: Settings) -> None:
    with pytest.raises(NotFound, match="There is no role nobody"):
        api.grant(owner, "reader", "nobody")


def test_only_a_reader_has_a_user_id(owner: Settings) -> None:
    with pytest.raises(UsageError, match="A worker has no user ID"):
        api.grant(owner, "worker", "postgres", user_id=CREATOR)


def test_nothing_is_granted_by_who_does_not_own_it(owner: Settings, creator: Settings) -> None:
    role = str(creator.profile.options["user"])
    with pytest.raises(PermissionDenied):
        api.grant(creator, "worker", role)


def test_there_have_to_be_marts(settings_postgres: Settings) -> None:
    with pytest.raises(DataError, match="Nothing is built"):
        api.grant(settings_postgres, "reader", "postgres")


def test_other_engines_have_no_roles(settings_duckdb: Settings) -> None:
    with pytest.raises(UsageError, match="duckdb has no roles"):
        api.grant(settings_duckdb, "reader", "postgres")


@pytest.mark.parametrize("role", ['we"ird', "o'hara", "ச"])
def test_a_name_may_be_anything(owner: Settings, role: str) -> None:
    quoted = role.replace('"', '""')
    query(owner, f'create role "{quoted}"')
    try:
        assert api.grant(owner, "reader", role, user_id="o'hara").role == role
    finally:
        query(owner, f'drop owned by "{quoted}"; drop role "{quoted}"')
