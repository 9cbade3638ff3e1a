"""Tests of passwords of report files."""

import io
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import pyzipper
import xlsxwriter
from office_passwords import opened_by_office

from exhaust.errors import DataError, PasswordNeeded, UsageError, WrongPassword
from exhaust.reports import protection
from exhaust.reports.formats import Format
from exhaust.reports.protection import check_password, opened, protect

PASSWORD = "correct horse ஒன்று"
NAME = "0130300000000000101_progress_20261123"
CONTENT_TYPES = """<?xml version="1.0"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"""


def new_report(folder: Path, format: Format, size: int = 300_000) -> Path:
    """Writes something that has the form of a report, and a text to look for."""
    report = folder / (NAME + format.ending)
    if format is Format.XLSX:
        with zipfile.ZipFile(report, "w") as archive:
            archive.writestr("[Content_Types].xml", CONTENT_TYPES)
            archive.writestr("xl/sheet", b"SECRET" + os.urandom(size))
    else:
        report.write_bytes(b"User ID\n" + b"SECRET\n" * (size // 7))
    return report


def protected(report: Path, format: Format, password: str = PASSWORD) -> Path:
    """Protects a report in the way that an export does: as a file next to it."""
    file = io.BytesIO()
    added = protect(report, format, password, file)
    path = report.parent / "out" / (report.name + added)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(file.getvalue())
    return path


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("format", Format)
def test_the_password_opens_what_it_protects(format: Format, tmp_path: Path, scratch: Path) -> None:
    report = new_report(tmp_path, format)
    file = protected(report, format)
    plain = opened(file, PASSWORD, scratch)
    assert plain.read_bytes() == report.read_bytes()
    assert (plain.parent, plain.suffix) == (scratch, format.ending)
    assert plain.stat().st_mode & 0o777 == 0o600
    assert b"SECRET" not in file.read_bytes()


@pytest.mark.parametrize("format", Format)
def test_another_password_does_not_open_it(format: Format, tmp_path: Path, scratch: Path) -> None:
    file = protected(new_report(tmp_path, format), format)
    for wrong in ("wrong horse", PASSWORD + " ", PASSWORD.upper()):
        with pytest.raises(WrongPassword, match="The password is wrong"):
            opened(file, wrong, scratch)
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("format", Format)
@pytest.mark.parametrize("none", [None, ""])
def test_a_protected_file_asks_for_its_password(
    format: Format, none: str | None, tmp_path: Path, scratch: Path
) -> None:
    file = protected(new_report(tmp_path, format), format)
    with pytest.raises(PasswordNeeded, match="opens only with a password") as raised:
        opened(file, none, scratch)
    assert (raised.value.exit_code, raised.value.code) == (2, "password_needed")


@pytest.mark.parametrize("format", Format)
@pytest.mark.parametrize("password", [None, PASSWORD])
def test_a_file_without_a_password_is_read_as_it_is(
    format: Format, password: str | None, tmp_path: Path, scratch: Path
) -> None:
    report = new_report(tmp_path, format)
    assert opened(report, password, scratch) == report


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04", b"PK\x05\x06" + b"\0" * 18, protection.OLE_MAGIC[:-1]],
    ids=ascii,
)
def test_what_only_looks_like_a_protected_file_is_read_as_it_is(
    content: bytes, tmp_path: Path, scratch: Path
) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    assert opened(file, PASSWORD, scratch) == file


def test_the_names_say_what_opens_them(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endings = {one: protected(new_report(tmp_path, one), one).name[len(NAME) :] for one in Format}
    assert endings == {"csv": ".csv.zip", "xlsx": ".xlsx", "csv-excel": ".csv.zip"}

    monkeypatch.setattr(protection, "MAX_EXCEL_BYTES", 1000)
    report = new_report(tmp_path, Format.XLSX)
    file = protected(report, Format.XLSX)
    assert file.name == f"{NAME}.xlsx.zip"
    assert opened(file, PASSWORD, scratch).read_bytes() == report.read_bytes()


def test_a_zip_has_one_member_with_the_name_of_the_report(tmp_path: Path) -> None:
    file = protected(new_report(tmp_path, Format.CSV), Format.CSV)
    with zipfile.ZipFile(file) as archive:
        assert archive.namelist() == [f"{NAME}.csv"]


def test_the_name_in_a_zip_leads_nowhere_else(tmp_path: Path, scratch: Path) -> None:
    file = tmp_path / "evil.zip"
    with pyzipper.AESZipFile(file, "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(PASSWORD.encode())
        archive.writestr("../../evil.sh", "boo")
    plain = opened(file, PASSWORD, scratch)
    assert (plain.parent, plain.suffix) == (scratch, "")


def test_a_zip_of_several_files_is_not_a_report(tmp_path: Path, scratch: Path) -> None:
    file = tmp_path / "two.zip"
    with pyzipper.AESZipFile(file, "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(PASSWORD.encode())
        for name in ("a.csv", "b.csv"):
            archive.writestr(name, "boo")
    with pytest.raises(DataError, match="cannot be opened"):
        opened(file, PASSWORD, scratch)


@pytest.mark.parametrize("format", [Format.CSV, Format.XLSX])
def test_a_damaged_file_is_an_error(format: Format, tmp_path: Path, scratch: Path) -> None:
    file = protected(new_report(tmp_path, format), format)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError, match="the file is damaged, or the password is wrong"):
        opened(file, PASSWORD, scratch)


@pytest.mark.parametrize("format", [Format.CSV, Format.XLSX])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.999])
def test_a_file_that_was_cut_off_is_an_error(
    share: float, format: Format, tmp_path: Path, scratch: Path
) -> None:
    content = protected(new_report(tmp_path, format), format).read_bytes()
    file = tmp_path / "cut"
    file.write_bytes(content[: max(8, int(len(content) * share))])
    with pytest.raises(DataError, match="the file is damaged, or the password is wrong"):
        opened(file, PASSWORD, scratch)


class Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise OSError

    tell = seek


@pytest.mark.parametrize("format", [Format.CSV, Format.XLSX])
def test_a_pipe_can_be_written_to(format: Format, tmp_path: Path, scratch: Path) -> None:
    report = new_report(tmp_path, format)
    pipe = Pipe()
    protect(report, format, PASSWORD, pipe)
    file = tmp_path / "piped"
    file.write_bytes(pipe.getvalue())
    assert opened(file, PASSWORD, scratch).read_bytes() == report.read_bytes()


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "is empty"),
        ("12345", "too short"),
        ("x" * 256, "too long"),
        ("😀" * 128, "too long"),
        ("secret\n1", "line break"),
        ("secret\r1", "line break"),
        ("secret\0001", "null character"),
    ],
    ids=ascii,
)
def test_a_password_that_cannot_be_used_is_refused(
    password: str, reason: str, tmp_path: Path
) -> None:
    report = new_report(tmp_path, Format.CSV)
    file = io.BytesIO()
    with pytest.raises(UsageError, match=reason) as raised:
        protect(report, Format.CSV, password, file)
    assert file.getvalue() == b""
    assert not password or password not in str(raised.value)


@pytest.mark.parametrize("password", ["123456", "ஆஆஆஆஆஆ", "x" * 255, " spaces "], ids=ascii)
@pytest.mark.parametrize("format", [Format.CSV, Format.XLSX])
def test_any_other_password_is_kept_as_it_is(
    password: str, format: Format, tmp_path: Path, scratch: Path
) -> None:
    check_password(password)
    file = protected(new_report(tmp_path, format), format, password)
    assert opened(file, password, scratch) != file


@pytest.mark.parametrize("format", Format)
def test_the_libraries_write_only_where_they_are_told(
    format: Format, tmp_path: Path, scratch: Path
) -> None:
    written: set[Path] = set()
    is_watching = False

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if is_watching and event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR):
            written.add(Path(arguments[0]))

    report = new_report(tmp_path, format)
    output = io.BytesIO()
    sys.addaudithook(audit)
    is_watching = True
    added = protect(report, format, PASSWORD, output)
    is_watching = False
    assert written == set()

    file = tmp_path / f"file{format.ending}{added}"
    file.write_bytes(output.getvalue())
    is_watching = True
    plain = opened(file, PASSWORD, scratch)
    is_watching = False
    assert plain in written
    assert written <= {scratch, plain}


@pytest.mark.office
def test_libreoffice_opens_a_workbook_with_its_password_only(tmp_path: Path) -> None:
    report = tmp_path / f"{NAME}.xlsx"
    with xlsxwriter.Workbook(report) as workbook:
        workbook.add_worksheet().write("A1", "SECRET")
    file = protected(report, Format.XLSX, "correct horse")
    assert opened_by_office(file, "correct horse", tmp_path) == "SECRET\n"
    for wrong in ("wrong horse", ""):
        assert opened_by_office(file, wrong, tmp_path) is None
