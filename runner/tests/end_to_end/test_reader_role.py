"""A reader of PostgreSQL: what it reads and writes, and what it cannot."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from handmade_marts import CREATOR, MATHS, MATHS_2, create_marts
from postgres_roles import new_role
from support import NO_MESSAGES, relation

from exhaust import api
from exhaust.errors import PermissionDenied
from exhaust.marts.state import Marts, open_marts
from exhaust.project.settings import Settings
from exhaust.reports.export import export
from exhaust.reports.selection import Criteria, Destination
from exhaust.requests.desk import submit
from exhaust.requests.entities import Status
from exhaust.requests.ledger import Ledger
from exhaust.requests.worker import process
from exhaust.warehouse import connect

HIDDEN = ("sunbird", "exhaust_staging", "exhaust_intermediate")


@pytest.fixture
def reader(settings_postgres: Settings) -> Iterator[Settings]:
    """A login that is a reader; a table of the marts' schema is created after that."""
    schema = settings_postgres.profile.schema
    with connect(settings_postgres.profile, writing=True, console=NO_MESSAGES) as warehouse:
        for hidden in HIDDEN:
            warehouse.execute(f"create schema {hidden}; create table {hidden}.one (one int)")
        create_marts(warehouse, settings_postgres)
        with new_role(settings_postgres) as settings:
            role = str(settings.profile.options["user"])
            api.grant(settings_postgres, "reader", role, user_id=CREATOR)
            warehouse.execute(f"create table {schema}.later (one int)")
            yield settings


def test_a_reader_exports(reader: Settings, tmp_path: Path) -> None:
    with connect(reader.profile, writing=False, console=NO_MESSAGES) as warehouse:
        report = export(
            Marts(warehouse, reader), Criteria([MATHS, MATHS_2]), Destination(folder=tmp_path)
        )
        assert [file.rows for file in report.files] == [2, 1, 1]
        assert warehouse.query(f"select * from {relation(reader.profile.schema, 'later')}") == []


def test_a_reader_writes_requests(
    settings_postgres: Settings, reader: Settings, tmp_path: Path
) -> None:
    with open_marts(reader) as marts, Ledger.open(reader.profile) as ledger:
        criteria = Criteria([MATHS], user_id=CREATOR)
        first = submit(marts, ledger, criteria)
        ledger.cancel(first.request_id)
        submit(marts, ledger, criteria)
    with Ledger.open(settings_postgres.profile) as ledger:
        owner = replace(settings_postgres, results_dir=tmp_path)
        (done,) = process(owner, ledger, "worker", NO_MESSAGES)
    assert done.status == Status.SUCCESS


@pytest.mark.parametrize("schema", HIDDEN)
def test_a_reader_reads_no_other_layer(reader: Settings, schema: str) -> None:
    with (
        connect(reader.profile, writing=False, console=NO_MESSAGES) as warehouse,
        pytest.raises(PermissionDenied, match="permission denied"),
    ):
        warehouse.query(f"select * from {relation(schema, 'one')}")


@pytest.mark.parametrize("statement", ["delete from {}", "drop table {}", "truncate {}"])
@pytest.mark.parametrize(
    ("schema", "table"), [("exhaust", "course_progress"), ("exhaust_requests", "job_request")]
)
def test_a_reader_removes_nothing(
    reader: Settings, statement: str, schema: str, table: str
) -> None:
    mart = relation(schema, table)
    with (
        connect(reader.profile, writing=True, console=NO_MESSAGES) as warehouse,
        pytest.raises(PermissionDenied),
    ):
        warehouse.execute(statement.format(mart))
