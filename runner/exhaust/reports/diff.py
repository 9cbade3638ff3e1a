"""Compares two reports of a course, of any format, by learner and batch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from exhaust.errors import DataError, NotFound, UsageError
from exhaust.reports.changes import Changes
from exhaust.reports.differences import Differences, Side
from exhaust.reports.files import plain_errors
from exhaust.reports.formats.csv import csv_line
from exhaust.reports.parts import new_part
from exhaust.reports.reading import ReadBack, read_report
from exhaust.reports.reading.order import find_order
from exhaust.reports.table import embedded_duckdb
from exhaust.reports.try_folder import try_folder
from exhaust.reports.verify import Checked, check
from exhaust.text import counted, visible
from exhaust.warehouse.pipe import copy_through_pipe

if TYPE_CHECKING:
    import duckdb

MEMORY = "512MB"
"""For the join of two reports of a million rows."""
CSV_HEADER = ("Change", "Collection ID", "Batch ID", "User UUID", "Column", "Old", "New")
MAX_NAMED = 3
"""How many batches that only one file has are named."""
LABELS = {"batch_id": "Batch ID", "user_id": "User UUID"}


@dataclass(frozen=True)
class ComparedFile:
    """A file of a comparison, and what its receipt says of it."""

    file: str
    receipt: str | None
    rows: int
    notes: list[str]
    """What there is to know before one trusts the comparison."""
    broken: list[str]
    """Values that a spreadsheet program broke: such cells are not compared."""


@dataclass(frozen=True)
class Difference:
    """A learner who is only in one of the files, or a cell that differs."""

    change: str
    """`new`, `gone`, `completed`, `certified` or `changed`."""
    course_id: str | None
    batch_id: str
    user_id: str
    column: str | None
    """The label of the cell's column; None for a learner who is new or gone."""
    old: str | None
    new: str | None


@dataclass(frozen=True)
class Diff:
    """How two reports differ. Learners count in each of their batches."""

    old: ComparedFile
    new: ComparedFile
    learners_new: int
    learners_gone: int
    learners_completed: int
    """Of those in both files: only the new one has a completion date."""
    learners_certified: int
    """Of those in both files: only in the new one is the certificate issued."""
    learners_changed: int
    learners_unchanged: int
    cells_changed: int
    cells_by_column: dict[str, int]
    """The changed cells by label; only columns that have any."""
    columns_added: list[str]
    """The labels of columns that only the new file has; they are not compared."""
    columns_removed: list[str]
    notes: list[str]
    total: int
    """The number of all differences; `differences` may be the first of them."""
    differences: list[Difference]


@dataclass(frozen=True)
class _File:
    path: Path
    checked: Checked | None
    read: ReadBack
    changes: Changes | None

    @property
    def is_intact(self) -> bool:
        return self.checked is not None and (self.changes is None or self.changes.is_only_form)

    @property
    def side(self) -> Side:
        return Side(self.read, self.is_intact)


def diff(
    old: Path,
    new: Path,
    public_keys: Mapping[str, str] | None = None,
    *,
    old_password: str | None = None,
    new_password: str | None = None,
    output: Path | BinaryIO | None = None,
    limit: int | None = None,
) -> Diff:
    """Compares two report files.

    All differences go to `output` as CSV, if it is given; the result has all of them, or as many as
    the limit says. Raises NotFound for a missing file, UsageError for reports of different courses
    and for an output that cannot be written, DataError for a file that cannot be read, that has a
    learner twice, or that lacks the columns of the IDs, PasswordNeeded, WrongPassword.
    """
    with try_folder() as scratch, embedded_duckdb(scratch) as duck:
        duck.execute(f"set memory_limit = '{MEMORY}'")
        old_file = _read(duck, "old", old, public_keys, scratch, old_password)
        new_file = _read(duck, "new", new, public_keys, scratch, new_password)
        _check_courses(old_file, new_file)
        differences = Differences(old_file.side, new_file.side)
        if output is not None:
            _write(duck, differences, output)
        return _result(old_file, new_file, differences, limit)


def _read(
    duck: "duckdb.DuckDBPyConnection",
    name: str,
    file: Path,
    public_keys: Mapping[str, str] | None,
    scratch: Path,
    password: str | None,
) -> _File:
    try:
        checked = check(file, None, public_keys)
    except NotFound:
        if not file.is_file():
            raise
        checked = None
    read = read_report(file, checked.receipt if checked else None, duck, name, scratch, password)
    found = _File(file, checked, read, checked.changes(read) if checked else None)
    _check_readable(found)
    return found


def _check_readable(found: _File) -> None:
    """Raises DataError for a file whose rows cannot be told apart."""
    read, shown = found.read, visible(found.path)
    if read.faults:
        raise DataError(f"{shown}: {read.faults[0]}.", "Use the file as it was exported.")
    for key, label in LABELS.items():
        if getattr(read.key, key) is None:
            raise DataError(
                f"{shown} does not say whose its rows are: it has no column {label}.",
                "Compare reports that have it.",
            )
    if found.is_intact:
        return
    if read.rows and found.side.unknown_rows() == read.rows:
        raise DataError(
            f"{shown} does not say whose its rows are: a spreadsheet program broke the IDs of all "
            f"of them. {read.problems[0].line}.",
            "Use the file as it was exported, or put its receipt next to it.",
        )
    order = find_order(read)
    if order.first_duplicate:
        number, user_id = order.first_duplicate
        raise DataError(
            f"{shown} has a learner more than once in a batch: "
            f"{counted(order.duplicates, 'time')}, first in row {number:,}, User UUID: "
            f"`{visible(user_id)}`.",
            "Use the file as it was exported.",
        )


def _check_courses(old: _File, new: _File) -> None:
    """Raises UsageError for reports that have no course in common."""
    olds, news = (file.side.distinct("course_id", limit=2) for file in (old, new))
    if olds and news and olds.isdisjoint(news):
        raise UsageError(
            f"{visible(old.path)} is of the course `{visible(min(olds))}`, "
            f"{visible(new.path)} of `{visible(min(news))}`.",
            "Compare two reports of the same course.",
        )


def _write(
    duck: "duckdb.DuckDBPyConnection", differences: Differences, output: Path | BinaryIO
) -> None:
    if not isinstance(output, Path):
        output.write(csv_line(CSV_HEADER))
        copy_through_pipe(duck, differences.select(), output.write)
        return
    with plain_errors(output), new_part(output.parent, is_private=False) as (part, file):
        file.write(csv_line(CSV_HEADER))
        copy_through_pipe(duck, differences.select(), file.write)
        file.close()
        part.replace(output)


def _result(old: _File, new: _File, differences: Differences, limit: int | None) -> Diff:
    learners = differences.learners()
    by_column = differences.cells_by_column()
    unknown = new.side.unknown_rows() if not new.is_intact else 0
    both = new.read.rows - unknown - learners.get("new", 0)
    return Diff(
        old=_compared(old),
        new=_compared(new),
        learners_new=learners.get("new", 0),
        learners_gone=learners.get("gone", 0),
        learners_completed=learners.get("completed", 0),
        learners_certified=learners.get("certified", 0),
        learners_changed=learners["cells"],
        learners_unchanged=both - learners["cells"],
        cells_changed=sum(by_column.values()),
        cells_by_column=by_column,
        columns_added=new.side.labels_missing_in(old.side),
        columns_removed=old.side.labels_missing_in(new.side),
        notes=[*_batch_notes(old, new), *_batch_notes(new, old)],
        total=differences.total(),
        differences=[Difference(*row) for row in differences.first(limit)],
    )


def _compared(found: _File) -> ComparedFile:
    broken = [] if found.is_intact else [problem.line for problem in found.read.problems]
    return ComparedFile(
        file=str(found.path),
        receipt=str(found.checked.receipt.path) if found.checked else None,
        rows=found.read.rows,
        notes=list(_notes(found)),
        broken=broken,
    )


def _notes(found: _File) -> Iterator[str]:
    """Yields what there is to know of a file before one trusts the comparison."""
    shown = visible(found.path)
    if found.checked is None:
        yield f"{shown} has no receipt: it was not checked whether it is as it was exported."
    elif found.checked.fault:
        yield f"{shown}: {found.checked.fault.lines[0]}."
    if found.changes and found.is_intact:
        yield f"{shown} was saved in another form; no value was changed."
    elif found.changes:
        yield f"{shown} does not match its receipt: {found.changes.lines[-1]}."
    if not found.is_intact and (unknown := found.side.unknown_rows()):
        yield (
            f"{shown}: {counted(unknown, 'row')} left out, because the IDs are damaged and do not "
            "say whose they are."
        )


def _batch_notes(one: _File, other: _File) -> Iterator[str]:
    """Yields a note on the batches that only one of the files has."""
    only = sorted(one.side.distinct("batch_id") - other.side.distinct("batch_id"))
    if only:
        names = ", ".join(f"`{visible(name)}`" for name in only[:MAX_NAMED])
        more = f" and {len(only) - MAX_NAMED:,} more" if len(only) > MAX_NAMED else ""
        batches = counted(len(only), "batch", "batches")
        yield f"Only {visible(one.path)} has {batches}: {names}{more}."
