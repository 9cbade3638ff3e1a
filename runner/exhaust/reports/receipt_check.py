"""Checks a receipt that nobody has signed: that it adds up, and describes the file it is for."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from exhaust.reports.reading import ReadBack
from exhaust.reports.reading.value_changes import WRONG_FORMS, wrong_form
from exhaust.reports.receipt_reader import ReadReceipt
from exhaust.text import counted, visible

HINT = "Get the file and its receipt again from where they were exported."
MAX_FAULTS = 10
"""How many are shown."""
IDS = ("collection id", "batch id")


def find_faults(read: ReadBack, receipt: ReadReceipt) -> list[str]:
    """Returns what shows that a receipt was not written with its file, though it has its SHA-256.

    A pair that was forged so that all fits is not found out: only a signature does that.
    """
    faults = [*_sums(receipt.content), *_contents(read, receipt)]
    more = len(faults) - MAX_FAULTS
    return faults[:MAX_FAULTS] + ([f"and {more:,} more"] if more > 0 else [])


def _sums(content: Mapping[str, Any]) -> Iterator[str]:
    """Yields where the numbers of a receipt contradict each other."""
    batches = content["batches"]
    for name, one in [("", content), *((f"batch `{visible(b['id'])}`: ", b) for b in batches)]:
        if one["enrolments"] != one["rows"] + sum(one["left_out"].values()):
            yield f"{name}its enrolments are not its rows and those left out"
    if content["rows"] != sum(batch["rows"] for batch in batches):
        yield "its rows are not the sum of its batches"
    left_out: Counter[str] = Counter()
    for batch in batches:
        left_out.update(batch["left_out"])
    if left_out != Counter(content["left_out"]):
        yield "those left out are not the sum of its batches"
    ids = [batch["id"] for batch in batches]
    if len(set(ids)) < len(ids) or content["filters"]["batches"] not in (None, ids):
        yield "its batches are not those that were chosen"


def _contents(read: ReadBack, receipt: ReadReceipt) -> Iterator[str]:
    """Yields where a file is not what its receipt says."""
    if not read.found.are_original or read.found.are_misread:
        yield "its columns are not those of the file"
        return
    if read.form or not read.is_whole:
        yield "the file cannot be read with these columns"
        return
    expected = _expected(receipt)
    groups = read.duck.execute(_query(read, len(expected) + 1)).fetchall()
    for course, batch, rows in groups:
        said = expected.pop((course, batch), None)
        what = _named(course, batch)
        if said is None:
            yield f"the file has rows of {what}, which are not in the receipt"
        elif rows != said:
            yield f"the file has {counted(rows, 'row')}{what and f' of {what}'}, not {said:,}"
    for (course, batch), said in expected.items():
        if said:
            yield f"the file has no rows of {_named(course, batch)}, not {said:,}"
    yield from _wrong_forms(read)


def _wrong_forms(read: ReadBack) -> Iterator[str]:
    """Yields which values of a file have not the form of their kind."""
    conditions = [
        (WRONG_FORMS[column.kind], wrong_form(column.kind, column.name))
        for column in read.columns
        if column.kind in WRONG_FORMS
    ]
    if not conditions:
        return
    counts = ", ".join(f"count(*) filter ({condition})" for _, condition in conditions)
    found = read.duck.execute(f"select {counts} from {read.relation}").fetchone()
    wrong: Counter[str] = Counter()
    for (what, _), times in zip(conditions, found or (), strict=False):
        wrong[what] += times
    for what, times in (+wrong).items():
        yield f"the file has {what}: {counted(times, 'time')}"


Key = tuple[str | None, str | None]
"""A course and a batch as the file has them; None if the report has no such column."""


def _expected(receipt: ReadReceipt) -> Counter[Key]:
    """Returns the rows of each batch by the receipt."""
    expected: Counter[Key] = Counter()
    for batch in receipt.content["batches"]:
        ids = (receipt.content["course"]["id"], receipt.batch_prefix + batch["id"])
        expected[_key(receipt, *ids)] += batch["rows"]
    return expected


def _key(receipt: ReadReceipt, course: str, batch: str) -> Key:
    labels = {label.lower() for label in receipt.kinds}
    return (course if IDS[0] in labels else None, batch if IDS[1] in labels else None)


def _named(course: str | None, batch: str | None) -> str:
    parts = [
        f"{what} `{visible(one)}`" for what, one in (("course", course), ("batch", batch)) if one
    ]
    return ", ".join(parts)


def _query(read: ReadBack, most: int) -> str:
    """Returns a SELECT of the rows by course and batch."""
    columns = {column.label.lower(): column.name for column in read.columns}
    course, batch = (columns.get(label, "null") for label in IDS)
    return f"select {course}, {batch}, count(*) from {read.relation} group by all limit {most}"
