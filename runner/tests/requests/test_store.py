import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from handmade_marts import CREATOR, MATHS
from ledger_support import DATA, Submit, claim_of, finish, new_request
from postgres_roles import granted
from support import ManualClock

from exhaust import api
from exhaust.errors import Busy, DataError, NoConnection, PermissionDenied
from exhaust.project.settings import Settings
from exhaust.reports.formats import Format
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
    with pytest.raises(DataError, match="has version 99; this exhaust knows no version after 6"):
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


def undo_version_4(ledger: Ledger) -> None:
    """Takes from a ledger what version 4 and later ones add to the tables, and gives it an older
    function."""
    schema = f'"{ledger._store._schema}".' if ledger._store._schema else ""
    with ledger._store.begin() as connection:
        for statement in (
            f"drop table {schema}job_request_download",
            f"drop index {schema}job_request_batch_under_way",
            f"alter table {schema}job_request_batch drop column form",
            f"alter table {schema}worker drop column public_key",
            f"create unique index job_request_batch_under_way on {schema}job_request_batch "
            "(dataset, course_id, batch_id, channel) where is_under_way",
            f"update {schema}ledger_version set version = 3",
        ):
            connection.exec_driver_sql(statement)
        if schema:
            of_version_3 = "blocking_request(text, text, text[], text, text, boolean"
            connection.exec_driver_sql(f"drop function {schema}{of_version_3}, text)")
            connection.exec_driver_sql(
                f"create function {schema}{of_version_3}) returns json return null::json"
            )


def test_version_4_adds_forms_and_keeps_what_there_is(
    settings: Settings, ledger: Ledger, submit: Submit
) -> None:
    waiting, ended = submit(), submit(course_id="do_2")
    ledger.claim("a")
    ledger.cancel(ended.request_id)
    undo_version_4(ledger)
    with Ledger.open(settings.profile) as upgraded:
        assert {one.request_id for one in upgraded.requests()} == {
            waiting.request_id,
            ended.request_id,
        }
        assert [one.public_key for one in upgraded.workers()] == [None]
        with pytest.raises(Busy):
            upgraded.submit(new_request())
        other = upgraded.submit(new_request(request_data={**DATA, "format": "xlsx"}))
        assert (other.form.format, other.status) == (Format.XLSX, Status.SUBMITTED)
        upgraded.cancel(waiting.request_id)
        assert upgraded.submit(new_request()).request_id == f"{waiting.request_id}-2"


def test_roles_keep_their_rights_in_version_4(owner: Settings) -> None:
    with granted(owner, "reader", CREATOR) as reader:
        with Ledger.open(owner.profile) as ledger:
            undo_version_4(ledger)
        Ledger.open(owner.profile).close()
        new = api.submit(reader, MATHS, user_id=CREATOR)
        assert api.cancel(reader, new.request_id).status == Status.CANCELLED
        # The one function that has changed.
        api.submit(reader, MATHS, user_id=CREATOR)
        with pytest.raises(PermissionDenied):
            api.submit(reader, MATHS, user_id=CREATOR)
        api.grant(owner, "reader", str(reader.profile.options["user"]), user_id=CREATOR)
        with pytest.raises(Busy):
            api.submit(reader, MATHS, user_id=CREATOR)


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
