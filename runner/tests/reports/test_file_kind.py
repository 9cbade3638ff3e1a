"""`verify` on files that are no reports, whatever their names are."""

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from exhaust.errors import DataError
from exhaust.reports.verify import verify

pytestmark = pytest.mark.not_on_spark


def zipped(*names: str) -> Callable[[Path], object]:
    def write(file: Path) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            for name in names:
                archive.writestr(name, "x" * 5_000)

    return write


def holding(content: bytes) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(content)


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "ods": (
        zipped("mimetype", "content.xml"),
        "an OpenDocument file (.ods), as LibreOffice saves it",
    ),
    "numbers": (zipped("Index/Document.iwa"), "a file of Apple Numbers"),
    "zip": (zipped("report.csv"), "a zip archive"),
    "cut zip": (holding(b"PK\x03\x04" + bytes(50)), "a zip archive"),
    "pdf": (holding(b"%PDF-1.7\n%\xe2\xe3"), "a PDF file"),
    "html": (holding(b"\n<!DOCTYPE html>\n<html>Log in"), "an HTML page"),
    "html with a mark": (holding(b"\xef\xbb\xbf<html>"), "an HTML page"),
    "xml": (holding(b'<?xml version="1.0"?>\n<Workbook>'), "an XML file"),
    "gzip": (holding(gzip.compress(b"a,b\n")), "compressed with gzip"),
    "empty": (holding(b""), "empty"),
}


@pytest.mark.parametrize("kind", FILES)
def test_it_is_named_for_what_it_is(file: Path, kind: str) -> None:
    write, name = FILES[kind]
    write(file)
    found = verify(file)
    assert (found.is_unchanged, found.changes) == (False, [f"the file is {name}"])
    assert found.hint
    assert "import it as text" not in found.hint


@pytest.mark.parametrize(
    "damaged",
    [
        zipped("[Content_Types].xml", "_rels/.rels", "xl/worksheets/sheet1.xml", "xl/workbook.xml"),
        zipped("xl/workbook.xml"),
        holding(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)),
    ],
    ids=["xlsx", "incomplete xlsx", "xlsx with a password"],
)
def test_a_damaged_excel_file_is_an_error(file: Path, damaged: Callable[[Path], object]) -> None:
    damaged(file)
    with pytest.raises(DataError, match=r"cannot be (read|opened)"):
        verify(file)


def test_a_csv_file_is_none_of_them(file: Path) -> None:
    file.write_text("PK,%PDF,<html>\n")
    assert not any("the file is" in change for change in verify(file).changes)
