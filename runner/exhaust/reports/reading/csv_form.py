"""Recognises in which form a program has saved a CSV file, and reads any of these forms."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from exhaust.reports.formats import Format

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
LINE_ENDS = {"\n": "LF", "\r\n": "CR LF", "\r": "CR"}
QUOTED = re.compile(r'(?:"(?:[^"]|"")*"[,;\t])*"(?:[^"]|"")*"')
MAX_VALUE = 1 << 24
"""Characters of a value: an unclosed quote would turn the rest of the file into one value."""
MARK = b"\xef\xbb\xbf"
UTF_8 = "utf-8-sig"
"""With or without a byte order mark."""


@dataclass(frozen=True)
class CsvForm:
    """How a file is written."""

    encoding: str
    separator: str
    line_end: str
    """Empty if the file has only one line."""
    has_mark: bool
    is_quoted: bool
    """Whether the names of all columns are in quotes."""

    @classmethod
    def of(cls, file: Path, encoding: str, errors: str = "strict") -> "CsvForm":
        """Raises UnicodeDecodeError if the header is not in this encoding, unless told not to."""
        with file.open("rb") as stream:
            has_mark = stream.read(len(MARK)) == MARK
        with file.open(encoding=encoding, errors=errors, newline="") as text:
            header = text.readline(MAX_VALUE)
        # Only the header: values may contain line ends and quotes of their own.
        line = header.rstrip("\r\n")
        return cls(
            encoding=encoding,
            separator=max(SEPARATORS, key=line.count),
            line_end=header[len(line) :],
            has_mark=has_mark,
            is_quoted=bool(QUOTED.fullmatch(line)),
        )

    @property
    def is_utf(self) -> bool:
        """False if the file is read as Windows-1252: it is not in any form of Unicode."""
        return self.encoding.startswith("utf")

    def changes(self, written_as: Format) -> list[str]:
        """Returns how this differs from the form that exhaust gives to files of a format."""
        if written_as is Format.XLSX:
            return ["the file is CSV, not an Excel file (.xlsx)"]
        is_excel = written_as is Format.CSV_EXCEL
        line_end = "\r\n" if is_excel else "\n"
        changes = []
        if self.encoding == "utf-16":
            changes.append("the file is in UTF-16, not in UTF-8")
        elif not self.is_utf:
            changes.append("the file is not in UTF-8: names in Indic scripts are lost")
        elif self.has_mark and not is_excel:
            changes.append("a byte order mark was added at the start")
        elif is_excel and not self.has_mark:
            changes.append("the byte order mark at the start is missing")
        if self.line_end in LINE_ENDS and self.line_end != line_end:
            changes.append(f"lines end in {LINE_ENDS[self.line_end]}, not in {LINE_ENDS[line_end]}")
        if self.separator != ",":
            changes.append(f"values are separated by {SEPARATORS[self.separator]}, not by commas")
        if self.is_quoted:
            changes.append("values are quoted that need no quotes")
        return changes


def encoding_of(file: Path) -> str:
    """Returns the encoding to read a file with; what is not Unicode is taken for Windows-1252."""
    with file.open("rb") as stream:
        if stream.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
    try:
        with file.open(encoding=UTF_8, newline="") as text:
            while text.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return "cp1252"
    return UTF_8


def records(file: Path, form: CsvForm) -> Iterator[tuple[int, int, list[str]]]:
    """Yields the records of a file with their numbers from 1 and the number of lines until their
    end; blank records count, but are left out. Raises csv.Error for a quote that is not closed."""
    csv.field_size_limit(MAX_VALUE)
    with file.open(encoding=form.encoding, errors="replace", newline="") as text:
        reader = csv.reader(text, delimiter=form.separator)
        for number, record in enumerate(reader, 1):
            if any(record):
                yield number, reader.line_num, record
