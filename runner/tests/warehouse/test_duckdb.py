import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import NO_MESSAGES, ManualClock, RecordingConsole

from exhaust.errors import Busy, DataError
from exhaust.project.profile import Profile
from exhaust.project.settings import Settings
from exhaust.warehouse import connect


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


def profile_of(engine: str, **options: object) -> Profile:
    return Profile("target", engine, "main", options)


def test_a_file_held_by_another_process_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "exhaust.duckdb"
    profile = profile_of("duckdb", path=path)
    clock, console = ManualClock(), RecordingConsole()
    with held_by_another_process(path), pytest.raises(Busy, match="after 10 seconds"):
        connect(profile, writing=False, console=console, clock=clock)

    assert clock.slept == pytest.approx(10, abs=0.2)
    assert console.messages == [f"{path} is held by another process: waiting for it to end ..."]


def test_a_connection_opens_when_the_file_is_free(tmp_path: Path) -> None:
    path = tmp_path / "exhaust.duckdb"
    with held_by_another_process(path) as holder:

        def free() -> None:
            holder.kill()
            holder.wait()

        profile = profile_of("duckdb", path=path)
        with connect(profile, writing=False, clock=ManualClock(on_sleep=free)) as warehouse:
            assert warehouse.query("select 1") == [(1,)]


def test_several_processes_can_read(settings_duckdb: Settings) -> None:
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


def test_a_missing_file_means_nothing_is_loaded(settings_duckdb: Settings) -> None:
    with pytest.raises(DataError, match="Nothing is loaded") as raised:
        connect(settings_duckdb.profile, writing=False, console=NO_MESSAGES)

    assert raised.value.hint
    assert "exhaust load" in raised.value.hint


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "exhaust.duckdb"
    path.write_text("userid,rootorgid\n" * 1000)

    with pytest.raises(DataError, match="cannot be opened as a DuckDB file"):
        connect(profile_of("duckdb", path=path), writing=True)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder"):
        connect(profile_of("duckdb", path=tmp_path), writing=True)


def test_a_file_in_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no folder"):
        connect(profile_of("duckdb", path=tmp_path / "no" / "exhaust.duckdb"), writing=True)


def test_what_killed_processes_have_left_is_removed_but_not_what_is_in_use(tmp_path: Path) -> None:
    """A watcher removes it at once, unless it was killed too, or the machine stopped."""
    path = tmp_path / "x.duckdb"
    profile = profile_of("duckdb", path=path)
    dead = tmp_path / ".x.duckdb.00000000.part"
    for name in (dead, f"{dead}.wal", tmp_path / ".other.duckdb.00000000.part"):
        Path(name).touch()
    for name in (f"{dead}.tmp", f"{path}.tmp"):
        Path(name, "spilled").mkdir(parents=True)
    used = tmp_path / ".x.duckdb.11111111.part"
    with held_by_another_process(used), connect(profile, writing=True) as first:
        connect(profile, writing=True).close()
        first.execute("create table kept (a text)")
        kept = {file.name for file in tmp_path.iterdir() if not file.name.endswith(".wal")}
        assert used.exists()
        assert len(kept) == 3
    with connect(profile, writing=True) as warehouse:
        assert warehouse.query("select count(*) from kept") == [(0,)]
    assert {file.name for file in tmp_path.iterdir()} == {path.name, ".other.duckdb.00000000.part"}


def test_memory_is_released_and_the_limit_stays(settings_duckdb: Settings) -> None:
    with connect(settings_duckdb.profile, writing=True, console=NO_MESSAGES) as writer:
        writer.execute(
            "create table t as select range, md5(range::text) as m from range(4_000_000)"
        )
    used = "select sum(memory_usage_bytes) from duckdb_memory()"
    with connect(settings_duckdb.profile, writing=False, console=NO_MESSAGES) as warehouse:
        limit = warehouse.query("select current_setting('memory_limit')")
        warehouse.query("select max(m), max(range) from t")
        ((before,),) = warehouse.query(used)
        warehouse.release_memory()
        ((after,),) = warehouse.query(used)
        assert warehouse.query("select current_setting('memory_limit')") == limit
    assert after <= 64_000_000 < before
