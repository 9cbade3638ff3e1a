"""Hidden files of reports: those of killed processes go, those of living ones stay."""

import fcntl
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import PROJECT

from exhaust.errors import Busy
from exhaust.reports import parts
from exhaust.reports.parts import DAY_SECONDS, NAMING, PART, naming, new_part, sweep

DEAD = f".exhaust-{parts.HOST}-0123456789abcdef.part"
ELSEWHERE = f".exhaust-{'0' * 8}-0123456789abcdef.part"


def test_a_kill_at_any_step_leaves_no_mix_and_nothing_behind() -> None:
    program = Path(__file__).with_name("killed_steps.py")
    ended = subprocess.run(
        [sys.executable, program],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "runner")},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 15


def test_parts_of_the_dead_go_and_those_of_the_living_stay(tmp_path: Path) -> None:
    for name in (DEAD, NAMING):
        (tmp_path / name).touch()
    with new_part(tmp_path, is_private=False) as (living, file):
        sweep(tmp_path)
        assert list(tmp_path.iterdir()) == [living]
        file.close()  # It still has to get its name.
        sweep(tmp_path)
        assert list(tmp_path.iterdir()) == [living]
    assert list(tmp_path.iterdir()) == []


def test_parts_of_another_machine_stay_for_a_day(tmp_path: Path) -> None:
    """Its locks may not be seen from here."""
    part = tmp_path / ELSEWHERE
    part.touch()
    sweep(tmp_path)
    assert part.exists()
    old = part.stat().st_mtime - DAY_SECONDS - 1
    os.utime(part, (old, old))
    sweep(tmp_path)
    assert not part.exists()


def test_only_parts_are_swept(tmp_path: Path) -> None:
    others = [".warehouse.duckdb.0123abcd.part", "report.csv", f"x{DEAD}", f"{DEAD}.csv"]
    for name in others:
        (tmp_path / name).touch()
    sweep(tmp_path)
    sweep(tmp_path / "missing")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)


def test_what_others_have_planted_does_not_stop_a_sweep(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.touch()
    (tmp_path / DEAD).symlink_to(victim)
    os.mkfifo(tmp_path / DEAD.replace("0", "1"))
    sweep(tmp_path)
    assert victim.exists()


def test_without_locks_nothing_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(fcntl, "flock", fail)
    (tmp_path / DEAD).touch()
    sweep(tmp_path)
    assert (tmp_path / DEAD).exists()
    with new_part(tmp_path, is_private=False), naming(tmp_path):
        pass


def test_a_part_that_a_sweep_took_away_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep may come between the creation of a part and its lock."""
    lock = fcntl.flock
    swept: list[Path] = []

    def sweep_first(descriptor: int, operation: int) -> None:
        if not swept:
            swept.extend(tmp_path.iterdir())
            swept[0].unlink()
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", sweep_first)
    with new_part(tmp_path, is_private=False) as (path, _):
        assert path.exists()
        assert [path] != swept


def test_names_cannot_be_predicted(tmp_path: Path) -> None:
    with (
        new_part(tmp_path, is_private=False) as (one, _),
        new_part(tmp_path, is_private=False) as (other, _),
    ):
        tokens = [re.sub(r".*-|\.part", "", path.name) for path in (one, other)]
        assert PART.fullmatch(one.name)
        assert tokens[0] != tokens[1]


class TestNaming:
    def test_one_at_a_time(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(parts, "LOCK_SECONDS", 0.0)
        with naming(tmp_path), pytest.raises(Busy, match="is held"), naming(tmp_path):
            pass
        assert list(tmp_path.iterdir()) == []
        with naming(tmp_path):
            pass

    def test_the_lock_of_a_killed_process_is_free(self, tmp_path: Path) -> None:
        (tmp_path / NAMING).touch()
        with naming(tmp_path):
            pass
        assert list(tmp_path.iterdir()) == []

    def test_a_planted_link_is_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / NAMING).symlink_to(tmp_path / "victim")
        with naming(tmp_path):
            pass
        assert not (tmp_path / "victim").exists()
