"""Commands on a full disk, and with folders that vanish: a plain error, and nothing is lost.

A limit for the size of files stands for the full disk: whatever writes gets an error of the system.
"""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from dbt_support import query
from support import PROJECT

from exhaust.project.settings import Settings
from exhaust.warehouse.duckdb import file_of

SAMPLE = str(PROJECT / "seeds")
PROGRAM = """
import resource, shutil, sys
limit, gone = int(sys.argv.pop(1)), sys.argv.pop(1)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from exhaust.cli import main
from exhaust.cli.display import Display
def progress(self, what, share):
    if gone:
        shutil.rmtree(gone, ignore_errors=True)
Display.progress = progress
main()
"""
NO_LIMIT = -1


def run(
    settings: Settings, folder: Path, *arguments: str, limit: int = NO_LIMIT, gone: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs a command that can write so many bytes to a file, and in which a folder vanishes."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(limit), gone, *arguments],
        env={"EXHAUST_PROJECT_DIR": str(settings.project_dir), **settings.environment},
        cwd=folder,
        capture_output=True,
        text=True,
    )


def check_plain(done: subprocess.CompletedProcess[str], *codes: int) -> None:
    assert done.returncode in (codes or (1,)), done.stderr
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "Please report it" not in done.stderr
    assert "Correct the file" not in done.stderr


@pytest.mark.parametrize("limit", [0, 20_000, 200_000, 600_000, 1_000_000])
def test_a_first_load_lands_all_or_nothing(
    settings_duckdb: Settings, tmp_path: Path, limit: int
) -> None:
    """DuckDB itself ends without an error if it can write its log, but not its file."""
    done = run(settings_duckdb, tmp_path, "load", SAMPLE, limit=limit)
    check_plain(done)
    assert list(file_of(settings_duckdb.profile).parent.iterdir()) == []
    assert run(settings_duckdb, tmp_path, "load", SAMPLE).returncode == 0
    assert query(settings_duckdb, 'select count(*) from sunbird."user"') != [(0,)]


@pytest.mark.parametrize("limit", [0, 1_000, 20_000])
def test_a_later_load_changes_all_or_nothing(
    settings_duckdb: Settings, tmp_path: Path, limit: int
) -> None:
    assert run(settings_duckdb, tmp_path, "load", SAMPLE).returncode == 0
    loads = query(settings_duckdb, "select * from sunbird.loads")
    check_plain(run(settings_duckdb, tmp_path, "load", SAMPLE, limit=limit))
    assert query(settings_duckdb, "select * from sunbird.loads") == loads


@pytest.mark.parametrize("limit", [1_000, 100_000])
def test_a_build_says_that_the_disk_is_full(
    settings_duckdb: Settings, tmp_path: Path, limit: int
) -> None:
    assert run(settings_duckdb, tmp_path, "load", SAMPLE).returncode == 0
    done = run(
        settings_duckdb, tmp_path, "build", "--", "--target-path", str(tmp_path / "t"), limit=limit
    )
    check_plain(done)
    assert "File too large" in done.stderr
    assert len(done.stderr.splitlines()) < 6


@pytest.mark.parametrize("limit", [0, 200])
def test_an_init_that_was_refused_can_be_repeated(
    settings_duckdb: Settings, tmp_path: Path, limit: int
) -> None:
    check_plain(run(settings_duckdb, tmp_path, "init", "new", limit=limit))
    done = run(settings_duckdb, tmp_path, "init", "new")
    assert done.returncode == 0, done.stderr


def test_a_demo_says_that_the_disk_is_full(settings_duckdb: Settings, tmp_path: Path) -> None:
    assert run(settings_duckdb, tmp_path, "init", "new").returncode == 0
    done = run(settings_duckdb, tmp_path, "demo", "--project-dir", "new", limit=200_000)
    check_plain(done)


@pytest.mark.parametrize(
    ("command", "gone"),
    [
        *(("load", gone) for gone in ("here", "warehouse", "project", "extract")),
        *(("build", gone) for gone in ("here", "warehouse", "project")),
    ],
)
def test_a_folder_that_vanishes_is_a_plain_error(
    settings_duckdb: Settings, tmp_path: Path, command: str, gone: str
) -> None:
    here, warehouse = tmp_path / "here", tmp_path / "warehouse"
    for folder in (here, warehouse):
        folder.mkdir()
    shutil.copytree(SAMPLE, tmp_path / "extract")
    environment = {
        **settings_duckdb.environment,
        "EXHAUST_DUCKDB_PATH": str(warehouse / "x.duckdb"),
        "EXHAUST_PROJECT_DIR": str(tmp_path / "project"),
    }
    settings = replace(settings_duckdb, environment=environment)
    assert run(settings, here, "init", "../project").returncode == 0
    arguments = ["load", "../extract"]
    if command == "build":
        assert run(settings, here, *arguments).returncode == 0
        arguments = ["build"]
    done = run(settings, here, *arguments, gone=str(tmp_path / gone))
    if gone == "here" and command == "build":
        assert done.returncode == 0  # It works in the folder of the project.
    elif (command, gone) == ("load", "project"):
        assert done.returncode == 0  # What it needs from there has been read.
    else:
        check_plain(done, 1 if command == "load" else 7)
        assert str(tmp_path) in done.stderr or gone == "here"
