from pathlib import Path

import pytest
import sqlalchemy as sa
from ledger_support import Submit

from exhaust.errors import DataError
from exhaust.project.settings import Settings
from exhaust.requests import store
from exhaust.requests.ledger import Ledger

pytestmark = pytest.mark.not_on_spark


def test_a_ledger_is_persistent(settings: Settings, ledger: Ledger, submit: Submit) -> None:
    submit()
    with Ledger.open(settings.profile) as again:
        assert again.requests() == ledger.requests()


def test_a_newer_ledger_is_refused(settings: Settings, ledger: Ledger) -> None:
    with ledger._store.begin() as connection:
        connection.execute(sa.update(store.VERSION).values(version=99))
    with pytest.raises(DataError, match="has version 99; this exhaust knows no version after 2"):
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


def test_the_sqlite_file_is_next_to_the_warehouse(settings_duckdb: Settings) -> None:
    with Ledger.open(settings_duckdb.profile):
        warehouse = Path(settings_duckdb.profile.options["path"])
        assert warehouse.with_name("exhaust.duckdb.requests").is_file()
        assert not warehouse.exists()
