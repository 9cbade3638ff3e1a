import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from ledger_support import Submit, claim_of, finish, new_request
from support import ManualClock

from exhaust.errors import DataError, NoConnection
from exhaust.project.settings import Settings
from exhaust.requests import store
from exhaust.requests.entities import Status
from exhaust.requests.ledger import Ledger
from exhaust.warehouse import connect

pytestmark = pytest.mark.not_on_spark


def test_a_ledger_is_persistent(settings: Settings, ledger: Ledger, submit: Submit) -> None:
    submit()
    with Ledger.open(settings.profile) as again:
        assert again.requests() == ledger.requests()


def test_a_newer_ledger_is_refused(settings: Settings, ledger: Ledger) -> None:
    with ledger._store.begin() as connection:
        connection.execute(sa.update(store.VERSION).values(version=99))
    with pytest.raises(DataError, match="has version 99; this exhaust knows no version after 3"):
        Ledger.open(settings.profile)


def test_an_older_ledger_is_migrated(
    settings: Settings, ledger: Ledger, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit()

    def add(connection: sa.Connection) -> None:
        schema = ledger._store._schema
        table = f"{schema}.job_request" if schema else "job_request"
        connection.exec_driver_sql(f"alter table {table} add column later text")

    monkeypatch.setattr(store, "MIGRATIONS", [*store.MIGRATIONS, add])
    for _ in range(2):
        with Ledger.open(settings.profile) as again:
            assert len(again.requests()) == 1


@pytest.fixture
def ledger_of_version_1(
    settings: Settings, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Ledger]:
    with monkeypatch.context() as patch:
        patch.setattr(store, "MIGRATIONS", store.MIGRATIONS[:1])
        ledger = Ledger.open(settings.profile, clock)
    yield ledger
    ledger.close()


def test_version_2_adds_workers_and_keeps_what_there_is(
    settings: Settings, ledger_of_version_1: Ledger, clock: ManualClock
) -> None:
    old = ledger_of_version_1
    with old._store.begin() as connection:
        # As version 1 made it: without the names of the batches and the roles.
        cancelled = old._tables.insert(connection, new_request(), None)
        old._tables.end(connection, cancelled, Status.CANCELLED, None)
        waiting = old._tables.insert(connection, new_request(course_id="do_2"), None)
    with pytest.raises((NoConnection, sa.exc.DBAPIError)):
        old.workers()
    with Ledger.open(settings.profile, clock) as upgraded:
        assert {one.request_id: one.status for one in upgraded.requests()} == {
            cancelled: Status.CANCELLED,
            waiting: Status.SUBMITTED,
        }
        assert [one.batch_names for one in upgraded.requests()] == [{}, {}]
        assert upgraded.workers() == []
        claim = claim_of(upgraded)
        assert claim.request.request_id == waiting
        assert finish(upgraded, claim).status == "SUCCESS"
        assert [one.name for one in upgraded.workers()] == ["a"]


def test_who_may_use_requests_may_use_workers(settings_postgres: Settings) -> None:
    schema = f"{settings_postgres.profile.schema}_requests"
    with connect(settings_postgres.profile, writing=True) as warehouse:
        role = f"reader_{secrets.token_hex(4)}"
        warehouse.execute(f'create role "{role}" nologin')
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "MIGRATIONS", store.MIGRATIONS[:1])
            Ledger.open(settings_postgres.profile).close()
        warehouse.execute(f'grant select, insert, update on {schema}.job_request to "{role}"')
        Ledger.open(settings_postgres.profile).close()
        for privilege, is_granted in (("select", True), ("insert", True), ("delete", False)):
            ((found,),) = warehouse.query(
                f"select has_table_privilege('{role}', '{schema}.worker', '{privilege}')"
            )
            assert found is is_granted


def test_the_sqlite_file_is_next_to_the_warehouse(settings_duckdb: Settings) -> None:
    with Ledger.open(settings_duckdb.profile):
        warehouse = Path(settings_duckdb.profile.options["path"])
        assert warehouse.with_name("exhaust.duckdb.requests").is_file()
        assert not warehouse.exists()
