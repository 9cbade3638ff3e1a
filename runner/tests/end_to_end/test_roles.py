"""The table of rights in docs/access.md: roles that have just those, and roles that lack one."""

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
from handmade_marts import CREATOR, MATHS, create_marts
from postgres_roles import administer, as_role, drop_roles
from support import GOLDEN, NO_MESSAGES, PROJECT, SCENARIOS, export_all

from exhaust import api
from exhaust.errors import DataError, PermissionDenied
from exhaust.pipeline.build import build
from exhaust.pipeline.dbt import run_dbt
from exhaust.project.settings import Settings
from exhaust.requests.entities import Status
from exhaust.requests.ledger import Ledger
from exhaust.warehouse import connect

SAMPLE = SCENARIOS["sample"]
ROLE = re.compile(r"exhaust_(loader|builder|reader|worker)\b")


def sql_of_the_page(beginning: str) -> str:
    text = (PROJECT / "docs" / "access.md").read_text("utf-8")
    (sql,) = re.findall(rf"```sql\n({beginning}.*?)```", text, re.DOTALL)
    return str(sql)


@dataclass(frozen=True)
class Roles:
    """The roles of the page, under names of their own, because all tests share the server."""

    settings: Settings
    suffix: str

    def run(self, sql: str, role: str = "postgres") -> None:
        sql = ROLE.sub(rf"\g<0>_{self.suffix}", f"set role {role}; {sql}")
        administer(self.settings, sql)

    def of(self, role: str) -> Settings:
        return as_role(self.settings, f"{role}_{self.suffix}")

    def grant(self) -> None:
        """Makes a reader and a worker, after the first build."""
        self.run(sql_of_the_page("create role exhaust_reader"))
        builder = self.of("exhaust_builder")
        api.grant(builder, "reader", f"exhaust_reader_{self.suffix}", user_id=CREATOR)
        api.grant(builder, "worker", f"exhaust_worker_{self.suffix}")


@pytest.fixture
def roles(settings_postgres: Settings, tmp_path: Path) -> Iterator[Roles]:
    roles = Roles(
        replace(settings_postgres, results_dir=tmp_path / "results"), secrets.token_hex(4)
    )
    roles.run(sql_of_the_page("create role exhaust_loader"))
    yield roles
    drop_roles(settings_postgres, f"%_{roles.suffix}")


@pytest.fixture
def reader(roles: Roles) -> Settings:
    """A reader of handmade marts, with a request that waits."""
    builder = roles.of("exhaust_builder")
    with connect(builder.profile, writing=True) as warehouse:
        create_marts(warehouse, builder)
    roles.grant()
    reader = roles.of("exhaust_reader")
    api.submit(reader, MATHS, batches=["001"], user_id=CREATOR)
    return reader


def test_each_command_works_with_just_its_rights(roles: Roles, tmp_path: Path) -> None:
    api.load(roles.of("exhaust_loader"), SAMPLE)
    api.load(roles.of("exhaust_loader"), SAMPLE)
    builder = roles.of("exhaust_builder")
    run = run_dbt(builder, ["run"], NO_MESSAGES)
    assert {one.status for one in run.results} == {"success"}
    assert not build(builder, (), NO_MESSAGES).failed
    assert api.requests(builder) == []
    roles.grant()
    reader = roles.of("exhaust_reader")

    export_all(reader, tmp_path / "out", day=date(2024, 7, 1))

    written = {
        file.name.partition("_")[0]: file.read_bytes() for file in (tmp_path / "out").glob("*.csv")
    }
    assert written == {file.stem: file.read_bytes() for file in (GOLDEN / "sample").iterdir()}


def test_a_reader_requests_and_a_worker_processes(
    roles: Roles, reader: Settings, tmp_path: Path
) -> None:
    assert MATHS in [course.id for course in api.courses(reader)]
    assert api.batches(reader, MATHS)[1]
    second = api.submit(reader, MATHS, batches=["002"], user_id=CREATOR)
    assert api.cancel(reader, second.request_id).status == Status.CANCELLED
    (done,) = api.process(roles.of("exhaust_worker"))
    assert api.request(reader, done.request_id).status == Status.SUCCESS
    assert api.download(reader, done.request_id, user_id=CREATOR, output_dir=tmp_path)
    assert api.export(reader, [MATHS], user_id=CREATOR, output_dir=tmp_path / "at once").files


class TestWithoutOne:
    def test_load(self, roles: Roles) -> None:
        roles.run("revoke create on schema sunbird from exhaust_loader")
        with pytest.raises(PermissionDenied, match="permission denied for schema sunbird"):
            api.load(roles.of("exhaust_loader"), SAMPLE)

    def test_build_without_the_landing_schema(self, roles: Roles) -> None:
        api.load(roles.of("exhaust_loader"), SAMPLE)
        roles.run("revoke all on all tables in schema sunbird from exhaust_builder")
        with pytest.raises(DataError, match="Nothing is loaded"):
            build(roles.of("exhaust_builder"))

    def test_build_without_the_intermediate_schema(self, roles: Roles) -> None:
        api.load(roles.of("exhaust_loader"), SAMPLE)
        roles.run("revoke create on schema exhaust_intermediate from exhaust_builder")
        report = build(roles.of("exhaust_builder"), (), NO_MESSAGES)
        assert any(
            "permission denied for schema exhaust_inter" in one.message for one in report.failed
        )

    @pytest.mark.parametrize(
        ("lost", "use"),
        [
            ("usage on schema exhaust", lambda reader: api.courses(reader)),
            ("usage on schema exhaust", lambda reader: api.export(reader, [MATHS])),
            ("usage on schema exhaust_requests", lambda reader: api.requests(reader)),
            ("select on exhaust_requests.job_request", lambda reader: api.requests(reader)),
            (
                "execute on function exhaust_requests.submit_request",
                lambda reader: api.submit(reader, MATHS, batches=["002"], user_id=CREATOR),
            ),
            (
                "execute on function exhaust_requests.cancel_request",
                lambda reader: api.cancel(reader, api.requests(reader)[0].request_id),
            ),
            (
                "execute on function exhaust_requests.finish_batch",
                lambda reader: api.export(reader, [MATHS], batches=["002"], user_id=CREATOR),
            ),
        ],
    )
    def test_a_reader(
        self, roles: Roles, reader: Settings, lost: str, use: Callable[[Settings], object]
    ) -> None:
        roles.run(f"revoke {lost} from exhaust_reader")
        with pytest.raises(PermissionDenied, match="permission denied for") as raised:
            use(reader)
        assert "docs/access.md" in str(raised.value.hint)

    @pytest.mark.parametrize("lost", ["insert", "update"])
    def test_a_worker(self, roles: Roles, reader: Settings, lost: str) -> None:
        roles.run(
            f"revoke {lost} on exhaust_requests.worker from exhaust_worker", "exhaust_builder"
        )
        with pytest.raises(PermissionDenied, match="permission denied for table worker"):
            list(api.process(roles.of("exhaust_worker")))

    def test_the_first_command_for_requests(self, roles: Roles) -> None:
        roles.run("revoke create on schema exhaust_requests from exhaust_builder")
        with pytest.raises(PermissionDenied, match="permission denied for schema"):
            Ledger.open(roles.of("exhaust_builder").profile)
