"""A report and its receipt: what others can do to their names, and what is seen of them."""

import os
import stat
import threading
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest

from exhaust.errors import UsageError
from exhaust.reports.pair import copy_report, new_report
from exhaust.reports.parts import PART
from exhaust.reports.receipt import receipt_path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An old report with its receipt."""
    path = tmp_path / "report.csv"
    path.write_text("old")
    receipt_path(path).write_text("old receipt")
    return path


def write(path: Path, *, is_named: bool = False) -> None:
    with new_report(path, is_named=is_named) as (report, receipt):
        report.write(b"new")
        if receipt:
            receipt.write(b"new receipt")


def fail_halfway(report: BinaryIO, error: type[BaseException]) -> None:
    report.write(b"half")
    raise error


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_pair_appears_when_it_is_whole(file: Path) -> None:
    with new_report(file, is_named=False) as (report, receipt):
        assert receipt
        report.write(b"new")
        report.flush()
        assert (file.read_text(), receipt_path(file).read_text()) == ("old", "old receipt")
        receipt.write(b"new receipt")
        hidden = [name for name in names(file.parent) if name.startswith(".")]
        assert len(hidden) == 2
        assert all(map(PART.fullmatch, hidden))
    assert (file.read_text(), receipt_path(file).read_text()) == ("new", "new receipt")
    assert names(file.parent) == ["report.csv", "report.csv.receipt.json"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, BrokenPipeError])
def test_a_failure_leaves_the_old_pair(file: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), new_report(file, is_named=False) as (report, _):
        fail_halfway(report, error)
    assert (file.read_text(), receipt_path(file).read_text()) == ("old", "old receipt")
    assert names(file.parent) == ["report.csv", "report.csv.receipt.json"]


def test_a_refused_name_leaves_the_old_pair(file: Path) -> None:
    def refuse(path: Path, take_names: object) -> None:
        raise ValueError(path.name)

    with (
        pytest.raises(ValueError, match=r"report\.csv"),
        new_report(file, is_named=False, publish=refuse),
    ):
        pass
    assert (file.read_text(), receipt_path(file).read_text()) == ("old", "old receipt")


class TestPlantedNames:
    """What somebody else has put at a name of a report or a receipt is replaced."""

    @pytest.mark.parametrize("is_named", [True, False])
    def test_a_link_is_not_followed(self, tmp_path: Path, is_named: bool) -> None:
        path, victim = tmp_path / "report.csv", tmp_path / "victim"
        victim.write_text("mine")
        for name in (path, receipt_path(path)):
            name.symlink_to(victim)
        write(path, is_named=is_named)
        assert victim.read_text() == "mine"
        assert (path.read_text(), receipt_path(path).read_text()) == ("new", "new receipt")
        assert not path.is_symlink()

    def test_a_pipe_does_not_hang_the_command(self, tmp_path: Path) -> None:
        path = tmp_path / "report.csv"
        for name in (path, receipt_path(path)):
            os.mkfifo(name)
        write(path)
        assert (path.read_text(), receipt_path(path).read_text()) == ("new", "new receipt")

    @pytest.mark.parametrize("of_receipt", [True, False])
    def test_a_folder_is_an_error_that_loses_nothing(self, file: Path, of_receipt: bool) -> None:
        taken, other = (file, receipt_path(file))[:: -1 if of_receipt else 1]
        taken.unlink()
        taken.mkdir()
        with pytest.raises(UsageError, match="Is a directory"):
            write(file)
        assert other.read_text().startswith("old")
        assert names(file.parent) == ["report.csv", "report.csv.receipt.json"]

    def test_a_parent_folder_may_be_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        (tmp_path / "link").symlink_to("folder")
        write(tmp_path / "link" / "report.csv")
        assert (tmp_path / "folder" / "report.csv").read_text() == "new"


class TestNamedOutput:
    def test_a_named_pipe_is_written_to(self, tmp_path: Path) -> None:
        path = tmp_path / "pipe"
        os.mkfifo(path)
        read: list[bytes] = []
        reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
        reader.start()
        write(path, is_named=True)
        reader.join()
        assert read == [b"new"]
        assert stat.S_ISFIFO(path.stat().st_mode)
        assert names(tmp_path) == ["pipe"]

    def test_a_stream_has_no_receipt(self) -> None:
        output = BytesIO()
        with new_report(output, is_named=True) as (report, receipt):
            report.write(b"new")
        assert (output.getvalue(), receipt) == (b"new", None)


@pytest.mark.parametrize(
    ("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600), (0o000, 0o666)]
)
def test_permissions_follow_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    """Whatever those of a file that is replaced were."""
    path = tmp_path / "report.csv"
    path.touch(0o777)
    before = os.umask(umask)
    try:
        write(path)
    finally:
        os.umask(before)
    for written in (path, receipt_path(path)):
        assert stat.S_IMODE(written.stat().st_mode) == mode


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_private_files_are_their_owners(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with new_report(tmp_path / "report.csv", is_named=False, is_private=True):
            pass
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600 & ~umask}


class TestCopy:
    def test_a_copy_has_a_receipt(self, file: Path, tmp_path: Path) -> None:
        (tmp_path / "to").mkdir()
        copy_report(file, tmp_path / "to" / "copy.csv", is_named=True)
        assert (tmp_path / "to" / "copy.csv").read_text() == "old"
        assert (tmp_path / "to" / "copy.csv.receipt.json").read_text() == "old receipt"

    def test_a_copy_to_a_device_has_none(self, file: Path) -> None:
        copy_report(file, Path("/dev/null"), is_named=True)
        assert not Path("/dev/null.receipt.json").exists()

    def test_a_copy_to_a_stream_has_none(self, file: Path) -> None:
        output = BytesIO()
        copy_report(file, output, is_named=True)
        assert output.getvalue() == b"old"
