import errno
import os
import re
from datetime import date
from pathlib import Path

import pytest

from exhaust.errors import DiskFull, ExhaustError, UsageError
from exhaust.reports.files import (
    check_file,
    file_name,
    is_device,
    make_folder,
    plain_errors,
)
from exhaust.reports.receipt import receipt_path

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


LONG = "x" * 300


@pytest.mark.parametrize("batch_id", [LONG, "क" * 60, "%" * 100], ids=["ascii", "indic", "percent"])
def test_a_long_name_is_shortened(tmp_path: Path, batch_id: str) -> None:
    """Percent-encoding makes nine bytes of a letter in Devanagari."""
    name = file_name("progress", batch_id, DAY)
    assert name == file_name("progress", batch_id, DAY)
    assert re.fullmatch(r"(x|%[0-9A-F]{2})+~[0-9a-f]{16}_progress_20260109\.csv", name)
    receipt = receipt_path(tmp_path / name)
    assert receipt.name == f"{name}.receipt.json"
    receipt.touch()


def test_long_names_stay_unique() -> None:
    others = [f"{LONG}1", f"{LONG}2", LONG]
    names = {file_name("progress", batch_id, DAY) for batch_id in others}
    names |= {file_name("progress", batch_id, DAY, "do_1") for batch_id in others}
    assert len(names) == 6
    # An ID that looks like a shortened one is encoded.
    short = file_name("progress", LONG, DAY).removesuffix("_progress_20260109.csv")
    assert file_name("progress", short, DAY) not in names


@pytest.mark.parametrize("letter", ["x", "é"])
def test_the_receipt_of_the_longest_name_is_shortened(tmp_path: Path, letter: str) -> None:
    file = tmp_path / (letter * 255)[: 255 // len(letter.encode())]
    receipt = receipt_path(file)
    for path in (file, receipt):
        path.touch()
    assert re.fullmatch(rf"{letter}+~[0-9a-f]{{16}}\.receipt\.json", receipt.name)


class TestDevice:
    def test_a_pipe_is_written_to(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        assert is_device(tmp_path / "pipe")

    @pytest.mark.parametrize("name", ["/dev/null", "/dev/stdout", "/dev/fd/1"])
    def test_names_of_the_system_are_written_to(self, name: str) -> None:
        assert is_device(Path(name))

    def test_files_folders_and_links_are_not(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "link").symlink_to("pipe")
        (tmp_path / "null").symlink_to("/dev/null")
        (tmp_path / "file").touch()
        for name in ("link", "null", "file", "missing", "."):
            assert not is_device(tmp_path / name)


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
    with (
        pytest.raises(ExhaustError, match="cannot be written: ") as raised,
        plain_errors(tmp_path / "report.csv"),
    ):
        raise OSError(number, os.strerror(number))
    assert type(raised.value) is kind


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
