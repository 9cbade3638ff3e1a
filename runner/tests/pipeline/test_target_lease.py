"""One load or build at a time for each target; end_to_end/test_leases.py has those of dbt."""

import fcntl
import re
import signal
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support import (
    NO_MESSAGES,
    PROJECT,
    CallingConsole,
    ManualClock,
    RecordingConsole,
    new_processes,
    relation,
    wait_until,
)

from exhaust import api
from exhaust.errors import Busy
from exhaust.extract.folder import read_extract
from exhaust.pipeline.lease import TABLE, Lease, LeaseConsole, holding_target
from exhaust.pipeline.load import WATCHER, load
from exhaust.project.settings import Settings
from exhaust.project.sources import read_sources
from exhaust.warehouse import LOCK_TIMEOUT_SECONDS, class_of, connect

pytestmark = pytest.mark.not_on_spark

SHORT = timedelta(milliseconds=400)


def hold_until_killed(settings: Settings, lease: timedelta, held: Any) -> None:
    with holding_target(settings, "build", lease=lease):
        held.set()
        signal.pause()


def is_free(settings: Settings) -> bool:
    """Returns whether the target can be held at once."""
    try:
        with holding_target(settings, "load", clock=ManualClock(on_sleep=_fail)):
            return True
    except BlockingIOError:
        return False


def _fail() -> None:
    raise BlockingIOError("would wait")


def query(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    """Runs a query on the table of the lease, which is `{lease}` in it."""
    with connect(settings.profile, writing=True, console=NO_MESSAGES) as warehouse:
        return warehouse.query(sql.format(lease=relation(settings.profile.schema, TABLE)))


def take_over(settings: Settings) -> None:
    query(settings, "update {lease} set token = 'another' returning 1")


def lock_file(settings: Settings) -> Path:
    file = class_of(settings.profile).lock_file(settings.profile)
    assert file
    return file


def test_the_second_waits_and_says_for_whom(settings: Settings) -> None:
    console = RecordingConsole()
    with holding_target(settings, "build"):
        clock = ManualClock()
        with pytest.raises(Busy) as raised, holding_target(settings, "load", console, clock):
            pass
    assert clock.slept >= LOCK_TIMEOUT_SECONDS
    (message,) = console.messages
    holder = r"`exhaust build` of \S+@\S+, process \d+"
    target = settings.profile.target
    assert re.fullmatch(rf"The target {target} is held by {holder}: waiting .*", message)
    since = r"since \d{4}-\d\d-\d\d \d\d:\d\d UTC\."
    assert re.fullmatch(rf"The target {target} is held by {holder}, {since}", raised.value.message)
    assert raised.value.exit_code == 6


def test_the_second_goes_on_when_the_first_has_ended(settings: Settings) -> None:
    first = holding_target(settings, "build")
    first.__enter__()
    clock = ManualClock(on_sleep=lambda: first.__exit__(None, None, None))
    with holding_target(settings, "load", RecordingConsole(), clock):
        assert 0 < clock.slept < LOCK_TIMEOUT_SECONDS


def test_the_target_is_free_after_the_block(settings: Settings) -> None:
    with holding_target(settings, "build"):
        assert not is_free(settings)
    assert is_free(settings)
    with pytest.raises(ZeroDivisionError), holding_target(settings, "build"):
        raise ZeroDivisionError
    assert is_free(settings)


class TestFile:
    def test_it_is_removed_even_if_the_block_raises(self, settings_duckdb: Settings) -> None:
        with pytest.raises(ZeroDivisionError), holding_target(settings_duckdb, "build"):
            raise ZeroDivisionError
        assert list(lock_file(settings_duckdb).parent.iterdir()) == []

    @pytest.mark.parametrize("content", ["", "{", '{"holder": "a build of yesterday"}'])
    def test_one_that_was_left_behind_does_no_harm(
        self, settings_duckdb: Settings, content: str
    ) -> None:
        lock_file(settings_duckdb).write_text(content)
        assert is_free(settings_duckdb)
        assert not lock_file(settings_duckdb).exists()

    def test_a_holder_that_is_not_known_is_busy_too(self, settings_duckdb: Settings) -> None:
        with holding_target(settings_duckdb, "build"):
            lock_file(settings_duckdb).write_text("{")
            with pytest.raises(Busy, match=r"is held by another process\."):
                holding_target(settings_duckdb, "load", clock=ManualClock()).__enter__()

    def test_a_killed_holder_gives_it_up_at_once(self, settings_duckdb: Settings) -> None:
        kill_holder(settings_duckdb, timedelta(hours=1))
        assert lock_file(settings_duckdb).exists()
        wait_until(lambda: is_free(settings_duckdb))

    def test_a_file_that_its_holder_removes_meanwhile_is_not_locked(
        self, settings_duckdb: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between opening and locking it: nobody else would see that lock."""
        flock = fcntl.flock
        removals = iter([lock_file(settings_duckdb).unlink])

        def remove_first(descriptor: int, operation: int) -> None:
            for remove in removals:
                remove()
            flock(descriptor, operation)

        monkeypatch.setattr(fcntl, "flock", remove_first)
        with holding_target(settings_duckdb, "build"):
            assert lock_file(settings_duckdb).exists()
            assert not is_free(settings_duckdb)


class TestRow:
    def test_a_killed_holder_keeps_it_until_its_time_has_passed(
        self, settings_postgres: Settings
    ) -> None:
        kill_holder(settings_postgres, timedelta(hours=1))
        with pytest.raises(Busy) as raised:
            holding_target(settings_postgres, "load", clock=ManualClock()).__enter__()
        assert re.search(r"its lease ends at \d\d:\d\d:\d\d UTC\.", str(raised.value.hint))

        query(
            settings_postgres,
            "update {lease} set lease_until = lease_until - interval '1 hour' returning 1",
        )
        assert is_free(settings_postgres)

    def test_heartbeats_keep_it(self, settings_postgres: Settings) -> None:
        with holding_target(settings_postgres, "build", lease=SHORT):
            wait_until(lambda: is_older_than(settings_postgres, 3 * SHORT))
            assert not is_free(settings_postgres)

    def test_it_outlasts_its_connections(self, settings_postgres: Settings) -> None:
        """Poolers and servers end connections that a long build has left idle."""
        with holding_target(settings_postgres, "build", lease=SHORT) as lease:
            query(
                settings_postgres,
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()",
            )
            wait_until(lambda: is_older_than(settings_postgres, 3 * SHORT))
            assert not is_free(settings_postgres)
            lease.check()
        assert is_free(settings_postgres)

    def test_one_that_another_took_over_stops_the_work(self, settings_postgres: Settings) -> None:
        with holding_target(settings_postgres, "build", lease=SHORT) as lease:
            console = LeaseConsole(CallingConsole(nothing), lease)
            console.progress("courses", 0.5)
            take_over(settings_postgres)
            wait_until(lease.lost.is_set)
            with pytest.raises(Busy, match="took over"):
                console.progress("courses", 0.6)
        # It is the other's: not given up.
        assert query(settings_postgres, "select token from {lease}") == [("another",)]

    def test_a_schema_that_appears_meanwhile_does_no_harm(
        self, settings_postgres: Settings
    ) -> None:
        """Several first loads of an empty database create the same schema at once."""
        profile = settings_postgres.profile
        with connect(profile, writing=True) as other, other.transaction():
            other.create_schema(profile.schema)
            held = new_processes().Event()
            holder = start_holder(settings_postgres, timedelta(hours=1), held)
            wait_until(lambda: waits_for_a_lock(settings_postgres))
        assert held.wait(60)
        holder.kill()
        holder.join()


def is_older_than(settings: Settings, age: timedelta) -> bool:
    """Returns whether the lease was claimed that long ago, by the database's clock."""
    ((is_older,),) = query(
        settings,
        "select clock_timestamp() at time zone 'UTC' - started_at > interval "
        f"'{age.total_seconds()} seconds' from {{lease}}",
    )
    return bool(is_older)


def waits_for_a_lock(settings: Settings) -> bool:
    return bool(query(settings, "select 1 from pg_locks where not granted"))


def start_holder(settings: Settings, lease: timedelta, held: Any) -> Any:
    holder = new_processes().Process(target=hold_until_killed, args=(settings, lease, held))
    holder.start()
    return holder


def kill_holder(settings: Settings, lease: timedelta) -> None:
    """Lets another process hold the target and kills it."""
    held = new_processes().Event()
    holder = start_holder(settings, lease, held)
    assert held.wait(60)
    assert not is_free(settings)
    holder.kill()
    holder.join()


def load_sample(settings: Settings, start: Any, codes: Any) -> None:
    start.wait()
    try:
        api.load(settings, PROJECT / "seeds")
        codes.put(0)
    except Busy as error:
        codes.put(error.exit_code)
    except BaseException as error:
        codes.put(repr(error))
        raise


def test_first_loads_at_once_leave_all_tables(settings_postgres: Settings) -> None:
    processes = new_processes()
    start, codes = processes.Event(), processes.Queue()
    loads = [
        processes.Process(target=load_sample, args=(settings_postgres, start, codes))
        for _ in range(3)
    ]
    for process in loads:
        process.start()
    start.set()
    ended = [codes.get(timeout=120) for _ in loads]
    for process in loads:
        process.join()
    assert set(ended) <= {0, 6}
    assert 0 in ended
    ((rows,),) = query(settings_postgres, "select count(*) from sunbird.loads")
    assert rows == 10 * ended.count(0)


def test_a_load_whose_lease_is_lost_changes_nothing(settings: Settings) -> None:
    """Even if it is lost when all tables are read, just before they take their places."""
    api.load(settings, PROJECT / "seeds")
    lease = Lease()

    def lose(what: str, share: float) -> None:
        if share == 1:
            lease.lost.set()

    console = LeaseConsole(CallingConsole(lose), lease)
    extract = read_extract(PROJECT / "seeds", read_sources(settings.project_dir))
    with (
        connect(settings.profile, writing=True, console=NO_MESSAGES) as warehouse,
        pytest.raises(Busy, match="took over"),
    ):
        load(warehouse, settings, extract, console)

    with connect(settings.profile, writing=False) as warehouse:
        loads = relation(settings.landing_schema, "loads")
        assert warehouse.query(f"select count(*) from {loads}") == [(10,)]


def test_a_lost_lease_ends_the_progress_of_a_load_quietly(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes from a thread, whose error would be printed with a traceback."""
    lease = Lease()
    crashes: list[object] = []
    monkeypatch.setattr(threading, "excepthook", crashes.append)
    with connect(settings.profile, writing=True, console=NO_MESSAGES) as warehouse:

        def insert(*_: object) -> int:
            (watcher,) = [one for one in threading.enumerate() if one.name == WATCHER]
            lease.lost.set()
            wait_until(lambda: not watcher.is_alive())
            return 0

        monkeypatch.setattr(warehouse, "insert", insert)
        extract = read_extract(PROJECT / "seeds", read_sources(settings.project_dir))
        with pytest.raises(Busy):
            load(warehouse, settings, extract, LeaseConsole(CallingConsole(nothing), lease))
    assert crashes == []


def nothing(what: str, share: float) -> None:
    pass
