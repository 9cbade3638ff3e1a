"""Recognises by its first bytes a file that is not CSV at all."""

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 1 << 10


@dataclass(frozen=True)
class FileKind:
    """What a file is instead of a report, and what to do about it."""

    name: str
    """What follows "the file is"."""
    hint: str


WORKBOOK_HINT = (
    "A receipt is for the CSV file. Verify the file as it was exported, before a spreadsheet "
    "program saved it; export it again if it is lost."
)
EMPTY = FileKind("empty", "Copy or download it again: perhaps the disk was full.")
KINDS = (
    (
        re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        FileKind("an Excel file (.xls, or .xlsx with a password)", WORKBOOK_HINT),
    ),
    (
        re.compile(rb"%PDF-"),
        FileKind("a PDF file", "Verify the file as it was exported, not a print of it."),
    ),
    (re.compile(rb"\x1f\x8b"), FileKind("compressed with gzip", "Decompress it with gunzip.")),
    (
        re.compile(rb"\s*<(!doctype html|html|head|body|table)", re.I),
        FileKind("an HTML page", "Download the file again: perhaps you have to log in first."),
    ),
    (
        re.compile(rb"\s*<\?xml"),
        FileKind("an XML file", "Verify the file as it was exported, in CSV."),
    ),
)
"""How files that people take for a report begin, after a byte order mark."""
ZIP = b"PK\x03\x04"
ZIPPED = {
    "xl/": FileKind("an Excel file (.xlsx)", WORKBOOK_HINT),
    "content.xml": FileKind("an OpenDocument file (.ods), as LibreOffice saves it", WORKBOOK_HINT),
    "Index/": FileKind("a file of Apple Numbers", WORKBOOK_HINT),
}
"""Kinds of files that are zip archives, by the start of a name in them."""
ARCHIVE = FileKind("a zip archive", "Unpack it, and verify the files in it.")


def other_kind(file: Path) -> FileKind | None:
    """Returns what a file is if it is not text that may be CSV, such as an Excel file; or None."""
    with file.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if not head:
        return EMPTY
    if head.startswith(ZIP):
        return _zipped(file)
    text = head.removeprefix(b"\xef\xbb\xbf")
    return next((kind for magic, kind in KINDS if magic.match(text)), None)


def _zipped(file: Path) -> FileKind:
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return ARCHIVE
    return next(
        (kind for start, kind in ZIPPED.items() if any(name.startswith(start) for name in names)),
        ARCHIVE,
    )
