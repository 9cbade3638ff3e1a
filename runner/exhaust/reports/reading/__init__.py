"""Reads report files back into a table of what the default CSV says.

It reads every format that exhaust writes, also as a spreadsheet program has saved it, and says
what that program broke.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from exhaust.errors import DataError
from exhaust.project.sql import literal
from exhaust.reports.file_kind import other_kind
from exhaust.reports.formats import Format
from exhaust.reports.protection import opened
from exhaust.reports.reading.cells import Cells, canonical, find_cells, plain_text
from exhaust.reports.reading.columns import FoundColumns, find_columns
from exhaust.reports.reading.damage import Damage, find_damage, find_problems
from exhaust.reports.reading.ids import (
    KEYS,
    PREFIX,
    KnownIds,
    RowKey,
    find_known_ids,
    find_row_key,
)
from exhaust.reports.reading.problem import Problem
from exhaust.reports.reading.raw import Raw, load_raw
from exhaust.reports.receipt_reader import ReadReceipt
from exhaust.reports.table import ReportColumn, count
from exhaust.text import visible

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class ReadBack:
    """A report that was read back."""

    duck: "duckdb.DuckDBPyConnection"
    relation: str
    """A table or view with `row_number`, that of the row in the file, and a column of text for
    each of `columns`, as the default CSV has it; null is blank. In the order of the file."""
    rows: int
    key: RowKey
    form: Sequence[str]
    """How the form of the file differs from the one that exhaust gave it."""
    faults: Sequence[str]
    """Why the file could not be read to its end."""
    uneven: Problem | None
    """Rows that do not have a value for each column."""
    found: FoundColumns
    known_ids: Mapping[str, KnownIds]
    scratch: Path
    is_unicode: bool

    @cached_property
    def damage(self) -> Damage:
        """What is wrong with single values. Finding it takes a while, so nobody asks for it whose
        file has the SHA-256 of its receipt."""
        return find_damage(
            self.duck,
            self.relation,
            self.columns,
            self.known_ids,
            self.scratch,
            is_unicode=self.is_unicode,
        )

    @cached_property
    def problems(self) -> list[Problem]:
        """What a spreadsheet program broke, by the first row that has it."""
        found = find_problems(self.duck, self.relation, self.columns, self.damage)
        uneven = [self.uneven] if self.uneven else []
        return sorted([*self.found.problems, *uneven, *found], key=lambda problem: problem.row)

    @property
    def is_whole(self) -> bool:
        """Whether each row was read, with a value for each column."""
        return not self.faults and not self.uneven

    @property
    def columns(self) -> Sequence[ReportColumn]:
        return self.found.columns

    def value(self, column: ReportColumn) -> str | None:
        """Returns, as SQL, what the file has in a column of another report; None if it lacks it.

        Columns are the same if their labels are, whatever the headers say. IDs that were damaged
        are restored; they are null where nobody can tell what they were.
        """
        if column.assessment_id is None and column.id in KEYS:
            key: str | None = getattr(self.key, column.id)
            return f"'{PREFIX}' || {key}" if key and column.kind == "sunbird_batch" else key
        label = column.label.lower()
        return next((one.name for one in self.columns if one.label.lower() == label), None)

    def drop(self) -> None:
        """Makes room for the next file."""
        for kind, name in self.duck.execute(
            "select 'view', view_name from duckdb_views() where view_name = $1 union all "
            "select 'table', table_name from duckdb_tables() where table_name in ($1, $2, $3)",
            [self.relation, f"{self.relation}_raw", f"{self.relation}_misread"],
        ).fetchall():
            self.duck.execute(f"drop {kind} {name}")


def read_report(
    file: Path,
    receipt: ReadReceipt | None,
    duck: "duckdb.DuckDBPyConnection",
    relation: str,
    scratch: Path,
    password: str | None = None,
) -> ReadBack:
    """Reads a report file into `relation`, a new name in an embedded DuckDB.

    Without a receipt, the columns are those that the header names. Raises PasswordNeeded,
    WrongPassword, DataError if the file is no report, DiskFull.
    """
    plain = opened(file, password, scratch)
    if kind := other_kind(plain):
        raise DataError(f"{visible(file)} is {kind.name}.", kind.hint)
    raw = load_raw(duck, f"{relation}_raw", plain, scratch)
    written_as = receipt.format if receipt else None
    if written_as is not Format.CSV:
        raw.header = _plain_header(duck, raw.header)
    found = find_columns(raw.header, receipt)
    cells = find_cells(duck, raw, found.columns, written_as)
    _make_relation(duck, relation, raw, found.columns, cells)
    known_ids = find_known_ids(duck, relation, found.columns, receipt)
    return ReadBack(
        duck=duck,
        relation=relation,
        rows=count(duck, relation),
        key=find_row_key(found.columns, known_ids, receipt),
        form=_form(raw, cells),
        faults=raw.faults,
        uneven=raw.uneven,
        found=found,
        known_ids=known_ids,
        scratch=scratch,
        is_unicode=raw.form is None or raw.form.is_utf,
    )


def _plain_header(duck: "duckdb.DuckDBPyConnection", header: Sequence[str]) -> Sequence[str]:
    texts = ", ".join(plain_text(literal(text, "duckdb")) for text in header)
    found = duck.execute(f"select {texts}").fetchone() if texts else None
    return found or ()


def _make_relation(
    duck: "duckdb.DuckDBPyConnection",
    relation: str,
    raw: Raw,
    columns: Sequence[ReportColumn],
    cells: Cells,
) -> None:
    """Makes the cells of a file those of the default CSV."""
    if not columns:
        duck.execute(f"create view {relation} as select 0 as row_number where false")
        return
    values = {column.name: canonical(column, cells) for column in columns}
    if raw.form and raw.form.is_quoted:  # Blanks are, too.
        values = {name: f"nullif({value}, '')" for name, value in values.items()}
    is_same = all(name == value for name, value in values.items())
    select = ", ".join(f"{value} as {name}" for name, value in values.items())
    duck.execute(
        f"create {'view' if is_same else 'table'} {relation} as "
        f"select {raw.row_number} as row_number, {select} from {raw.table} "
        f"where coalesce({', '.join(values)}, '') <> '' "
        f"or concat({', '.join(values)}) <> ''"
    )
    if not is_same:
        duck.execute(f"drop table {raw.table}")


def _form(raw: Raw, cells: Cells) -> list[str]:
    """Returns how the form of a file differs from the one that exhaust gave it."""
    if cells.written_as is None:
        return []
    if raw.form is None:
        is_original = cells.written_as is Format.XLSX
        return [] if is_original else ["the file is an Excel file (.xlsx), not CSV"]
    months_first = ["dates have the month first"] if cells.months_first else []
    return [*raw.form.changes(cells.written_as), *months_first]
