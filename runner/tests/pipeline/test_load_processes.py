"""Loads in other processes: killed, interrupted, concurrent, or on a full disk."""

import hashlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from load_support import land, rows
from support import wait_until

from exhaust.errors import Busy
from exhaust.project.settings import Settings
from exhaust.warehouse import connect

PROGRAM = """
import sys
from pathlib import Path
from exhaust.extract.folder import read_extract
from exhaust.pipeline.load import load
from exhaust.project.settings import read_settings
from exhaust.project.sources import SourceTable
from exhaust.warehouse import connect
settings = read_settings(Path(sys.argv[1]), use_example=True)
table = SourceTable("user", ("userid",), ("userid",), ("userid",))
extract = read_extract(Path(sys.argv[2]), [table])
if len(sys.argv) > 3:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
class Console:
    def progress(self, what, share):
        print("loading", flush=True)
        if len(sys.argv) == 3:
            sys.stdin.readline()
try:
    with connect(settings.profile, writing=True) as warehouse:
        load(warehouse, settings, extract, Console())
except BaseException as error:
    print(type(error).__name__, getattr(error, "message", ""), flush=True)
"""


def start_load(
    settings: Settings, extract: Path, *limit: str, new_session: bool = False
) -> subprocess.Popen[str]:
    """Starts a process that loads, and that waits for a line of input once it has begun."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(settings.project_dir), str(extract), *limit],
        env=dict(settings.environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=new_session,
    )


def write_large_file(file: Path) -> None:
    """Writes rows that take DuckDB more than 3 MB."""
    hashes = (hashlib.sha256(str(number).encode()).hexdigest() for number in range(200_000))
    file.write_text("userid\n" + "\n".join(hashes))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_first_load_leaves_no_file(
    settings_duckdb: Settings, tmp_path: Path, how: signal.Signals
) -> None:
    (tmp_path / "user.csv").write_text("userid\n" + "1\n" * 1_000)
    folder = Path(settings_duckdb.profile.options["path"]).parent
    process = start_load(settings_duckdb, tmp_path)
    assert process.stdout
    assert process.stdout.readline() == "loading\n"
    assert [path.suffix for path in folder.iterdir()] != []

    process.send_signal(how)
    process.communicate()

    wait_until(lambda: list(folder.iterdir()) == [])


def test_a_first_load_that_fills_the_disk_leaves_no_file(
    settings_duckdb: Settings, tmp_path: Path
) -> None:
    write_large_file(tmp_path / "user.csv")
    folder = Path(settings_duckdb.profile.options["path"]).parent

    output, _ = start_load(settings_duckdb, tmp_path, "3000000").communicate()

    assert output.splitlines()[-1].startswith("DiskFull A disk is full: ")
    assert list(folder.iterdir()) == []


def test_a_load_that_fills_the_disk_changes_nothing(
    settings_duckdb: Settings, tmp_path: Path
) -> None:
    (tmp_path / "user.csv").write_text("userid\nold\n")
    with connect(settings_duckdb.profile, writing=True) as warehouse:
        land(warehouse, settings_duckdb, tmp_path)
    write_large_file(tmp_path / "user.csv")

    output, _ = start_load(settings_duckdb, tmp_path, "3000000").communicate()

    assert output.splitlines()[-1].startswith("DiskFull A disk is full: ")
    with connect(settings_duckdb.profile, writing=True) as warehouse:
        assert rows(warehouse, settings_duckdb, "user", "userid") == [("old",)]


def test_only_one_of_two_concurrent_first_loads_succeeds(
    settings_duckdb: Settings, tmp_path: Path
) -> None:
    (tmp_path / "user.csv").write_text("userid\n1\n")
    profile = settings_duckdb.profile
    first = connect(profile, writing=True)
    second = connect(profile, writing=True)
    land(first, settings_duckdb, tmp_path)
    (tmp_path / "user.csv").write_text("userid\n2\n")
    land(second, settings_duckdb, tmp_path)

    first.close()
    with pytest.raises(Busy, match="was created by another process"):
        second.close()

    with connect(profile, writing=False) as warehouse:
        assert rows(warehouse, settings_duckdb, "user", "userid") == [("1",)]
    assert len(list(Path(profile.options["path"]).parent.iterdir())) == 1
