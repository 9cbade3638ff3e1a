"""A project that is kept open: many readers, and builds that get the warehouse all the same."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from handmade_marts import (
    CREATOR,
    EMPTY,
    MATHS,
    MATHS_2,
    MENTOR,
    add_build,
    create_marts,
    insert,
)
from support import NO_MESSAGES, ManualClock, wait_until

from exhaust import api
from exhaust.console import Console
from exhaust.errors import Busy, DataError, NotFound, PermissionDenied
from exhaust.marts.kept_open import KeptOpen
from exhaust.pipeline.lease import builder_of_file, holding_target
from exhaust.project.settings import Settings
from exhaust.warehouse import Warehouse, class_of, connect
from exhaust.warehouse.duckdb import file_of
from exhaust.warehouse.pool import IDLE_SECONDS, MAX_CONNECTIONS, Pool

pytestmark = pytest.mark.not_on_spark

NEW = "('do_5', 'Physics', 'Live', 't', 'State', 'c', 0, 0, 0)"


@pytest.fixture
def project(settings: Settings) -> Settings:
    return with_marts(settings)


@pytest.fixture
def duckdb_project(settings_duckdb: Settings) -> Settings:
    return with_marts(settings_duckdb)


def with_marts(settings: Settings) -> Settings:
    with connect(settings.profile, writing=True) as warehouse:
        create_marts(warehouse, settings)
    return settings


@contextmanager
def building(
    project: Settings, status: str = "success", console: Console = NO_MESSAGES
) -> Iterator[Warehouse]:
    """Is a build that adds a course."""
    with holding_target(project, "build", console):
        # DuckDB itself keeps this process from writing as long as it reads.
        wait_until(lambda: is_free(project))
        with connect(project.profile, writing=True, console=console) as warehouse:
            yield warehouse
            insert(warehouse, project, "courses", NEW)
            add_build(warehouse, project, status, "2026-11-02 12:00")


@contextmanager
def kept_with_a_copy(project: Settings) -> Iterator[KeptOpen]:
    with api.keep_open(project) as kept:
        wait_until(lambda: kept.copy.connect() is not None)
        yield kept


def ids(project: Settings, text: str = "", user_id: str | None = None) -> list[str]:
    return [course.id for course in api.courses(project, text, user_id=user_id)]


def test_readers_at_once_get_what_one_would(project: Settings) -> None:
    with api.keep_open(project) as kept, ThreadPoolExecutor(3 * MAX_CONNECTIONS) as threads:
        users = [None, CREATOR, MENTOR] * 30
        found = [*threads.map(lambda user: ids(kept, "", user), users)]
    assert found == [ids(project, "", user) for user in users]


def test_errors_are_those_of_a_project_that_is_not_kept_open(project: Settings) -> None:
    with api.keep_open(project) as kept:
        for opened in (project, kept):
            with pytest.raises(NotFound, match="No course matches `zzz`"):
                api.batches(opened, "zzz")
        assert ids(kept) == ids(project)


def test_what_somebody_may_not_have_is_not_found(project: Settings) -> None:
    with pytest.raises(PermissionDenied):
        api.batches(project, MATHS_2, user_id=MENTOR)
    with api.keep_open(project) as kept:
        messages = []
        for course in (MATHS_2, "do_8"):
            with pytest.raises(NotFound) as raised:
                api.batches(kept, course, user_id=MENTOR)
            messages.append(raised.value.message.replace(course, ""))
        with pytest.raises(NotFound):
            api.submit(kept, MATHS, batches=["002"], user_id=MENTOR)
    assert messages[0] == messages[1]


def test_a_build_changes_what_is_shown(project: Settings) -> None:
    with api.keep_open(project) as kept:
        assert "do_5" not in ids(kept)
        with building(project):
            pass
        assert "do_5" in ids(kept)
        assert kept.memory.size == 1


def test_an_open_file_says_once_what_its_marts_are(
    project: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = class_of(project.profile)
    query, asked = engine.query, list[str]()

    def recorded(self: Warehouse, sql: str) -> list[tuple[Any, ...]]:
        asked.append(sql)
        return query(self, sql)

    with api.keep_open(project) as kept:
        if not engine.can_change_while_open:
            wait_until(lambda: kept.copy.connect() is not None)
        api.courses(kept)
        monkeypatch.setattr(engine, "query", recorded)
        api.batches(kept, MATHS)
    assert asked
    assert any("built_marts" in sql for sql in asked) == engine.can_change_while_open


def test_a_mart_that_no_reader_needed_before_is_looked_for(project: Settings) -> None:
    with api.keep_open(project) as kept:
        api.courses(kept)
        for _ in range(2):
            with pytest.raises(DataError, match="lack location_summaries"):
                api.summary(kept, MATHS)


def test_a_build_that_did_not_end_well_is_not_shown(project: Settings) -> None:
    with api.keep_open(project) as kept:
        ids(kept)
        with building(project, "failed"):
            pass
        with pytest.raises(DataError, match="failed"):
            ids(kept)


BUILDER = """
import sys, time
from pathlib import Path
from exhaust.console import SYSTEM_CLOCK, Silence
from exhaust.pipeline.lease import holding_target
from exhaust.project.settings import read_settings
from exhaust.warehouse import Warehouse, class_of, connect

class Console(Silence):
    def say(self, message):
        print(message)

settings = read_settings(Path(sys.argv[1]), use_example=True)
began = time.monotonic()
with holding_target(settings, "build", Console()), connect(settings.profile, writing=True):
    print(time.monotonic() - began < 2)
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_a_build_gets_the_file_at_once_while_pages_read(duckdb_project: Settings) -> None:
    ended = threading.Event()

    def read(kept: KeptOpen) -> int:
        views = 0
        while not ended.is_set():
            assert MATHS in ids(kept)
            views += 1
        return views

    with kept_with_a_copy(duckdb_project) as kept, ThreadPoolExecutor(4) as threads:
        readers = [threads.submit(read, kept) for _ in range(4)]
        try:
            printed = run_builder(duckdb_project, lambda: ids(kept))
        finally:
            ended.set()
        # It may say once that it waits: what is being read is read to its end.
        assert printed[-2:] == ["True", "ready"]
        assert all(reader.result() for reader in readers)


def test_a_build_does_not_wait_for_a_page_that_was_read(duckdb_project: Settings) -> None:
    with kept_with_a_copy(duckdb_project) as kept:
        assert ids(kept)
        assert kept.pool.idle
        printed = run_builder(duckdb_project, lambda: ids(kept))
    assert printed[-2:] == ["True", "ready"]


def run_builder(project: Settings, meanwhile: Callable[[], object]) -> list[str]:
    """Runs a builder in another process; returns what it printed until it had the warehouse."""
    with subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(project.project_dir)],
        env={**project.environment, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout
        lines: list[str] = []
        while not lines or lines[-1] not in ("ready", ""):
            lines.append(child.stdout.readline().strip())
        assert meanwhile()
        child.communicate("")
    return lines


def test_courses_are_found_and_requested_during_a_build(duckdb_project: Settings) -> None:
    with kept_with_a_copy(duckdb_project) as kept:
        assert api.renewal(kept) is None
        with building(duckdb_project):
            assert "`exhaust build` of" in (api.renewal(kept) or "")
            assert ids(kept, "mathematics", MENTOR) == [MATHS]
            course, batches = api.batches(kept, MATHS, user_id=CREATOR)
            assert (course.id, [batch.id for batch in batches]) == (MATHS, ["001", "002"])
            with pytest.raises(NotFound):
                api.batches(kept, MATHS_2, user_id=MENTOR)
            request = api.submit(kept, MATHS, user_id=CREATOR, batches=["001"])
            assert api.requests(kept, user_id=CREATOR) == [request]
            assert "do_5" not in ids(kept)
        assert [one.status for one in api.process(duckdb_project)] == ["SUCCESS"]
        with holding_target(duckdb_project, "build"):
            assert api.deliver(kept, request.request_id, user_id=CREATOR).files


def test_a_right_that_a_build_took_is_noticed_when_the_report_is_made(
    duckdb_project: Settings,
) -> None:
    with kept_with_a_copy(duckdb_project) as kept:
        with building(duckdb_project) as warehouse:
            api.submit(kept, MATHS, user_id=MENTOR)
            rights = warehouse.relation(duckdb_project.profile.schema, "requester_batches")
            warehouse.execute(f"delete from {rights} where user_id = '{MENTOR}'")
        (processed,) = api.process(duckdb_project)
    assert (processed.status, processed.files) == ("FAILED", {})


def test_what_is_not_in_the_copy_waits_for_the_build(
    duckdb_project: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exhaust.warehouse.duckdb.MAX_COPIED_ROWS", 10)
    with kept_with_a_copy(duckdb_project) as kept, building(duckdb_project):
        assert MATHS in ids(kept)
        # Columns of the report: twelve rows.
        with pytest.raises(Busy, match="`exhaust build` of"):
            api.submit(kept, MATHS, user_id=CREATOR)


def test_without_a_copy_a_build_is_named_at_once(duckdb_project: Settings) -> None:
    with (
        holding_target(duckdb_project, "build"),
        api.keep_open(duckdb_project) as kept,
        pytest.raises(Busy, match="`exhaust build` of"),
    ):
        ids(kept)


def test_the_copy_follows_the_builds(duckdb_project: Settings) -> None:
    with kept_with_a_copy(duckdb_project) as kept:
        with building(duckdb_project):
            pass
        wait_until(lambda: kept.copy.number == 2)
        with holding_target(duckdb_project, "build"):
            assert "do_5" in ids(kept)


def test_a_lock_that_a_killed_builder_left_keeps_nobody_out(duckdb_project: Settings) -> None:
    lock = file_of(duckdb_project.profile).with_name("exhaust.duckdb.lock")
    lock.write_text('{"holder": "x", "since": "2026-11-01"}')
    assert builder_of_file(duckdb_project) is None
    assert not lock.exists()
    with holding_target(duckdb_project, "load"):
        assert builder_of_file(duckdb_project) is not None
        assert lock.exists()


def test_nobody_keeps_the_file_from_others_when_nobody_reads(duckdb_project: Settings) -> None:
    clock = ManualClock()
    with Pool(duckdb_project.profile, clock=clock) as pool:
        with pool.reading() as warehouse:
            assert warehouse.query("select 1") == [(1,)]
        clock.sleep(IDLE_SECONDS - 1)
        pool.look()
        assert not is_free(duckdb_project)
        clock.sleep(2)
        wait_until(lambda: is_free(duckdb_project))


def test_more_readers_than_connections_take_turns(project: Settings) -> None:
    with Pool(project.profile) as pool:
        started = threading.Barrier(MAX_CONNECTIONS)

        def read(_: int) -> int:
            with pool.reading() as warehouse:
                started.wait(30)
                ((one,),) = warehouse.query("select 1")
                return int(one)

        with ThreadPoolExecutor(2 * MAX_CONNECTIONS) as threads:
            assert sum(threads.map(read, range(2 * MAX_CONNECTIONS))) == 2 * MAX_CONNECTIONS
        assert 1 <= pool.idle <= MAX_CONNECTIONS


def test_a_connection_that_failed_is_not_used_again(project: Settings) -> None:
    with Pool(project.profile) as pool:
        with pytest.raises(NotFound, match="x"), pool.reading():
            raise NotFound("x")
        assert pool.idle == 1
        with pytest.raises(ValueError, match="x"), pool.reading():
            raise ValueError("x")
        assert pool.idle == 0
        with pool.reading() as warehouse:
            assert warehouse.query("select 1") == [(1,)]
        assert pool.idle == 1


def is_free(project: Settings) -> bool:
    """Returns whether this process could write to the warehouse."""
    try:
        connect(project.profile, writing=True, console=NO_MESSAGES).close()
    except DataError:
        return False
    return True


def test_empty_courses_are_remembered_too(project: Settings) -> None:
    with api.keep_open(project) as kept:
        for _ in range(2):
            assert api.batches(kept, EMPTY) == api.batches(project, EMPTY)
