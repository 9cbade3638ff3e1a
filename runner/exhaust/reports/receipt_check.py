"""Checks a receipt that nobody has signed: that it adds up, and describes the file it is for."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from exhaust.extract.data_file import READER
from exhaust.extract.limits import MAX_RECORD_BYTES
from exhaust.reports.formats.csv import csv_line
from exhaust.reports.receipt_reader import ReadReceipt
from exhaust.reports.value_changes import FORMS, WRONG_FORMS
from exhaust.text import counted, visible

HINT = "Get the file and its receipt again from where they were exported."
MAX_FAULTS = 10
"""How many are shown."""
IDS = ("collection id", "batch id")
CONFIG = {**READER, "memory_limit": "256MB"}
"""DuckDB would otherwise keep what it has read of the file."""


def find_faults(file: Path, receipt: ReadReceipt) -> list[str]:
    """Returns what shows that a receipt was not written with its file, though it has its SHA-256.

    The file is read as a stream. A pair that was forged so that all fits is not found out: only a
    signature does that.
    """
    faults = [*_sums(receipt.content), *_contents(file, receipt)]
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


def _contents(file: Path, receipt: ReadReceipt) -> Iterator[str]:
    """Yields where a file is not what its receipt says."""
    header = csv_line(list(receipt.kinds))
    with file.open("rb") as stream:
        if stream.read(len(header)) != header:
            yield "its columns are not those of the file"
            return
    import duckdb

    expected = _expected(receipt)
    try:
        with duckdb.connect(config=CONFIG) as duck:
            duck.execute("set enable_progress_bar = false")
            groups = duck.execute(_query(receipt, len(expected) + 1), [_path(file)]).fetchall()
    except duckdb.Error:
        yield "the file cannot be read as CSV with these columns"
        return
    wrong: Counter[str] = Counter()
    for course, batch, rows, *wrong_values in groups:
        said = expected.pop((course, batch), None)
        what = _named(course, batch)
        if said is None:
            yield f"the file has rows of {what}, which are not in the receipt"
        elif rows != said:
            yield f"the file has {counted(rows, 'row')}{what and f' of {what}'}, not {said:,}"
        for kind, times in zip(FORMS, wrong_values, strict=True):
            wrong[WRONG_FORMS[kind]] += times
    for (course, batch), said in expected.items():
        if said:
            yield f"the file has no rows of {_named(course, batch)}, not {said:,}"
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


def _query(receipt: ReadReceipt, most: int) -> str:
    """Returns a SELECT of the rows, and of the values of a wrong form, by course and batch.

    Its parameter is the path.
    """
    columns = {label.lower(): f"c{number}" for number, label in enumerate(receipt.kinds)}
    course, batch = (columns.get(label, "null") for label in IDS)
    wrong = ", ".join(
        " + ".join(
            [
                "0",
                *(
                    f"count(*) filter (not regexp_full_match({columns[label.lower()]}, "
                    f"'{form.pattern}'))"
                    for label, kind in receipt.kinds.items()
                    if kind == of_kind
                ),
            ]
        )
        for of_kind, form in FORMS.items()
    )
    types = ", ".join(f"{column}: 'varchar'" for column in columns.values())
    # In one thread: a value may have line breaks.
    return (
        f"select {course}, {batch}, count(*), {wrong} from read_csv(?, auto_detect = false, "
        "header = true, delim = ',', quote = '\"', escape = '\"', compression = 'none', "
        "strict_mode = true, allow_quoted_nulls = false, hive_partitioning = false, "
        f"parallel = false, buffer_size = {MAX_RECORD_BYTES}, columns = {{{types}}}) "
        f"group by all limit {most}"
    )


def _path(file: Path) -> str:
    """Returns the path with its wildcards escaped."""
    return re.sub(r"[*?\[]", r"[\g<0>]", str(file.absolute()))
