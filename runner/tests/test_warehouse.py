import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from support import NO_MESSAGES, ManualClock, RecordingConsole

from exhaust.errors import Busy, DataError, NoConnection, PermissionDenied
from exhaust.project.profile import Profile
from exhaust.project.settings import Settings
from exhaust.warehouse import Warehouse, connect

NASTY = {
    "a,b": b'"a,b"',
    'say "hi"': b'"say ""hi"""',
    "two\nlines": b'"two\nlines"',
    "a\rreturn": b'"a\rreturn"',
    "# hash": b"# hash",
    "it's": b"it's",
    " blanks ": b" blanks ",
    "\ttab": b"\ttab",
    "NULL": b"NULL",
    "a;b|c": b"a;b|c",
    "\\": b"\\",
    "\\.": b"\\.",
    'a\\"b': b'"a\\""b"',
    "=1+1": b"=1+1",
    "हिन्दी": "हिन्दी".encode(),
}
"""Values, and how the report writes them."""


class Interrupted(Exception):
    pass


def numbers(warehouse: Warehouse, most: int) -> str:
    """A table of the numbers from 1."""
    return f"range(1, {most + 1})" if warehouse.engine == "spark" else f"generate_series(1, {most})"


def written(warehouse: Warehouse, select: str) -> bytes:
    chunks: list[bytes] = []
    warehouse.copy_out(select, chunks.append)
    return b"".join(chunks)


@pytest.mark.parametrize(("value", "expected"), NASTY.items())
def test_a_field_is_quoted_only_if_it_must_be(
    warehouse: Warehouse, value: str, expected: bytes
) -> None:
    assert written(warehouse, f"select {warehouse.literal(value)}, null, 1") == expected + b",,1\n"


def test_copy_out_counts_its_rows(warehouse: Warehouse) -> None:
    rows = warehouse.copy_out(f"select * from {numbers(warehouse, 70_000)}", lambda chunk: None)

    assert rows == 70000


def test_an_error_of_the_receiver_stops_the_copy(warehouse: Warehouse) -> None:
    def refuse(chunk: bytes) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        warehouse.copy_out(f"select * from {numbers(warehouse, 1_000_000)}", refuse)

    assert warehouse.query("select 1") == [(1,)]


def test_a_failed_transaction_leaves_nothing(warehouse: Warehouse, settings: Settings) -> None:
    schema = settings.landing_schema
    warehouse.execute(f"create schema {warehouse.identifier(schema)}")

    def create_and_fail() -> None:
        with warehouse.transaction():
            warehouse.new_texts(schema, "landed", ["a"])
            raise Interrupted

    with pytest.raises(Interrupted):
        create_and_fail()

    assert warehouse.tables(schema) == set()


def test_tables_names_those_of_the_schema(warehouse: Warehouse, settings: Settings) -> None:
    # Spark's schemas are folders, and have names of letters.
    schema = settings.landing_schema + ("" if warehouse.engine == "spark" else "'s")
    warehouse.execute(f"create schema {warehouse.identifier(schema)}")
    warehouse.execute(f"create table {warehouse.relation(schema, 'landed')} (a int)")

    assert warehouse.tables(schema) == {"landed"}
    assert warehouse.tables("another") == set()


def profile_of(engine: str, **options: object) -> Profile:
    return Profile("target", engine, "main", options)


@contextmanager
def held_by_another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    program = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout
    holder.stdout.readline()
    try:
        yield holder
    finally:
        holder.kill()
        holder.wait()


class TestDuckDB:
    def test_a_file_held_by_another_process_is_waited_for(self, tmp_path: Path) -> None:
        path = tmp_path / "exhaust.duckdb"
        profile = profile_of("duckdb", path=path)
        clock, console = ManualClock(), RecordingConsole()
        with held_by_another_process(path), pytest.raises(Busy, match="after 10 seconds"):
            connect(profile, writing=False, console=console, clock=clock)

        assert clock.slept == pytest.approx(10, abs=0.2)
        assert console.said == [f"{path} is held by another process: waiting for it to end ..."]

    def test_it_goes_on_when_the_file_is_free(self, tmp_path: Path) -> None:
        path = tmp_path / "exhaust.duckdb"
        with held_by_another_process(path) as holder:

            def free() -> None:
                holder.kill()
                holder.wait()

            profile = profile_of("duckdb", path=path)
            with connect(profile, writing=False, clock=ManualClock(on_sleep=free)) as warehouse:
                assert warehouse.query("select 1") == [(1,)]

    def test_many_may_read(self, settings_duckdb: Settings) -> None:
        with connect(settings_duckdb.profile, writing=True, console=NO_MESSAGES) as writer:
            writer.execute("create table t (x int)")
        program = (
            "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True);"
            "print(1, flush=True); input()"
        )
        path = str(settings_duckdb.profile.options["path"])
        reader = subprocess.Popen(
            [sys.executable, "-c", program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert reader.stdout
        reader.stdout.readline()
        try:
            with connect(settings_duckdb.profile, writing=False, console=NO_MESSAGES) as warehouse:
                assert warehouse.query("select 1") == [(1,)]
        finally:
            reader.kill()
            reader.wait()

    def test_a_missing_file_means_nothing_is_loaded(self, settings_duckdb: Settings) -> None:
        with pytest.raises(DataError, match="Nothing is loaded") as raised:
            connect(settings_duckdb.profile, writing=False, console=NO_MESSAGES)

        assert raised.value.hint
        assert "exhaust load" in raised.value.hint

    def test_another_kind_of_file_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "exhaust.duckdb"
        path.write_text("userid,rootorgid\n" * 1000)

        with pytest.raises(DataError, match="cannot be opened as a DuckDB file"):
            connect(profile_of("duckdb", path=path), writing=True)

    def test_a_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="is a folder"):
            connect(profile_of("duckdb", path=tmp_path), writing=True)

    def test_a_file_in_a_missing_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="There is no folder"):
            connect(profile_of("duckdb", path=tmp_path / "no" / "exhaust.duckdb"), writing=True)


class TestPostgres:
    def test_no_server_is_no_connection(self, tmp_path: Path) -> None:
        options = {"host": str(tmp_path), "port": 1, "user": "me", "password": "s3cret"}

        with pytest.raises(NoConnection) as raised:
            connect_to(options | {"dbname": "exhaust"})

        assert "s3cret" not in raised.value.message
        assert f"{tmp_path}:1/exhaust as me" in raised.value.message

    def test_no_such_database_is_no_connection(self, settings_postgres: Settings) -> None:
        with pytest.raises(NoConnection, match='"nowhere" does not exist'):
            connect_to({**settings_postgres.profile.options, "dbname": "nowhere"})

    def test_a_database_that_is_not_utf8_is_refused(self, settings_postgres: Settings) -> None:
        options = settings_postgres.profile.options
        with psycopg.connect(
            host=options["host"], user="postgres", dbname="postgres", autocommit=True
        ) as administrator:
            administrator.execute("drop database if exists latin")
            administrator.execute(
                "create database latin encoding latin1 locale 'C' template template0"
            )

        with pytest.raises(DataError, match="has the encoding LATIN1"):
            connect_to({**options, "dbname": "latin"})

    def test_a_refused_right_is_not_allowed(self, settings_postgres: Settings) -> None:
        with connect(settings_postgres.profile, writing=True, console=NO_MESSAGES) as warehouse:
            warehouse.execute("create table landed (a text)")
            warehouse.execute("drop role if exists nobody; create role nobody; set role nobody")

            with pytest.raises(PermissionDenied, match="permission denied"):
                warehouse.query("select * from landed")

    def test_what_is_read_cannot_be_replaced_meanwhile(self, settings_postgres: Settings) -> None:
        profile = settings_postgres.profile
        with (
            connect(profile, writing=False, console=NO_MESSAGES) as reader,
            connect(profile, writing=True, console=NO_MESSAGES) as builder,
        ):
            builder.execute("create table mart as select 1 as a; set lock_timeout = '10ms'")
            with reader.snapshot(["mart"]):
                assert reader.query("select * from mart") == [(1,)]
                with pytest.raises(Busy, match="held by another process"):
                    builder.execute("alter table mart rename to mart__dbt_backup")
                builder.execute("insert into mart values (2)")

                assert reader.query("select * from mart") == [(1,)]

    def test_a_closed_connection_is_no_connection(self, settings_postgres: Settings) -> None:
        with (
            connect(settings_postgres.profile, writing=False, console=NO_MESSAGES) as warehouse,
            pytest.raises(NoConnection, match="was lost"),
        ):
            warehouse.query("select pg_terminate_backend(pg_backend_pid())")


def connect_to(options: dict[str, object]) -> None:
    connect(profile_of("postgres", **options), writing=False).close()
