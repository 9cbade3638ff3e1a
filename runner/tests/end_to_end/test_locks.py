"""Loads, builds and exports that wait for a lock of another session of PostgreSQL."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import monotonic

import psycopg
import pytest
from handmade_marts import create_marts
from load_support import land
from postgres_roles import new_role
from support import PROJECT, RecordingConsole, load_extract, wait_until

from exhaust import api
from exhaust.errors import Busy
from exhaust.pipeline import dbt_locks
from exhaust.pipeline.build import build
from exhaust.project.settings import Settings
from exhaust.warehouse import connect, postgres, postgres_locks

SAMPLE = PROJECT / "seeds"
WAIT = timedelta(milliseconds=500)


@pytest.fixture
def impatient(settings_postgres: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The project on a new database; it waits half a second, and says so at once."""
    monkeypatch.setattr(postgres, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(dbt_locks, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(dbt_locks, "TOLD_AFTER", timedelta(0))
    profile = replace(settings_postgres.profile, lock_timeout=WAIT)
    return replace(settings_postgres, profile=profile)


@contextmanager
def reader(settings: Settings, table: str, mode: str = "access share") -> Iterator[int]:
    """Opens a transaction that holds a lock, and forgets it; yields the number of the session."""
    options = settings.profile.options
    with psycopg.connect(
        host=options["host"],
        user=options["user"],
        dbname=options["dbname"],
        application_name="notebook",
    ) as connection:
        connection.execute(f"lock table {table} in {mode} mode")
        yield connection.info.backend_pid


def check_told(
    raised: pytest.ExceptionInfo[Busy], console: RecordingConsole, pid: int, table: str
) -> None:
    holder = (
        rf"process {pid} \(user postgres, application notebook\), in a transaction since "
        rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC; it is idle in transaction, after: "
        rf"lock table {table} in [a-z ]+ mode"
    )
    (said,) = [message for message in console.messages if message.startswith("Waiting for a lock")]
    assert re.fullmatch(rf"Waiting for a lock in \S+, held by {holder} \.\.\.", said)
    assert raised.value.exit_code == 6
    assert re.fullmatch(
        rf"A lock in \S+ is held by {holder}, and still was after 0\.5 seconds\.",
        raised.value.message,
    )
    assert f"select pg_terminate_backend({pid})" in (raised.value.hint or "")


def test_a_build_says_who_holds_a_lock_and_ends(impatient: Settings) -> None:
    load_extract(impatient, SAMPLE)
    patient = replace(impatient, profile=replace(impatient.profile, lock_timeout=timedelta(1)))
    assert not build(patient).failed
    console = RecordingConsole()
    table = "exhaust.course_progress"
    with (
        reader(impatient, table) as pid,
        pytest.raises(Busy) as raised,
    ):
        build(impatient, ["--select", "+course_progress"], console)
    check_told(raised, console, pid, table)


def test_a_load_says_who_holds_a_lock_and_ends(impatient: Settings, tmp_path: Path) -> None:
    (tmp_path / "user.csv").write_text("userid\n1\n")
    with connect(impatient.profile, writing=True) as warehouse:
        land(warehouse, impatient, tmp_path)
    console = RecordingConsole()
    with (
        reader(impatient, 'sunbird."user"') as pid,
        connect(impatient.profile, writing=True, console=console) as warehouse,
        pytest.raises(Busy) as raised,
    ):
        land(warehouse, impatient, tmp_path)
    check_told(raised, console, pid, 'sunbird."user"')


def test_an_export_says_who_holds_a_lock_and_ends(impatient: Settings, tmp_path: Path) -> None:
    with connect(impatient.profile, writing=True) as warehouse:
        create_marts(warehouse, impatient)
    console = RecordingConsole()
    table = "exhaust.courses"
    with (
        reader(impatient, table, "access exclusive") as pid,
        pytest.raises(Busy) as raised,
    ):
        api.export(impatient, all_courses=True, output_dir=tmp_path, console=console)
    check_told(raised, console, pid, table)


def test_who_waits_behind_another_is_told_of_the_one_who_holds_up_both(impatient: Settings) -> None:
    patient = replace(impatient.profile, lock_timeout=timedelta(minutes=1))
    with connect(patient, writing=True) as warehouse:
        warehouse.execute("create table public.held as select 1 as a")

    def wait_for_the_reader() -> None:
        with connect(patient, writing=True) as second:
            second.execute("lock table public.held in access exclusive mode")

    thread = threading.Thread(target=wait_for_the_reader)
    with connect(impatient.profile, writing=True) as third:
        with reader(impatient, "public.held") as pid:
            thread.start()
            wait_until(lambda: third.query("select 1 from pg_locks where not granted") != [])
            with pytest.raises(Busy, match=f"is held by process {pid} "):
                third.execute("lock table public.held in access share mode")
        thread.join()


def test_without_the_right_to_see_it_only_the_session_is_named(impatient: Settings) -> None:
    with connect(impatient.profile, writing=True) as warehouse:
        warehouse.execute("create table public.held as select 1 as a")
    with (
        new_role(impatient, "grant select on public.held to {role}") as other,
        reader(impatient, "public.held", "access exclusive") as pid,
        connect(other.profile, writing=False) as warehouse,
        pytest.raises(Busy) as raised,
    ):
        warehouse.query("select * from public.held")
    assert (
        f"is held by process {pid} (user postgres, application notebook), and still was"
        in raised.value.message
    )


def test_a_statement_does_not_wait_for_who_looks_after_it(
    impatient: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a pooler, the look may wait for the session that the statement has."""
    look = "select pg_sleep(20) from pg_stat_activity where {waiting} limit 1"
    monkeypatch.setattr(postgres_locks, "HOLDER", look)
    until_looked_at = (
        "do $$ begin while not exists (select from pg_stat_activity where wait_event = 'PgSleep') "
        "loop perform pg_stat_clear_snapshot(); end loop; end $$"
    )
    started = monotonic()
    with connect(impatient.profile, writing=True) as warehouse:
        warehouse.execute(until_looked_at)
    assert monotonic() - started < 15
