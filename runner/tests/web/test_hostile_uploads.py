"""Files that were made to break whatever reads them: they are refused, and nothing is left."""

import json
import struct
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from verify_support import ROWS, receipt_for, report

from exhaust.reports import caged
from exhaust.reports.caged import Comparison, Limits, compare

pytestmark = pytest.mark.not_on_spark

SMALL = Limits(seconds=20, memory_bytes=1_000_000_000, unpacked_bytes=5_000_000)
LAUGHS = "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' if n else '<!ENTITY l0 "ha">' for n in range(30)
)
NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
WORKBOOK = {
    "[Content_Types].xml": '<?xml version="1.0"?><Types '
    'xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
    'relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/'
    '2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{NAMESPACE}" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="Report" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/'
    'package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/'
    'officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>'
    '<Relationship Id="r2" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
    'relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
}
"""What a workbook needs besides its sheet, xl/worksheets/sheet1.xml."""
SHEET = f'<worksheet xmlns="{NAMESPACE}"><sheetData>%s</sheetData></worksheet>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


def checked(
    file: Path, limits: Limits = SMALL, receipt: bytes | None = None, password: str | None = None
) -> Comparison:
    """Compares a file with the receipt of another one, and checks that this took not too much."""
    if receipt is None:
        original = file.with_name("original.csv")
        original.write_text(report(ROWS))
        receipt = json.dumps(receipt_for(original)).encode()
        original.unlink()
    (file.parent / "receipt.json").write_bytes(receipt)
    began = time.monotonic()
    found = compare(file, file.parent / "receipt.json", {}, password, limits)
    assert time.monotonic() - began < limits.seconds + 3
    left = {one.name for one in file.parent.iterdir()} - {file.name, "receipt.json", ".answer"}
    # What a process leaves that was killed is in this folder, which is removed.
    assert all(name.startswith(".exhaust-") for name in left)
    assert not (found.verification and found.verification.is_unchanged)
    return found


def workbook(file: Path, **parts: bytes) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in WORKBOOK.items():
            archive.writestr(name, text)
        for name, content in parts.items():
            archive.writestr(f"xl/{name.replace('__', '/')}.xml", content)
    return file


def test_a_zip_bomb_that_says_so_is_not_unpacked(folder: Path) -> None:
    file = workbook(folder / "a.xlsx", worksheets__sheet1=b" " * 6_000_000)
    found = checked(file)
    assert found.problem
    assert "bytes when it is unpacked" in found.problem.message


@pytest.mark.parametrize("lies", [False, True])
def test_unpacking_takes_no_more_memory_than_allowed(folder: Path, lies: bool) -> None:
    file = workbook(folder / "a.xlsx")
    start, end = SHEET.encode().split(b"%s")
    with (
        zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w") as sheet,
    ):
        sheet.write(start + b'<row><c t="inlineStr"><is><t>')
        for _ in range(600):
            sheet.write(b"a" * 1_000_000)
        sheet.write(b"</t></is></c></row>" + end)
    if lies:
        content = file.read_bytes()
        with zipfile.ZipFile(file) as archive:
            size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
        assert content.count(struct.pack("<L", size)) == 2
        file.write_bytes(content.replace(struct.pack("<L", size), struct.pack("<L", 1000)))
    small = Limits(memory_bytes=500_000_000, unpacked_bytes=1_000_000_000)
    assert checked(file, small).problem


@pytest.mark.parametrize("said", [20_000_000, 1000])
def test_a_bomb_with_a_password_fills_no_disk(folder: Path, said: int) -> None:
    import pyzipper

    file = folder / "a.csv.zip"
    with pyzipper.AESZipFile(
        file, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES
    ) as archive:
        archive.setpassword(b"password")
        archive.writestr("a.csv", b"a" * 20_000_000)
    size, other = struct.pack("<L", 20_000_000), struct.pack("<L", said)
    file.write_bytes(file.read_bytes().replace(size, other))
    found = checked(file, password="password")
    assert found.problem or said == 1000
    assert sum(one.stat().st_size for one in folder.rglob("*")) < SMALL.unpacked_bytes


def test_one_text_in_many_cells_fills_no_disk(folder: Path) -> None:
    """Written out, a sheet of some kilobytes would take 50 MB."""
    cells = '<row><c t="s"><v>0</v></c></row>' * 100
    file = workbook(
        folder / "a.xlsx",
        worksheets__sheet1=(SHEET % cells).encode(),
        sharedStrings=f'<sst xmlns="{NAMESPACE}"><si><t>{"a" * 500_000}</t></si></sst>'.encode(),
    )
    assert checked(file).problem == caged.TOO_MUCH


@pytest.mark.parametrize("part", ["sharedStrings", "worksheets__sheet1", "workbook"])
def test_entities_are_not_expanded(folder: Path, part: str) -> None:
    """With thirty levels of ten, a few hundred bytes would be 10^30 characters."""
    parts = {"worksheets__sheet1": (SHEET % '<row><c t="s"><v>0</v></c></row>').encode()}
    parts["sharedStrings"] = f'<sst xmlns="{NAMESPACE}"><si><t>a</t></si></sst>'.encode()
    document = parts.get(part, WORKBOOK["xl/workbook.xml"].encode())
    bomb = document.replace(b"<v>0", b"<v>&l29;").replace(b"<t>a", b"<t>&l29;")
    bomb = bomb.replace(b'name="Report"', b'name="&l29;"')
    parts[part] = f"<?xml version='1.0'?><!DOCTYPE x [{LAUGHS}]>".encode() + bomb
    if part == "workbook":
        file = folder / "a.xlsx"
        with zipfile.ZipFile(file, "w") as archive:
            for name, text in (WORKBOOK | {"xl/workbook.xml": parts[part].decode()}).items():
                archive.writestr(name, text)
            archive.writestr("xl/worksheets/sheet1.xml", parts["worksheets__sheet1"])
    else:
        file = workbook(folder / "a.xlsx", **parts)
    began = time.monotonic()
    checked(file)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "receipt",
    [
        b"[" * 1_000_000,
        b'{"a":' * 200_000,
        b"[" + b"[]," * 5_000_000 + b"[]]",
        b"1" * 10_000_000,
        b"",
    ],
    ids=["deep", "deep objects", "wide", "a long number", "empty"],
)
def test_a_receipt_that_is_none_is_refused(folder: Path, receipt: bytes) -> None:
    file = folder / "a.csv"
    file.write_text("a,b\n")
    found = checked(file, receipt=receipt)
    assert found.problem
    assert found.subject is None


@pytest.mark.parametrize(
    "content",
    [
        b"a" * 45_000_000,
        b'"' + b"a" * 45_000_000,
        b"a," * 20_000_000,
        b"\n" * 10_000_000,
        b'"a\n' * 5_000_000,
        b"Collection ID,Batch ID\n" + b'x,"' + b'""' * 20_000_000,
        b"\xff" * 45_000_000,
        b"\x00" * 45_000_000,
    ],
    ids=["a long field", "a quote", "columns", "blank lines", "quotes", "quoted", "bytes", "zeros"],
)
def test_csv_of_any_form_ends_in_words_and_in_time(folder: Path, content: bytes) -> None:
    file = folder / "a.csv"
    file.write_bytes(content)
    found = checked(file, Limits())
    assert found.problem or (found.verification and found.verification.changes)


def test_reading_ends_in_time(folder: Path) -> None:
    file = folder / "a.csv"
    # No engine reads Latin-1 of this form in a second.
    file.write_bytes(b"a;b\n" + b"\xe9\xe9\xe9;b\n" * 6_000_000)
    found = checked(file, Limits(seconds=3))
    assert found.problem == caged.TOO_MUCH


def test_names_in_an_archive_lead_nowhere(folder: Path) -> None:
    file = workbook(folder / "a.xlsx", worksheets__sheet1=(SHEET % "").encode())
    with zipfile.ZipFile(file, "a") as archive:
        for name in ("../../outside", "/tmp/exhaust-outside", "..\\outside", "a.csv"):
            archive.writestr(name, "outside")
    checked(file)
    assert not list(folder.parent.rglob("*outside*"))
    assert not Path("/tmp/exhaust-outside").exists()


def test_an_archive_of_many_files_ends_in_time(folder: Path) -> None:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        for number in range(50_000):
            archive.writestr(f"xl/{number}", "")
    checked(folder / "a.zip")


@pytest.mark.parametrize(
    ("start", "what"),
    [(b"%PDF-1.7\n", "a PDF file"), (b"<!doctype html>", "an HTML page"), (b"\x1f\x8b", "gzip")],
    ids=["pdf", "html", "gzip"],
)
def test_a_file_of_two_kinds_is_what_it_begins_as(folder: Path, start: bytes, what: str) -> None:
    file = workbook(folder / "a.xlsx", worksheets__sheet1=(SHEET % "").encode())
    file.write_bytes(start + file.read_bytes())
    found = checked(file)
    assert found.verification
    assert what in found.verification.changes[0]


def test_the_process_knows_no_secret(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXHAUST_SESSION_KEY", "s" * 48)
    given: list[dict[str, str]] = []
    run: Callable[..., object] = subprocess.run

    def noting(*arguments: object, env: dict[str, str], **more: object) -> object:
        given.append(env)
        return run(*arguments, env=env, **more)

    monkeypatch.setattr(subprocess, "run", noting)
    file = folder / "a.csv"
    file.write_text("a\n")
    checked(file)
    assert {*given[0]} == {"PATH", "LANG", "HOME", "TMPDIR", "PYTHONPATH"}
