"""Schemas and tables of others, databases that are read-only, and roles with other settings."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from handmade_marts import CREATOR, MATHS, create_marts
from postgres_roles import administer, new_role
from support import NO_MESSAGES, SCENARIOS, load_extract, wait_until

from exhaust import api
from exhaust.errors import Busy, PermissionDenied, UsageError
from exhaust.pipeline.build import build
from exhaust.project.settings import Settings
from exhaust.requests.ledger import Ledger
from exhaust.warehouse import connect

SAMPLE = SCENARIOS["sample"]
OTHER_SETTINGS = """
grant create on database {database} to {role};
create schema other authorization {role};
create function other.lower(text) returns text language sql as $$ select 'another' $$;
grant execute on function other.lower(text) to {role};
alter role {role} set standard_conforming_strings = off;
alter role {role} set client_encoding = 'LATIN1';
alter role {role} set search_path = other, pg_catalog;
alter role {role} set datestyle = 'German';
alter role {role} set timezone = 'Asia/Kolkata';
alter role {role} set extra_float_digits = -15;
"""


@pytest.fixture
def stranger(settings_postgres: Settings) -> Iterator[Settings]:
    """The project as a role without any privilege."""
    with new_role(settings_postgres) as settings:
        yield settings


def role_of(settings: Settings) -> str:
    return str(settings.profile.options["user"])


def query(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    with connect(settings.profile, writing=False, console=NO_MESSAGES) as warehouse:
        return warehouse.query(sql)


class TestSchemas:
    def test_one_that_exists_needs_no_privilege_on_the_database(
        self, settings_postgres: Settings, stranger: Settings
    ) -> None:
        for schema in ("sunbird", "exhaust_requests"):
            administer(
                settings_postgres, f"create schema {schema} authorization {role_of(stranger)}"
            )

        load_extract(stranger, SAMPLE)
        Ledger.open(stranger.profile).close()

        assert query(stranger, "select count(*) > 0 from sunbird.loads") == [(True,)]

    def test_a_missing_one_without_the_privilege_is_permission_denied(
        self, stranger: Settings
    ) -> None:
        with pytest.raises(PermissionDenied, match="The schema sunbird does not exist") as raised:
            load_extract(stranger, SAMPLE)
        assert f'create schema "sunbird" authorization "{role_of(stranger)}"' in str(
            raised.value.hint
        )
        with pytest.raises(PermissionDenied, match="The schema exhaust_requests does not exist"):
            Ledger.open(stranger.profile)

    def test_one_that_is_being_created_is_waited_for(self, settings_postgres: Settings) -> None:
        profile = settings_postgres.profile
        waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"

        def create() -> None:
            with connect(profile, writing=True) as second:
                second.create_schema("landed")

        with connect(profile, writing=True) as first, ThreadPoolExecutor() as pool:
            with first.transaction():
                first.create_schema("landed")
                created = pool.submit(create)
                wait_until(lambda: query(settings_postgres, waiting) == [(1,)])
            created.result()

    def test_one_that_exists_is_not_waited_for(self, settings_postgres: Settings) -> None:
        profile = settings_postgres.profile
        with (
            connect(profile, writing=True) as first,
            connect(profile, writing=True) as second,
            first.transaction(),
        ):
            first.create_schema("landed")
            second.create_schema("public")

    def test_a_name_that_postgres_would_cut_is_refused(self, settings_postgres: Settings) -> None:
        with (
            connect(settings_postgres.profile, writing=True) as warehouse,
            pytest.raises(UsageError, match="has 64 bytes, and Postgres takes 63"),
        ):
            warehouse.create_schema("s" * 64)

    def test_first_loads_at_once_load_or_are_busy(self, settings_postgres: Settings) -> None:
        administer(settings_postgres, "create schema sunbird")
        barrier = threading.Barrier(4)

        def load(_: int) -> str:
            barrier.wait()
            try:
                load_extract(settings_postgres, SAMPLE)
            except Busy:
                return "busy"
            return "loaded"

        with ThreadPoolExecutor(4) as pool:
            results = set(pool.map(load, range(4)))
        assert "loaded" in results
        assert results <= {"loaded", "busy"}


class TestTables:
    def test_that_of_another_role_is_not_replaced(
        self, settings_postgres: Settings, stranger: Settings
    ) -> None:
        load_extract(settings_postgres, SAMPLE)
        administer(settings_postgres, f"grant all on schema sunbird to {role_of(stranger)}")
        with pytest.raises(PermissionDenied, match="belongs to the role postgres") as raised:
            load_extract(stranger, SAMPLE)
        assert f'owner to "{role_of(stranger)}"' in str(raised.value.hint)

    def test_that_of_a_role_of_ours_is_replaced(
        self, settings_postgres: Settings, stranger: Settings
    ) -> None:
        administer(
            settings_postgres,
            f"create schema sunbird; grant all on schema sunbird to {role_of(stranger)}",
        )
        grant = "grant all on schema sunbird to {role}"
        with new_role(settings_postgres, grant) as owner:
            load_extract(owner, SAMPLE)
            administer(settings_postgres, f"grant {role_of(owner)} to {role_of(stranger)}")
            load_extract(stranger, SAMPLE)

    def test_that_in_a_schema_of_ours_is_replaced(
        self, settings_postgres: Settings, stranger: Settings
    ) -> None:
        load_extract(settings_postgres, SAMPLE)
        administer(
            settings_postgres,
            f"alter schema sunbird owner to {role_of(stranger)}; "
            f"grant select, insert on sunbird.loads to {role_of(stranger)}",
        )
        load_extract(stranger, SAMPLE)


class TestReadOnly:
    @pytest.fixture
    def read_only(self, settings_postgres: Settings) -> Settings:
        """The project on a database like a standby, with marts and a request."""
        with connect(settings_postgres.profile, writing=True) as warehouse:
            create_marts(warehouse, settings_postgres)
        api.submit(settings_postgres, MATHS, batches=["001"], user_id=CREATOR)
        database = settings_postgres.profile.options["dbname"]
        administer(
            settings_postgres, f"alter database {database} set default_transaction_read_only = on"
        )
        return settings_postgres

    def test_loads_builds_and_requests_are_refused(self, read_only: Settings) -> None:
        (request,) = api.requests(read_only)
        refused = (
            lambda: load_extract(read_only, SAMPLE),
            lambda: connect(read_only.profile, writing=True),
            lambda: api.submit(read_only, MATHS, batches=["002"], user_id=CREATOR),
            lambda: list(api.process(read_only)),
            lambda: api.cancel(read_only, request.request_id),
            lambda: api.export(read_only, [MATHS], batches=["002"], user_id=CREATOR),
        )
        for call in refused:
            with pytest.raises(PermissionDenied, match=r"is read-only\.") as raised:
                call()
            assert "Connect to the primary" in str(raised.value.hint)

    def test_a_build_is_refused_before_dbt_starts(self, settings_postgres: Settings) -> None:
        load_extract(settings_postgres, SAMPLE)
        database = settings_postgres.profile.options["dbname"]
        administer(
            settings_postgres, f"alter database {database} set default_transaction_read_only = on"
        )
        with pytest.raises(PermissionDenied, match=r"is read-only\."):
            build(settings_postgres)

    def test_reading_goes_on(self, read_only: Settings, tmp_path: Path) -> None:
        assert MATHS in [course.id for course in api.courses(read_only)]
        assert api.batches(read_only, MATHS)[1]
        (request,) = api.requests(read_only)
        assert api.request(read_only, request.request_id) == request
        report = api.export(read_only, [MATHS], output_dir=tmp_path)
        assert [file.rows for file in report.files] == [2, 1]

    def test_a_ledger_that_is_not_there_is_not_created(self, settings_postgres: Settings) -> None:
        database = settings_postgres.profile.options["dbname"]
        administer(
            settings_postgres, f"alter database {database} set default_transaction_read_only = on"
        )
        with pytest.raises(PermissionDenied, match=r"is read-only\."):
            api.requests(settings_postgres)


def test_a_role_with_other_settings_reads_and_writes_the_same(
    settings_postgres: Settings,
) -> None:
    with new_role(settings_postgres, OTHER_SETTINGS) as settings:
        value = "a\\b'க\n\\"
        expected = (value, datetime(2026, 2, 1, 10, tzinfo=UTC), 0.1 + 0.2, "a")
        with connect(settings.profile, writing=True) as warehouse:
            found = warehouse.query(
                f"select {warehouse.literal(value)}, timestamptz '2026-02-01 10:00', "
                "float8 '0.30000000000000004', lower('A')"
            )
            written: list[bytes] = []
            warehouse.copy_out(
                f"select {warehouse.literal(value)}, date '2026-02-01'", written.append
            )
        assert found == [expected]
        assert b"".join(written).decode() == f'"{value}",2026-02-01\n'
        load_extract(settings, SAMPLE)
        Ledger.open(settings.profile).close()
