"""Recognises by its first bytes what a file is: an Excel file, CSV, or no report at all."""

import re
import zipfile
from collections.abc import Sequence
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
    "Use the file as it was exported, or save it as .xlsx; export it again if it is lost."
)
EMPTY = FileKind("empty", "Copy or download it again: perhaps the disk was full.")
KINDS = (
    (
        re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        FileKind("an Excel file of before 2007 (.xls)", WORKBOOK_HINT),
    ),
    (
        re.compile(rb"%PDF-"),
        FileKind("a PDF file", "Use the file as it was exported, not a print of it."),
    ),
    (re.compile(rb"\x1f\x8b"), FileKind("compressed with gzip", "Decompress it with gunzip.")),
    (
        re.compile(rb"\s*<(!doctype html|html|head|body|table)", re.I),
        FileKind("an HTML page", "Download the file again: perhaps you have to log in first."),
    ),
    (
        re.compile(rb"\s*<\?xml"),
        FileKind("an XML file", "Use the file as it was exported."),
    ),
)
"""How files that people take for a report begin, after a byte order mark."""
ZIP = b"PK\x03\x04"
WORKBOOK = "xl/"
"""How the names of most files in an Excel file start."""
ZIPPED = {
    "content.xml": FileKind("an OpenDocument file (.ods), as LibreOffice saves it", WORKBOOK_HINT),
    "Index/": FileKind("a file of Apple Numbers", WORKBOOK_HINT),
}
"""Kinds of files that are zip archives, by the start of a name in them."""
ARCHIVE = FileKind("a zip archive", "Unpack it, and use the files in it.")


def other_kind(file: Path) -> FileKind | None:
    """Returns what a file is if it can be no report: neither an Excel file nor text that may be
    CSV."""
    with file.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if not head:
        return EMPTY
    if head.startswith(ZIP):
        return _zipped(_names(file))
    text = head.removeprefix(b"\xef\xbb\xbf")
    return next((kind for magic, kind in KINDS if magic.match(text)), None)


def is_workbook(file: Path) -> bool:
    """Returns whether a file is an Excel file (.xlsx), whatever its name is."""
    with file.open("rb") as stream:
        return stream.read(len(ZIP)) == ZIP and _has(_names(file), WORKBOOK)


def _zipped(names: Sequence[str]) -> FileKind | None:
    if _has(names, WORKBOOK):
        return None
    return next((kind for start, kind in ZIPPED.items() if _has(names, start)), ARCHIVE)


def _names(archive: Path) -> Sequence[str]:
    """Returns the names in a zip archive; none if it is damaged."""
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return []


def _has(names: Sequence[str], start: str) -> bool:
    return any(name.startswith(start) for name in names)
