"""The SQLite ledger: of a folder that the user cannot write to, and held by another process."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ledger_support import new_request
from processes_support import exhaust
from support import ManualClock, RecordingConsole, SilentConsole

from exhaust.errors import Busy, DiskFull, PermissionDenied
from exhaust.project.settings import Settings
from exhaust.requests import database
from exhaust.requests.ledger import Ledger

WITHOUT_ROOTS_RIGHTS = ["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(0o755)


@pytest.fixture
def file(settings_duckdb: Settings) -> Path:
    """The ledger's file, with one request."""
    with Ledger.open(settings_duckdb.profile) as ledger:
        ledger.submit(new_request())
    path = Path(settings_duckdb.profile.options["path"])
    return path.with_name(f"{path.name}.requests")


def as_a_reader(settings: Settings, *command: str) -> subprocess.CompletedProcess[str]:
    """Runs a command as a user who may not write where the permissions forbid it."""
    prefix = ["setpriv", *WITHOUT_ROOTS_RIGHTS] if os.geteuid() == 0 else []
    return subprocess.run(
        [*prefix, *exhaust(*command, "--target", "duckdb")],
        env={**settings.environment, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def held(file: Path) -> Iterator[None]:
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("begin immediate")
        yield
        other.execute("rollback")
    other.close()


@pytest.fixture(autouse=True)
def sqlite_does_not_wait_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "SQLITE_TIMEOUT_SECONDS", 0.0)


class TestAFolderThatCannotBeWrittenTo:
    def test_status_works(self, settings_duckdb: Settings, file: Path) -> None:
        with read_only(file.parent):
            done = as_a_reader(settings_duckdb, "status")
            assert list(file.parent.iterdir()) == [file]
        assert done.returncode == 0, done.stderr
        assert "SUBMITTED, 1st in the queue" in done.stdout

    def test_status_sees_what_a_writer_has_not_moved_into_the_file_yet(
        self, settings_duckdb: Settings, file: Path
    ) -> None:
        with Ledger.open(settings_duckdb.profile) as writer:
            writer.submit(new_request(course_id="do_2"))
            assert file.with_name(f"{file.name}-wal").stat().st_size
            with read_only(file.parent):
                done = as_a_reader(settings_duckdb, "status")
        assert done.returncode == 0, done.stderr
        assert "SUBMITTED, 2nd in the queue" in done.stdout

    def test_cancelling_is_refused(self, settings_duckdb: Settings, file: Path) -> None:
        with Ledger.open(settings_duckdb.profile) as ledger:
            (request,) = ledger.requests()
        with read_only(file.parent):
            done = as_a_reader(settings_duckdb, "cancel", request.request_id)
        assert done.returncode == PermissionDenied.exit_code, done.stderr
        assert f"The ledger {file} is read-only" in done.stderr
        assert "hint: Ask the owner of the warehouse" in done.stderr

    def test_a_missing_ledger_is_permission_denied(self, settings_duckdb: Settings) -> None:
        folder = Path(settings_duckdb.profile.options["path"]).parent
        with read_only(folder):
            done = as_a_reader(settings_duckdb, "status")
        assert done.returncode == PermissionDenied.exit_code, done.stderr
        assert "There is no ledger of requests" in done.stderr


class TestALedgerThatIsHeld:
    def test_a_writer_says_so_and_gives_up_after_ten_seconds(
        self, settings_duckdb: Settings, file: Path
    ) -> None:
        clock, console = ManualClock(), RecordingConsole()
        with (
            Ledger.open(settings_duckdb.profile, clock, console=console) as ledger,
            held(file),
            pytest.raises(Busy, match="held by another process, and still was after 10 seconds"),
        ):
            ledger.submit(new_request(course_id="do_2"))
        assert clock.slept == pytest.approx(10, abs=0.5)
        assert console.messages == [
            f"The ledger {file} is held by another process: waiting for it to end ..."
        ]

    def test_a_writer_goes_on_when_it_is_free(self, settings_duckdb: Settings, file: Path) -> None:
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("begin immediate")
        clock = ManualClock(on_sleep=other.close)
        with Ledger.open(settings_duckdb.profile, clock) as ledger:
            assert ledger.submit(new_request(course_id="do_2"))

    def test_a_reader_does_not_wait(self, settings_duckdb: Settings, file: Path) -> None:
        profile = settings_duckdb.profile
        with held(file), Ledger.open(profile, writing=False, console=SilentConsole()) as ledger:
            assert len(ledger.requests()) == 1


def test_a_file_may_have_any_name(settings_duckdb: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a?mode=memory#b%20 ச.duckdb"
    settings_duckdb.profile.options["path"] = str(path)  # type: ignore[index]
    with Ledger.open(settings_duckdb.profile) as ledger:
        ledger.submit(new_request())
    with Ledger.open(settings_duckdb.profile, writing=False) as ledger:
        assert len(ledger.requests()) == 1
    assert path.with_name(f"{path.name}.requests").is_file()


def test_a_full_disk_loses_nothing(
    file: Path, settings_duckdb: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite reports the same when its file may not grow."""
    connect = database.SQLite._connect

    def connect_to_a_full_disk(self: database.SQLite) -> sqlite3.Connection:
        connection = connect(self)
        connection.execute("pragma max_page_count = 1")
        return connection

    monkeypatch.setattr(database.SQLite, "_connect", connect_to_a_full_disk)
    with Ledger.open(settings_duckdb.profile) as ledger:
        with pytest.raises(DiskFull, match=f"The ledger {file} cannot be written: .*disk is full"):
            ledger.submit(new_request(course_id="do_2", course_name="x" * 100_000))
        assert [request.course_id for request in ledger.requests()] == ["do_1"]


def test_what_a_server_writes_is_seen_by_workers_that_come_and_go(
    settings_duckdb: Settings,
) -> None:
    """POSIX drops the locks that a process has on a file when it closes any descriptor of it. Then
    the next process that leaves removes the log of SQLite, in which the server goes on writing."""
    profile = settings_duckdb.profile
    with Ledger.open(profile) as server:
        server.requests()
        with Ledger.open(profile) as of_another_thread:
            of_another_thread.requests()
        status = exhaust("status", "--json", "--target", "duckdb")
        environment = {**settings_duckdb.environment, "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run(status, env=environment, capture_output=True, check=True)
        new = server.submit(new_request())
        seen = subprocess.run(status, env=environment, capture_output=True, text=True, check=True)
    assert new.request_id in seen.stdout
