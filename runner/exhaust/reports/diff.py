"""Compares two reports of a course, by learner and batch. The engine joins."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from exhaust.errors import DataError, NotFound, UsageError
from exhaust.project.sql import literal
from exhaust.reports.changes import Changes
from exhaust.reports.formats.csv import csv_line
from exhaust.reports.reading import ReadBack, read_report
from exhaust.reports.reading.ids import KEYS
from exhaust.reports.reading.order import find_order
from exhaust.reports.table import ReportColumn, as_kept, count, embedded_duckdb
from exhaust.reports.try_folder import try_folder
from exhaust.reports.verify import Checked, check
from exhaust.text import counted, visible
from exhaust.warehouse.pipe import copy_through_pipe

if TYPE_CHECKING:
    import duckdb

MEMORY = "512MB"
"""For the join of two reports of a million rows."""
FIELDS = ("change", "course_id", "batch_id", "user_id", "column", "old", "new")
HEADER = ("Change", "Collection ID", "Batch ID", "User UUID", "Column", "Old", "New")
MAX_BATCHES = 3
"""How many batches that only one file has are named."""
LABELS = {"course_id": "Collection ID", "batch_id": "Batch ID", "user_id": "User UUID"}


@dataclass(frozen=True)
class ComparedFile:
    """A file of a comparison, and what its receipt says of it."""

    file: str
    receipt: str | None
    rows: int
    notes: list[str]
    """What there is to know before one trusts the comparison."""
    broken: list[str]
    """Values that a spreadsheet program broke: they are not compared."""


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
    """How two reports differ. Learners count once in each of their batches."""

    old: ComparedFile
    new: ComparedFile
    learners_new: int
    learners_gone: int
    learners_completed: int
    """Of those in both files: they have a completion date only in the new one."""
    learners_certified: int
    """Of those in both files: their certificate is issued only in the new one."""
    learners_changed: int
    learners_unchanged: int
    cells_changed: int
    cells_by_column: dict[str, int]
    """The changed cells, by label; only columns that have any."""
    columns_added: list[str]
    """Labels of columns that only the new file has; they are not compared."""
    columns_removed: list[str]
    notes: list[str]
    total: int
    """The number of differences, of which `differences` may be the first."""
    differences: list[Difference]


@dataclass(frozen=True)
class _Side:
    name: str
    file: Path
    checked: Checked | None
    read: ReadBack
    changes: Changes | None

    @property
    def is_intact(self) -> bool:
        """Whether its values are proven to be those that were exported."""
        if self.checked is None:
            return False
        return self.changes is None or self.changes.is_only_form

    def what(self, name: str) -> str:
        """Returns, as SQL, what a spreadsheet program did to a value of a column, or null."""
        return "cast(null as varchar)" if self.is_intact else self.read.damage.what[name]


@contextmanager
def compared(
    old: Path,
    new: Path,
    public_keys: Mapping[str, str] | None = None,
    old_password: str | None = None,
    new_password: str | None = None,
) -> Iterator["Comparison"]:
    """Compares two report files, of any format.

    Raises NotFound for a missing file, UsageError for reports of different courses, DataError for
    a file that cannot be read, that has a learner twice, or that lacks the columns of the IDs.
    """
    with try_folder() as scratch, embedded_duckdb(scratch) as duck:
        duck.execute(f"set memory_limit = '{MEMORY}'")
        yield Comparison(
            duck,
            _read(duck, "old", old, public_keys, scratch, old_password),
            _read(duck, "new", new, public_keys, scratch, new_password),
        )


def _read(
    duck: "duckdb.DuckDBPyConnection",
    name: str,
    file: Path,
    public_keys: Mapping[str, str] | None,
    scratch: Path,
    password: str | None,
) -> _Side:
    try:
        checked = check(file, None, public_keys)
    except NotFound:
        if not file.is_file():
            raise
        checked = None
    read = read_report(file, checked and checked.receipt, duck, name, scratch, password)
    changes = checked.changes(read) if checked else None
    side = _Side(name, file, checked, read, changes)
    _check_readable(side)
    return side


def _check_readable(side: _Side) -> None:
    """Raises DataError for a file whose rows cannot be told apart."""
    read, shown = side.read, visible(side.file)
    if read.faults:
        raise DataError(f"{shown}: {read.faults[0]}.", "Use the file as it was exported.")
    missing = [
        LABELS[key] for key in ("batch_id", "user_id") if getattr(read.key, key) is None
    ]
    if missing:
        raise DataError(
            f"{shown} does not say whose its rows are: it has no column "
            f"{' and no column '.join(missing)}.",
            "Give a report with these columns.",
        )
    if not side.is_intact and (twice := find_order(read)).first_duplicate:
        number, user = twice.first_duplicate
        raise DataError(
            f"{shown} has learners more than once in a batch: "
            f"{counted(twice.duplicates, 'row')}, first in row {number:,}, User UUID: "
            f"`{visible(user)}`.",
            "Use the file as it was exported.",
        )


class Comparison:
    """The differences of two files, in a table of an embedded DuckDB."""

    def __init__(self, duck: "duckdb.DuckDBPyConnection", old: _Side, new: _Side) -> None:
        self._duck = duck
        self._old = old
        self._new = new
        has_course = old.read.key.course_id and new.read.key.course_id
        self._keys = KEYS if has_course else KEYS[1:]
        self._check_courses()
        self._columns = self._common_columns()
        self._pair()
        self._find_differences()

    def result(self, limit: int | None = None) -> Diff:
        """Returns the counts, and the first differences or all of them."""
        found = {
            change: (rows, cells)
            for change, rows, cells in self._duck.execute(
                "select change, count(distinct pair), count(*) from differences group by change"
            ).fetchall()
        }
        changed = self._one("select count(distinct pair) from differences where number > 0")
        both = self._one("select both from counts")
        by_column = self._duck.execute(
            "select label, count(*) from differences where number > 0 "
            "group by number, label order by number"
        ).fetchall()
        return Diff(
            old=self._file(self._old),
            new=self._file(self._new),
            learners_new=found.get("new", (0, 0))[0],
            learners_gone=found.get("gone", (0, 0))[0],
            learners_completed=found.get("completed", (0, 0))[0],
            learners_certified=found.get("certified", (0, 0))[0],
            learners_changed=changed,
            learners_unchanged=both - changed,
            cells_changed=sum(cells for _, cells in by_column),
            cells_by_column=dict(by_column),
            columns_added=self._only_in(self._new, self._old),
            columns_removed=self._only_in(self._old, self._new),
            notes=list(self._notes()),
            total=sum(cells for _, cells in found.values()),
            differences=[
                Difference(*row)
                for row in self._duck.execute(
                    self._ordered() + ("" if limit is None else f" limit {limit}")
                ).fetchall()
            ],
        )

    def write_csv(self, write: Callable[[bytes], object]) -> None:
        """Writes all differences as CSV; the engine does."""
        write(csv_line(HEADER))
        copy_through_pipe(self._duck, self._ordered(), write)
