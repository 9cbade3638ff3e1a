"""Says how a changed report file differs from what its receipt says."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from exhaust.reports.formats.csv import csv_line
from exhaust.reports.reading import ReadBack
from exhaust.reports.reading.order import find_order
from exhaust.reports.reading.problem import Problem, shown
from exhaust.reports.reading.value_changes import GUESSES, MISREAD
from exhaust.reports.receipt_reader import ReadReceipt
from exhaust.reports.table import as_kept
from exhaust.text import counted
from exhaust.warehouse.pipe import copy_through_pipe

HINT = "Use the file as it was exported. To keep IDs, dates and names, import it as text, in UTF-8."
UNKNOWN = "values were changed, but the file does not show which: compare it with a new export"
ONLY_FORM = "no value was changed, only the form of the file"
NO_OTHER = "no other value was changed"
ANOTHER_ORDER = "the rows are in another order"
TWICE = "a learner who is in a batch twice"


@dataclass(frozen=True)
class Changes:
    """What was changed in a file, and what to do about it."""

    lines: list[str]
    hint: str = HINT
    is_only_form: bool = False
    """Whether every value is as it was exported."""


def find_changes(read: ReadBack, receipt: ReadReceipt) -> Changes:
    """Returns the changes of a file whose SHA-256 is not that of its receipt."""
    lines = _lines(read, receipt)
    is_only_form = lines in ([ONLY_FORM], [f"{ANOTHER_ORDER}, no value was changed"])
    return Changes([*read.form, *lines], is_only_form=is_only_form)


def broken_values(file: Path, read: ReadBack, receipt: ReadReceipt | None) -> list[str]:
    """Returns which values of a file are not as they were exported; form and order may differ.

    Without a receipt, only what cannot have arrived so is found.
    """
    if receipt is None:
        return [problem.line for problem in read.problems if problem.what not in GUESSES]
    with file.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() == receipt.sha256:
            return []
    changes = find_changes(read, receipt)
    return [] if changes.is_only_form else changes.lines[len(read.form) :]


def _lines(read: ReadBack, receipt: ReadReceipt) -> list[str]:
    if _is_same(read, receipt):
        return [ONLY_FORM]
    if _is_same(read, receipt, is_repaired=True):
        return [*_misread(read), NO_OTHER]
    order = find_order(read)
    out_of_order = []
    if order.first_out_of_order and not read.faults:
        if _is_same(read, receipt, is_sorted=True):
            return [f"{ANOTHER_ORDER}, no value was changed"]
        if _is_same(read, receipt, is_sorted=True, is_repaired=True):
            return [ANOTHER_ORDER, *_misread(read), NO_OTHER]
        number, user_id = order.first_out_of_order
        out_of_order = [
            f"rows are not in the report's order, first in row {number:,}, User UUID: "
            f"`{shown(user_id)}`"
        ]
    problems = list(read.problems)
    if order.first_duplicate:
        number, user_id = order.first_duplicate
        problems.append(Problem(TWICE, order.duplicates, number, "User UUID", user_id))
    rest = [*_missing(read, receipt), *read.faults, *(problem.line for problem in problems)]
    return [*out_of_order, *(rest or [UNKNOWN])]


def _misread(read: ReadBack) -> list[str]:
    return [problem.line for problem in read.problems if problem.what == MISREAD]


def _missing(read: ReadBack, receipt: ReadReceipt) -> list[str]:
    if read.rows == receipt.rows:
        return []
    return [f"it has {counted(read.rows, 'row')}; the receipt says {receipt.rows:,}"]


def _is_same(
    read: ReadBack, receipt: ReadReceipt, *, is_sorted: bool = False, is_repaired: bool = False
) -> bool:
    """Returns whether the values of a file are those that were exported.

    Optionally with its rows in the report's order, and with misread texts put right.
    """
    if (
        not read.found.are_original
        or not read.is_whole
        or read.rows != receipt.rows
        or (read.found.are_misread and not is_repaired)
    ):
        return False
    values = [
        read.damage.repaired(column.name)
        if is_repaired and column.name in read.damage.texts
        else column.name
        for column in read.columns
    ]
    labels = list(receipt.kinds)
    expected: list[tuple[Sequence[str], str | None]]
    if receipt.values_sha256:
        values = [as_kept(value) for value in values]
        expected = [(labels, receipt.values_sha256)]
    else:
        expected = [(receipt.headers, receipt.sha256), (labels, receipt.twin_sha256)]
    order = "row_number" if is_repaired else ""
    if is_sorted:
        order = f"{read.key.batch_id} nulls first, {read.key.user_id} nulls first, row_number"
    select = f"select {', '.join(values)} from {read.relation}"
    digests = [hashlib.sha256(csv_line(header)) for header, _ in expected]

    def update(data: bytes) -> None:
        for digest in digests:
            digest.update(data)

    copy_through_pipe(read.duck, select + (order and f" order by {order}"), update)
    return any(
        digest.hexdigest() == sha256 for digest, (_, sha256) in zip(digests, expected, strict=True)
    )
