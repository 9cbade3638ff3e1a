"""Holds a report file against its receipt, and names what a spreadsheet program made of it."""

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exhaust.display import counted, visible
from exhaust.errors import NotFound, Unfit
from exhaust.files import csv_line
from exhaust.receipt import VERSION, receipt_path

IDS = ("collection id", "batch id", "user uuid", "school id")
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
SCIENTIFIC = re.compile(r"-?\d+([.,]\d+)?[eE][+-]?\d+")
FORMS = {
    "date": re.compile(r"([0-2]\d|3[01])/(0\d|1[0-2])/\d{4}"),
    "number": re.compile(r"\d+"),
    "percent": re.compile(r"\d+%"),
    "score": re.compile(r"\d+%"),
}
"""How the report writes a value that is not blank, by its kind in the header plan."""
WORDS = {
    "date": "a date that is not written dd/mm/yyyy",
    "number": "a progress that is no whole number",
    "percent": "a score that is no whole percentage",
    "score": "a score that is no whole percentage",
}
PRECISE_DIGITS = 14
"""How many digits of a number every spreadsheet program keeps; some round the fifteenth."""
EXAMPLE = 60


@dataclass(frozen=True)
class Verification:
    """What became of a file."""

    file: str
    receipt: str
    rows: int
    """That the receipt tells of."""
    is_unchanged: bool
    changes: list[str]


def verify(file: Path) -> Verification:
    """Compares a file with its receipt.

    Raises NotFound if either is not there, Unfit if the receipt cannot be read.
    """
    if not file.is_file():
        raise NotFound(f"There is no file {file}.", "Give a report that `exhaust export` wrote.")
    path = receipt_path(file)
    receipt = _read_receipt(path)
    with file.open("rb") as stream:
        is_unchanged = hashlib.file_digest(stream, "sha256").hexdigest() == receipt["sha256"]
    return Verification(
        file=str(file),
        receipt=str(path),
        rows=receipt["rows"],
        is_unchanged=is_unchanged,
        changes=[] if is_unchanged else _changes(file, receipt),
    )


def _read_receipt(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise NotFound(
            f"There is no receipt {path}.",
            "Put the receipt that `exhaust export` wrote beside the file, under this name.",
        )
    try:
        receipt = json.loads(path.read_text("utf-8"))
        is_known = receipt["receipt"] == VERSION
        _Expected.of(receipt)
        is_whole = isinstance(receipt["sha256"], str) and isinstance(receipt["rows"], int)
    except (OSError, ValueError, KeyError, TypeError):
        is_known = is_whole = False
    if not (is_known and is_whole):
        raise Unfit(
            f"{path} is no receipt, or not of a form that is known here.",
            "Take the receipt that was written with the file, or a newer exhaust.",
        )
    return receipt  # type: ignore[no-any-return]


@dataclass(frozen=True)
class _Expected:
    """What a receipt says of the values."""

    kinds: Mapping[str, str]
    """Of the columns, by label, in their order."""
    ids: Mapping[str, frozenset[str]]
    """The values that there can be, by label in lower case."""

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
    """Kinds of changes, each with its number and its first example."""

    _numbers: dict[str, int] = field(default_factory=dict)
    _examples: dict[str, str] = field(default_factory=dict)

    def add(self, what: str, row: int, label: str, value: str) -> None:
        self._numbers[what] = self._numbers.get(what, 0) + 1
        example = value if len(value) <= EXAMPLE else value[: EXAMPLE - 1] + "…"
        self._examples.setdefault(what, f"row {row:,}, {visible(label)}: `{visible(example)}`")

    def lines(self) -> list[str]:
        return [
            f"{what}: {counted(number, 'time')}, first in {self._examples[what]}"
            for what, number in self._numbers.items()
        ]


def _changes(file: Path, receipt: Mapping[str, Any]) -> list[str]:
    expected = _Expected.of(receipt)
    encoding, form = _form(file)
    separator = _separator(file, encoding)
    if separator != ",":
        form.append(f"values are separated by {SEPARATORS[separator]}, not by commas")
    findings = _Findings()
    digest = hashlib.sha256()
    learners: set[tuple[str, ...]] = set()
    rows = 0
    header: list[str] = []
    # Row by row, as only a changed file is read here, and no engine can be trusted with it.
    for number, values in _records(file, encoding, separator):
        digest.update(csv_line(values))
        if number == 1:
            header = values
            continue
        rows += 1
        _check_row(number, header, values, expected, learners, findings)
    changes = [*_header_changes(header, list(expected.kinds)), *findings.lines()]
    if rows != receipt["rows"]:
        changes.insert(0, f"there are {rows:,} rows, and there were {receipt['rows']:,}")
    if digest.hexdigest() == receipt["sha256"]:
        changes = ["only the form of the file was changed, and no value"]
    elif not changes:
        changes = ["values were changed in a way that leaves no trace: compare with a new export"]
    return [*form, *changes]


def _form(file: Path) -> tuple[str, list[str]]:
    """The encoding to read a file in, and what became of its bytes."""
    changes = []
    with file.open("rb") as stream:
        head = stream.read(1 << 16)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", ["the file is in UTF-16, not in UTF-8"]
    if head.startswith(b"\xef\xbb\xbf"):
        changes.append("a byte order mark was put before the text")
    if b"\r\n" in head:
        changes.append("lines end in CR LF, not in LF")
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            while text.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return "cp1252", [*changes, "the file is not in UTF-8: names in Indic scripts are lost"]
    return "utf-8-sig", changes


def _separator(file: Path, encoding: str) -> str:
    with file.open(encoding=encoding, errors="replace") as text:
        header = text.readline()
    return max(SEPARATORS, key=header.count)


def _records(file: Path, encoding: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The records of a file with their numbers, from 1; blank lines are none."""
    csv.field_size_limit(1 << 30)
    with file.open(encoding=encoding, errors="replace", newline="") as text:
        records = (record for record in csv.reader(text, delimiter=separator) if any(record))
        yield from enumerate(records, 1)


def _header_changes(header: list[str], expected: list[str]) -> list[str]:
    if header == expected:
        return []
    missing = [label for label in expected if label not in header]
    added = [label for label in header if label not in expected]
    changes = [
        f"columns {became}: {', '.join(visible(label) for label in labels)}"
        for became, labels in (("are missing", missing), ("were added", added))
        if labels
    ]
    return changes or ["the columns stand in another order"]


def _check_row(
    number: int,
    header: list[str],
    values: list[str],
    expected: _Expected,
    learners: set[tuple[str, ...]],
    findings: _Findings,
) -> None:
    if len(values) != len(header):
        short = f"a row that has not {counted(len(header), 'value')}"
        findings.add(short, number, header[0] if header else "", ",".join(values))
    by_label = dict(zip(header, values, strict=False))
    for label, value in by_label.items():
        what = _change(label.lower(), value, expected.kinds.get(label, ""), expected)
        if what:
            findings.add(what, number, label, value)
    learner = tuple(
        by_label[label] for label in header if label.lower() in ("batch id", "user uuid")
    )
    if len(learner) == 2 and learner in learners:
        findings.add("a learner who stands twice in a batch", number, "User UUID", learner[1])
    learners.add(learner)


def _change(label: str, value: str, kind: str, expected: _Expected) -> str | None:
    """What became of a value, if that can be seen."""
    if kind in FORMS and value and not FORMS[kind].fullmatch(value):
        return WORDS[kind]
    if label in IDS and SCIENTIFIC.fullmatch(value):
        return "an id that became a number in scientific notation"
    known = expected.ids.get(label)
    if known is None or value in known:
        return None
    return next(
        (what for what, is_it in LOSSES.items() if any(is_it(value, true) for true in known)),
        "an id that is not in the receipt",
    )


LOSSES: Mapping[str, Callable[[str, str], bool]] = {
    "an id that lost its leading zeros": lambda value, true: (
        value != "" and value == true.lstrip("0")
    ),
    "an id that lost its last digits": lambda value, true: (
        value.isdigit()
        and len(value) == len(true.lstrip("0"))
        and value[:PRECISE_DIGITS] == true.lstrip("0")[:PRECISE_DIGITS]
    ),
}
"""What a number keeps of an id that it was taken for."""
