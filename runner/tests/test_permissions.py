"""Who may read what exhaust creates, whatever the umask."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from handmade_marts import MATHS
from support import NO_MESSAGES, RunExport

from exhaust.console import SILENCE
from exhaust.errors import UsageError
from exhaust.permissions import (
    make_folder,
    private_files,
    private_opener,
    private_umask,
    umask_for,
)
from exhaust.pipeline.dbt import NO_LEASE, _Output, _run_child
from exhaust.project.settings import Settings
from exhaust.reports.selection import Criteria
from exhaust.requests.ledger import Ledger
from exhaust.warehouse import connect

UMASKS = [0o000, 0o022, 0o077]

SetUmask = Callable[[int], None]


@pytest.fixture
def set_umask() -> Iterator[SetUmask]:
    before = os.umask(0o022)

    def set_umask(umask: int) -> None:
        os.umask(umask)

    yield set_umask
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: mode(path) for path in folder.iterdir()}


@pytest.mark.parametrize("umask", UMASKS)
def test_a_duckdb_file_and_its_log_are_private(
    settings_duckdb: Settings, set_umask: SetUmask, umask: int
) -> None:
    set_umask(umask)
    file = Path(settings_duckdb.profile.options["path"])
    with connect(settings_duckdb.profile, writing=True, console=NO_MESSAGES) as warehouse:
        warehouse.execute("create table learners (name text)")
        while_open = modes(file.parent)
    assert any(name.endswith(".wal") for name in while_open)
    assert {*while_open.values(), mode(file)} == {0o600}
    with connect(settings_duckdb.profile, writing=True, console=NO_MESSAGES) as warehouse:
        warehouse.execute("insert into learners values ('x')")
        assert set(modes(file.parent).values()) == {0o600}
    assert os.umask(umask) == umask


@pytest.mark.parametrize("umask", UMASKS)
def test_a_ledger_and_its_log_are_private(
    settings_duckdb: Settings, set_umask: SetUmask, umask: int
) -> None:
    set_umask(umask)
    folder = Path(settings_duckdb.profile.options["path"]).parent
    with Ledger.open(settings_duckdb.profile) as ledger:
        ledger.claim("worker")
        found = modes(folder)
    assert len(found) == 3
    assert set(found.values()) == {0o600}


def test_an_operator_may_open_an_existing_file_to_others(settings_duckdb: Settings) -> None:
    file = Path(settings_duckdb.profile.options["path"])
    for _ in range(2):
        with connect(settings_duckdb.profile, writing=True, console=NO_MESSAGES) as warehouse:
            warehouse.execute("create or replace table t (x int)")
        file.chmod(0o640)
    assert mode(file) == 0o640


@pytest.mark.not_on_spark
def test_the_folder_of_an_export_follows_the_umask(
    set_umask: SetUmask, run_export: RunExport, tmp_path: Path
) -> None:
    """Even while a DuckDB file is open."""
    run_export(Criteria([MATHS]), folder=tmp_path / "a" / "b")
    assert {mode(tmp_path / "a"), mode(tmp_path / "a" / "b")} == {0o755}
    assert set(modes(tmp_path / "a" / "b").values()) == {0o644}


@pytest.mark.parametrize("umask", UMASKS)
def test_what_dbt_writes_is_private(
    settings_duckdb: Settings, tmp_path: Path, set_umask: SetUmask, umask: int
) -> None:
    set_umask(umask)
    script = [sys.executable, "-c", "open('written', 'w')"]
    settings = replace(settings_duckdb, work_dir=tmp_path)
    _run_child(script, settings, _Output(SILENCE), NO_LEASE)
    assert mode(tmp_path / "written") == 0o600


def test_blocks_of_private_files_may_overlap(set_umask: SetUmask, tmp_path: Path) -> None:
    set_umask(0o002)
    with private_files():
        with private_files():
            (tmp_path / "inner").touch()
        (tmp_path / "outer").touch()
        assert umask_for(is_private=False) == 0o002
    (tmp_path / "after").touch()
    assert modes(tmp_path) == {"inner": 0o600, "outer": 0o600, "after": 0o664}


def test_a_stricter_umask_stays(set_umask: SetUmask) -> None:
    set_umask(0o377)
    assert private_umask() == 0o377


class TestVariable:
    def test_it_lets_a_group_read(
        self, tmp_path: Path, set_umask: SetUmask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("EXHAUST_UMASK", "027")
        set_umask(0o022)
        os.close(private_opener(str(tmp_path / "file"), os.O_CREAT))
        make_folder(tmp_path / "folder", is_private=True)
        assert modes(tmp_path) == {"file": 0o640, "folder": 0o750}

    def test_it_does_not_widen_the_umask(
        self, set_umask: SetUmask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("EXHAUST_UMASK", "0")
        set_umask(0o022)
        assert private_umask() == 0o022

    @pytest.mark.parametrize("value", ["u=rwx", "8", "-1", "1000"])
    def test_it_has_to_be_octal(self, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EXHAUST_UMASK", value)
        with pytest.raises(UsageError, match=f"EXHAUST_UMASK has to be .*`{value}`"):
            private_umask()


class TestMakeFolder:
    def test_every_new_folder_is_private(self, tmp_path: Path, set_umask: SetUmask) -> None:
        set_umask(0)
        tmp_path.chmod(0o755)
        make_folder(tmp_path / "a" / "b", is_private=True)
        assert [mode(tmp_path / name) for name in ("", "a", "a/b")] == [0o755, 0o700, 0o700]

    def test_an_existing_folder_keeps_its_permissions(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o2750)
        make_folder(tmp_path, is_private=True)
        assert mode(tmp_path) == 0o2750

    def test_the_group_of_the_folder_above_is_passed_on(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o2770)
        make_folder(tmp_path / "new", is_private=True)
        assert mode(tmp_path / "new") == 0o2700
