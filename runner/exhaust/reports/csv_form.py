"""Reads CSV in the forms in which spreadsheet programs save it."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
LINE_ENDS = {"\r\n": "CR LF", "\r": "CR"}
QUOTED = re.compile(r'(?:"(?:[^"]|"")*"[,;\t])*"(?:[^"]|"")*"')
MAX_VALUE = 1 << 24
"""Characters of a value: an unclosed quote would turn the rest of the file into one value."""


@dataclass(frozen=True)
class CsvForm:
    """How a file is written, and how that differs from the report's own form."""

    encoding: str
    is_utf: bool
    """False if the file is read as Windows-1252, because it is not in any form of Unicode."""
    separator: str
    changes: list[str]

    @classmethod
    def of(cls, file: Path) -> "CsvForm":
        encoding, changes = _encoding(file)
        with file.open(encoding=encoding, errors="replace", newline="") as text:
            header = text.readline(MAX_VALUE)
        # Only the header: values may contain line ends and quotes of their own.
        line = header.rstrip("\r\n")
        end = header[len(line) :]
        separator = max(SEPARATORS, key=line.count)
        if end in LINE_ENDS:
            changes.append(f"lines end in {LINE_ENDS[end]}, not in LF")
        if separator != ",":
            changes.append(f"values are separated by {SEPARATORS[separator]}, not by commas")
        if QUOTED.fullmatch(line):
            changes.append("values are quoted that need no quotes")
        return cls(encoding, encoding.startswith("utf"), separator, changes)


def _encoding(file: Path) -> tuple[str, list[str]]:
    """Returns the encoding to read a file with, and how it differs from the report's own."""
    with file.open("rb") as stream:
        head = stream.read(3)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", ["the file is in UTF-16, not in UTF-8"]
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            while text.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return "cp1252", ["the file is not in UTF-8: names in Indic scripts are lost"]
    has_mark = head == b"\xef\xbb\xbf"
    return "utf-8-sig", ["a byte order mark was added at the start"] if has_mark else []


def records(file: Path, form: CsvForm) -> Iterator[tuple[int, list[str]]]:
    """Yields the records of a file with their numbers from 1; blank lines count, but are left
    out. Raises csv.Error for a quote that is not closed."""
    csv.field_size_limit(MAX_VALUE)
    with file.open(encoding=form.encoding, errors="replace", newline="") as text:
        for number, record in enumerate(csv.reader(text, delimiter=form.separator), 1):
            if any(record):
                yield number, record
