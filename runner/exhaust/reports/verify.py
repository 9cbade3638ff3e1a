"""Compares a report file with its receipt, and names what a spreadsheet program changed."""

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exhaust.errors import DataError, NotFound
from exhaust.reports.formats.csv import csv_line
from exhaust.reports.receipt import VERSION, receipt_path
from exhaust.text import counted, visible

IDS = ("collection id", "batch id", "user uuid", "school id")
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
LINE_ENDS = {"\r\n": "CR LF", "\r": "CR"}
QUOTED = re.compile(r'(?:"(?:[^"]|"")*"[,;\t])*"(?:[^"]|"")*"')
DECIMAL = re.compile(r"[0-9]+[.,]0+")
SHORT_SCHOOL = re.compile(r"[1-9][0-9]{9}")
"""India's school IDs (UDISE) have eleven digits; the first is often a zero."""
SCIENTIFIC = re.compile(r"-?[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+")
FORMS = {
    "date": re.compile(r"(0[1-9]|[12][0-9]|3[01])/(0[1-9]|1[0-2])/[0-9]{4}"),
    "number": re.compile(r"[0-9]+"),
    "percent": re.compile(r"[0-9]+%"),
    "score": re.compile(r"[0-9]+%"),
}
"""How the report writes a value that is not empty, by its kind in the header plan."""
WRONG_FORMS = {
    "date": "a date that is not written as dd/mm/yyyy",
    "number": "a progress that is not a whole number",
    "percent": "a score that is not a whole percentage",
    "score": "a score that is not a whole percentage",
}
PRECISE_DIGITS = 14
"""The digits of a number that every spreadsheet program keeps; some round the fifteenth."""
MAX_EXAMPLE = 60
"""Characters of a value that are shown."""
MAX_VALUE = 1 << 24
"""Characters of a value: an unclosed quote would turn the rest of the file into one value."""


@dataclass(frozen=True)
class Verification:
    """How a file compares with its receipt."""

    file: str
    receipt: str
    rows: int
    """Rows according to the receipt."""
    is_unchanged: bool
    changes: list[str]


def verify(file: Path) -> Verification:
    """Compares a file with its receipt.

    Raises NotFound if either does not exist, DataError if the receipt cannot be read.
    """
    if not file.is_file():
        raise NotFound(f"There is no file {file}.", "Give a report that `exhaust export` wrote.")
    path = receipt_path(file)
    receipt = _read_receipt(path)
    with file.open("rb") as stream:
        has_hash = hashlib.file_digest(stream, "sha256").hexdigest() == receipt["sha256"]
        has_size = stream.tell() == receipt["bytes"]
    if has_hash:
        changes = [] if has_size else ["the receipt was changed: it has another size than the file"]
    else:
        changes = _changes(file, receipt)
    return Verification(
        file=str(file),
        receipt=str(path),
        rows=receipt["rows"],
        is_unchanged=has_hash and has_size,
        changes=changes,
    )


def _read_receipt(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise NotFound(
            f"There is no receipt {path}.",
            "Put the receipt that `exhaust export` wrote next to the file, under this name.",
        )
    try:
        receipt = json.loads(path.read_text("utf-8"))
        is_known = receipt["receipt"] == VERSION
        expected = _Expected.of(receipt)
        texts = [receipt["sha256"], *expected.kinds, *expected.kinds.values()]
        texts += [text for ids in expected.ids.values() for text in ids]
        is_whole = {type(text) for text in texts} == {str}
        is_whole &= type(receipt["rows"]) is type(receipt["bytes"]) is int
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        is_known = is_whole = False
    if not (is_known and is_whole):
        raise DataError(
            f"{path} is not a receipt, or has a form that this version of exhaust does not know.",
            "Use the receipt that was written with the file, or a newer exhaust.",
        )
    return receipt  # type: ignore[no-any-return]


@dataclass(frozen=True)
class _Expected:
    """What a receipt says about the values of its file."""

    kinds: Mapping[str, str]
    """The kind of each column, by label, in their order."""
    ids: Mapping[str, frozenset[str]]
    """The possible values, by label in lower case."""

    @classmethod
    def of(cls, receipt: Mapping[str, Any]) -> "_Expected":
        prefix = "BatchId_" if receipt["layout"] == "sunbird" else ""
        return cls(
            kinds={column["label"]: column["kind"] for column in receipt["columns"]},
            ids={
                "collection id": frozenset([receipt["course"]["id"]]),
                "batch id": frozenset(prefix + batch["id"] for batch in receipt["batches"]),
            },
        )


@dataclass
class _Findings:
    """The kinds of changes, each with its count and first example."""

    _numbers: dict[str, int] = field(default_factory=dict)
    _examples: dict[str, str] = field(default_factory=dict)

    def add(self, what: str, row: int, label: str, value: str) -> None:
        self._numbers[what] = self._numbers.get(what, 0) + 1
        if what not in self._examples:
            self._examples[what] = f"row {row:,}, {_shown(label)}: `{_shown(value)}`"

    def lines(self) -> list[str]:
        return [
            f"{what}: {counted(number, 'time')}, first in {self._examples[what]}"
            for what, number in self._numbers.items()
        ]


def _shown(text: str) -> str:
    """Returns a value of the file as it may be shown: it may be long, or control a terminal."""
    shown = visible(text[: MAX_EXAMPLE + 1])
    return shown if len(shown) <= MAX_EXAMPLE else shown[: MAX_EXAMPLE - 1] + "…"


def _changes(file: Path, receipt: Mapping[str, Any]) -> list[str]:
    expected = _Expected.of(receipt)
    form = _Form.of(file)
    findings = _Findings()
    digest = hashlib.sha256()
    learners: set[tuple[str, str]] = set()
    rows = number = 0
    header: list[str] = []
    changes: list[str] = []
    # Row by row in Python: only a changed file is read here, and an engine may misread it.
    try:
        for number, values in _records(file, form):
            digest.update(csv_line(values))
            if not header:
                header = _check_header(number, values, list(expected.kinds), findings)
                continue
            rows += 1
            _check_row(number, header, values, expected, learners, findings)
    except csv.Error:
        changes.append(f"the file cannot be read after row {number:,}: a quote may not be closed")
    if not header:
        changes.append("the file is empty")
    changes += findings.lines()
    if rows != receipt["rows"]:
        changes.insert(0, f"it has {counted(rows, 'row')}; the receipt says {receipt['rows']:,}")
    if digest.hexdigest() == receipt["sha256"]:
        changes = ["no value was changed, only the form of the file"]
    elif not changes:
        changes = [
            "values were changed, but the file does not show which: compare it with a new export"
        ]
    return [*form.changes, *changes]


@dataclass(frozen=True)
class _Form:
    """How a file is written, and how that differs from the report's own form."""

    encoding: str
    separator: str
    changes: list[str]

    @classmethod
    def of(cls, file: Path) -> "_Form":
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
        return cls(encoding, separator, changes)


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


def _records(file: Path, form: _Form) -> Iterator[tuple[int, list[str]]]:
    """Yields the records of a file with their numbers from 1; blank lines count, but are left
    out."""
    csv.field_size_limit(MAX_VALUE)
    with file.open(encoding=form.encoding, errors="replace", newline="") as text:
        for number, record in enumerate(csv.reader(text, delimiter=form.separator), 1):
            if any(record):
                yield number, record


def _check_header(
    number: int, header: list[str], expected: list[str], findings: _Findings
) -> list[str]:
    """Returns the labels of the columns, with the report's own where one was renamed."""
    labels, known, found = list(header), set(expected), set(header)
    if len(header) == len(expected):
        for index, (new, old) in enumerate(zip(header, expected, strict=True)):
            if new not in known and old not in found:
                findings.add("a column that was renamed", number, old, new)
                labels[index] = old
    missing = Counter(expected) - Counter(labels)
    added = Counter(labels) - Counter(expected)
    for label in missing.elements():
        findings.add("a column that is missing", number, label, "")
    for label in added.elements():
        findings.add("a column that was added", number, label, label)
    kept = [label for label in dict.fromkeys(labels) if label in known]
    for old, new in zip((label for label in expected if label not in missing), kept, strict=True):
        if old != new:
            findings.add("a column that was moved", number, old, new)
    return labels


def _check_row(
    number: int,
    header: list[str],
    values: list[str],
    expected: _Expected,
    learners: set[tuple[str, str]],
    findings: _Findings,
) -> None:
    if len(values) != len(header):
        short = f"a row that does not have {counted(len(header), 'value')}"
        findings.add(short, number, header[0], ",".join(values))
    for label, value in zip(header, values, strict=False):
        what = _change(label.lower(), value, expected.kinds.get(label, ""), expected)
        if what:
            findings.add(what, number, label, value)
    by_label = {label.lower(): value for label, value in zip(header, values, strict=False)}
    learner = (by_label.get("batch id", ""), by_label.get("user uuid", ""))
    # IDs that became numbers can be equal without being the same batch or learner.
    if learner[0] not in expected.ids["batch id"] or SCIENTIFIC.fullmatch(learner[1]):
        return
    if learner in learners:
        findings.add("a learner who is in a batch twice", number, "User UUID", learner[1])
    learners.add(learner)


def _change(label: str, value: str, kind: str, expected: _Expected) -> str | None:
    """Returns how a value was changed, if that can be seen."""
    if kind in FORMS and value and not FORMS[kind].fullmatch(value):
        return WRONG_FORMS[kind]
    known = expected.ids.get(label)
    if known and value in known:
        return None
    if label in IDS and SCIENTIFIC.fullmatch(value):
        return "an ID that became a number in scientific notation"
    if label in IDS and DECIMAL.fullmatch(value):
        return "an ID that became a number with decimals"
    if label == "school id" and SHORT_SCHOOL.fullmatch(value):
        return "a school ID of ten digits, perhaps without its leading zero"
    if known is None:
        return None
    return next(
        (what for what, is_it in LOSSES.items() if any(is_it(value, true) for true in known)),
        "an ID that is not in the receipt",
    )


LOSSES: Mapping[str, Callable[[str, str], bool]] = {
    "an ID that lost its leading zeros": lambda value, true: (
        value != "" and value == true.lstrip("0")
    ),
    "an ID that lost its last digits": lambda value, true: (
        len(value) == len(true.lstrip("0")) > PRECISE_DIGITS + 1
        and true.isdigit()
        and value[:PRECISE_DIGITS] == true.lstrip("0")[:PRECISE_DIGITS]
        and not value[PRECISE_DIGITS + 1 :].strip("0")
    ),
}
"""How an ID changes when a program takes it for a number."""
