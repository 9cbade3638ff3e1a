"""Says how a changed report file differs from what its receipt says."""

import csv
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from exhaust.reports.csv_form import CsvForm, records
from exhaust.reports.file_kind import other_kind
from exhaust.reports.formats.csv import csv_line
from exhaust.reports.receipt_reader import ReadReceipt
from exhaust.reports.row_order import OrderCheck, Row, RowKeys, in_order
from exhaust.reports.value_changes import MISREAD, is_misread, original_text, value_change
from exhaust.text import counted, visible

HINT = "Use the file as it was exported. To keep IDs, dates and names, import it as text, in UTF-8."
UNKNOWN = "values were changed, but the file does not show which: compare it with a new export"
NO_OTHER = "no other value was changed"
ANOTHER_ORDER = "the rows are in another order"
TWICE = "a learner who is in a batch twice"
MAX_EXAMPLE = 60
"""Characters of a value that are shown."""


@dataclass(frozen=True)
class Changes:
    """What was changed in a file, and what to do about it."""

    lines: list[str]
    hint: str = HINT


def find_changes(file: Path, receipt: ReadReceipt) -> Changes:
    """Returns the changes of a file whose SHA-256 is not that of its receipt.

    Memory does not grow with the file. Raises DiskFull if sorting its rows needs more room.
    """
    if kind := other_kind(file):
        return Changes([f"the file is {kind.name}"], kind.hint)
    form = CsvForm.of(file)
    return Changes([*form.changes, *_Comparison(file, form, receipt).lines()])


@dataclass
class _Findings:
    """The kinds of changes, each with its count and first example."""

    _numbers: Counter[str] = field(default_factory=Counter)
    _examples: dict[str, str] = field(default_factory=dict)

    def add(
        self,
        what: str,
        row: int,
        label: str,
        value: str,
        original: str | None = None,
        times: int = 1,
    ) -> None:
        self._numbers[what] += times
        if what not in self._examples:
            instead = "" if original is None else f" in place of `{_shown(original)}`"
            self._examples[what] = f"row {row:,}, {_shown(label)}: `{_shown(value)}`{instead}"

    def lines(self, *only: str) -> list[str]:
        return [
            f"{what}: {counted(number, 'time')}, first in {self._examples[what]}"
            for what, number in self._numbers.items()
            if what in only or not only
        ]


def _shown(text: str) -> str:
    """Returns a value of the file as it may be shown: it may be long, or control a terminal."""
    shown = visible(text[: MAX_EXAMPLE + 1])
    return shown if len(shown) <= MAX_EXAMPLE else shown[: MAX_EXAMPLE - 1] + "…"


class _Digests:
    """The SHA-256 of rows as exhaust writes them, and with misread texts put right."""

    def __init__(self) -> None:
        self.written = hashlib.sha256()
        self.original = hashlib.sha256()

    def add(self, row: Row) -> None:
        self.written.update(row.line)
        self.original.update(row.original)


class _Comparison:
    """Compares a CSV file with its receipt.

    Row by row in Python: only a changed file is read here, and an engine may misread it.
    """

    def __init__(self, file: Path, form: CsvForm, receipt: ReadReceipt) -> None:
        self._file = file
        self._form = form
        self._receipt = receipt
        self._findings = _Findings()
        self._header: list[str] = []
        """The labels of the columns, with the report's own where one was renamed."""
        self._keys = RowKeys([], receipt)
        self._rows = 0

    def lines(self) -> list[str]:
        """Returns the changes of values, rows and columns."""
        digests, order = _Digests(), OrderCheck()
        faults = []
        row = None
        try:
            for row in self._check():
                digests.add(row)
                order.add(row)
        except csv.Error:
            read = row.number if row else 0
            faults.append(f"the file cannot be read after row {read:,}: a quote may not be closed")
        if not self._header:
            faults.append("the file has no header and no rows")
        if self._is_same(digests.written):
            return ["no value was changed, only the form of the file"]
        if self._is_same(digests.original):
            return [*self._findings.lines(MISREAD), NO_OTHER]
        out_of_order = []
        if order.first_out_of_order and not faults:
            number, user_id = order.first_out_of_order
            out_of_order = [
                f"rows are not in the report's order, first in row {number:,}, User UUID: "
                f"`{_shown(user_id)}`"
            ]
            digests, order = self._sort()
            if self._is_same(digests.written):
                return [f"{ANOTHER_ORDER}, no value was changed"]
            if self._is_same(digests.original):
                return [ANOTHER_ORDER, *self._findings.lines(MISREAD), NO_OTHER]
        if order.first_duplicate:
            number, user_id = order.first_duplicate
            self._findings.add(TWICE, number, "User UUID", user_id, times=order.duplicates)
        rest = [*self._missing(), *faults, *self._findings.lines()]
        return [*out_of_order, *(rest or [UNKNOWN])]

    def _check(self) -> Iterator[Row]:
        """Yields the header and the rows, and adds what is wrong with them to the findings."""
        for number, values in records(self._file, self._form):
            if not self._header:
                self._header = self._check_header(number, values)
                yield self._row(number, values)
                self._keys = RowKeys(self._header, self._receipt)
            else:
                self._rows += 1
                self._check_row(number, values)
                yield self._row(number, values)

    def _sort(self) -> tuple[_Digests, OrderCheck]:
        """Reads the file again, with its rows in the report's order."""
        digests, order = _Digests(), OrderCheck()
        again = records(self._file, self._form)
        header = self._row(*next(again))
        digests.add(header)
        for row in in_order(self._row(number, values) for number, values in again):
            digests.add(row)
            order.add(row)
        return digests, order

    def _row(self, number: int, values: Sequence[str]) -> Row:
        line = original = csv_line(values)
        if not line.isascii():
            original = csv_line([original_text(value) or value for value in values])
        return Row(number, self._keys.of(values), line, original)

    def _is_same(self, digest: "hashlib._Hash") -> bool:
        return digest.hexdigest() == self._receipt.sha256

    def _missing(self) -> list[str]:
        if self._rows == self._receipt.rows:
            return []
        return [f"it has {counted(self._rows, 'row')}; the receipt says {self._receipt.rows:,}"]

    def _check_header(self, number: int, header: list[str]) -> list[str]:
        """Returns the labels of the columns, with the report's own where one was renamed."""
        expected, add = list(self._receipt.kinds), self._findings.add
        labels, known, found = list(header), set(expected), set(header)
        if len(header) == len(expected):
            for index, (new, old) in enumerate(zip(header, expected, strict=True)):
                if new not in known and old not in found:
                    add("a column that was renamed", number, old, new)
                    labels[index] = old
        missing = Counter(expected) - Counter(labels)
        added = Counter(labels) - Counter(expected)
        for label in missing.elements():
            add("a column that is missing", number, label, "")
        for label in added.elements():
            add("a column that was added", number, label, label)
        kept = [label for label in dict.fromkeys(labels) if label in known]
        left = (label for label in expected if label not in missing)
        for old, new in zip(left, kept, strict=True):
            if old != new:
                add("a column that was moved", number, old, new)
        return labels

    def _check_row(self, number: int, values: list[str]) -> None:
        header, add = self._header, self._findings.add
        if len(values) != len(header):
            short = f"a row that does not have {counted(len(header), 'value')}"
            add(short, number, header[0], ",".join(values))
        for label, value in zip(header, values, strict=False):
            kind = self._receipt.kinds.get(label, "")
            if what := value_change(label.lower(), value, kind, self._receipt):
                add(what, number, label, value)
            elif self._form.is_utf and is_misread(value):
                add(MISREAD, number, label, value, original_text(value))
