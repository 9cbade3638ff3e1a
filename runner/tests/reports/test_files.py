import errno
import os
import stat
import threading
from datetime import date
from pathlib import Path
from typing import BinaryIO

import pytest

from exhaust.errors import DiskFull, ExhaustError, UsageError
from exhaust.reports.files import check_file, file_name, make_folder, whole_file

DAY = date(2026, 1, 9)


@pytest.mark.parametrize(
    ("batch_id", "name"),
    [
        ("0133", "0133_progress_20260109.csv"),
        ("A-z_0.9", "A-z_0.9_progress_20260109.csv"),
        ("../etc", "%2E.%2Fetc_progress_20260109.csv"),
        ("a~b c%", "a%7Eb%20c%25_progress_20260109.csv"),
        ("क\n", "%E0%A4%95%0A_progress_20260109.csv"),
    ],
)
def test_a_file_name_is_percent_encoded(batch_id: str, name: str) -> None:
    assert file_name("progress", batch_id, DAY) == name


def test_a_file_name_can_start_with_the_course() -> None:
    assert file_name("progress", ".b", DAY, "do/1") == "do%2F1_%2Eb_progress_20260109.csv"


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text("old")
    with whole_file(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def fail_halfway(file: BinaryIO, error: type[BaseException]) -> None:
    file.write(b"half")
    raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, BrokenPipeError])
def test_a_failure_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "report.csv"
    path.write_text("old")
    with pytest.raises(error), whole_file(path) as file:
        fail_halfway(file, error)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    with whole_file(tmp_path / "report.csv"):
        pass
    (tmp_path / "other").touch()
    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert len(modes) == 1


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "folder" / "report.csv")
    with whole_file(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert (tmp_path / "folder" / "report.csv").read_bytes() == b"new"


def test_a_named_pipe_is_written_to(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    check_file(path)
    with whole_file(path) as file:
        file.write(b"data")
    reader.join()
    assert read == [b"data"]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_the_longest_name_is_allowed_and_a_longer_one_is_not(tmp_path: Path) -> None:
    with whole_file(tmp_path / ("x" * 255)):
        pass
    with pytest.raises(UsageError, match="File name too long"), whole_file(tmp_path / ("x" * 256)):
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["x" * 255]


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFull),
        (errno.EDQUOT, DiskFull),
        (errno.EIO, ExhaustError),
        (errno.EACCES, UsageError),
    ],
)
def test_disk_errors_are_reported(tmp_path: Path, number: int, kind: type[ExhaustError]) -> None:
    with pytest.raises(ExhaustError, match="cannot be written: ") as raised:  # noqa: SIM117
        with whole_file(tmp_path / "report.csv"):
            raise OSError(number, os.strerror(number))
    assert type(raised.value) is kind
    assert list(tmp_path.iterdir()) == []


def test_check_file_refuses_folders(tmp_path: Path) -> None:
    check_file(tmp_path / "new.csv")
    with pytest.raises(UsageError, match="is a folder"):
        check_file(tmp_path)
    with pytest.raises(UsageError, match="There is no folder"):
        check_file(tmp_path / "missing" / "new.csv")


def test_make_folder_creates_parents(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError):
        make_folder(tmp_path / "file")
