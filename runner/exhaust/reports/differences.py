"""Finds the differences of two reports that were read back. The engine joins and compares."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from exhaust.project.sql import literal
from exhaust.reports.reading import ReadBack
from exhaust.reports.reading.ids import KEYS
from exhaust.reports.table import ReportColumn, as_kept, count

if TYPE_CHECKING:
    import duckdb

NOTHING = "cast(null as varchar)"
FIELDS = "change, course_id, batch_id, user_id, label, old, new"


@dataclass(frozen=True)
class Side:
    """One of the two reports."""

    read: ReadBack
    is_intact: bool
    """Whether its values are proven to be those that were exported."""

    @cached_property
    def by_label(self) -> dict[str, ReportColumn]:
        """The columns that are compared, by their labels in lower case: all but the IDs of rows."""
        return {
            column.label.lower(): column
            for column in reversed(self.read.columns)
            if column.assessment_id or column.id not in KEYS
        }

    def key(self, key_id: str) -> str | None:
        key: str | None = getattr(self.read.key, key_id)
        return key

    def labels_missing_in(self, other: "Side") -> list[str]:
        return [
            column.label
            for column in self.read.columns
            for label in [column.label.lower()]
            if self.by_label.get(label) is column and label not in other.by_label
        ]

    def is_broken(self, column: ReportColumn) -> str:
        """Returns, as SQL, whether a spreadsheet program broke a value of a column."""
        if self.is_intact:
            return "false"
        return f"({self.read.damage.what[column.name]}) is not null"

    def distinct(self, key_id: str, limit: int = 1_000_000) -> set[str]:
        """Returns the different IDs of a key, such as the courses."""
        key = self.key(key_id) or NOTHING
        rows = self.read.duck.execute(
            f"select distinct {key} from {self.read.relation} where {key} is not null limit {limit}"
        )
        return {found for (found,) in rows.fetchall()}

    def unknown_rows(self) -> int:
        """Returns the number of rows whose IDs are too damaged to say whose they are."""
        keys = [key for key_id in KEYS if (key := self.key(key_id))]
        return count(
            self.read.duck,
            self.read.relation,
            " or ".join(f"{key} is null" for key in keys),
        )


class Differences:
    """The differences of two reports, in the table `differences` of an embedded DuckDB.

    A learner who is only in one of them has one row there; a changed cell has one each.
    """

    def __init__(self, old: Side, new: Side) -> None:
        self._duck: duckdb.DuckDBPyConnection = new.read.duck
        self._old, self._new = old, new
        self._common = [
            (old.by_label[label], column)
            for column in new.read.columns
            for label in [column.label.lower()]
            if new.by_label.get(label) is column and label in old.by_label
        ]
        self._pair()
        self._compare()

    def _pair(self) -> None:
        """Finds the rows that are in one report only, or differ.

        It joins hashes of rows, which need little memory. Of 64 bits, those of two different rows
        are equal once in 10 to the power of 19.
        """
        has_course = self._old.key("course_id") and self._new.key("course_id")
        keys = KEYS if has_course else KEYS[1:]
        for name, side, columns in (
            ("old_hashes", self._old, [column for column, _ in self._common]),
            ("new_hashes", self._new, [column for _, column in self._common]),
        ):
            names = ", ".join(f"{side.key(key) or NOTHING} as {key}" for key in KEYS)
            values = ", ".join(column.name for column in columns) or "0"
            self._duck.execute(
                f"create view {name} as select row_number, {names}, hash({values}) as hash "
                f"from {side.read.relation} where {' and '.join(f'{k} is not null' for k in keys)}"
            )
        either = ", ".join(f"coalesce(new.{key}, old.{key}) as {key}" for key in KEYS)
        same = " and ".join(f"new.{key} = old.{key}" for key in keys)
        self._duck.execute(
            f"create table pairs as select {either}, old.row_number as old_row, "
            "new.row_number as new_row from old_hashes as old full join new_hashes as new "
            f"on {same} where old.hash is distinct from new.hash"
        )

    def _compare(self) -> None:
        """Makes the table of the differences."""
        sides = [
            (name, side, [pair[place] for pair in self._common])
            for place, (name, side) in enumerate((("old", self._old), ("new", self._new)))
        ]
        for name, side, columns in sides:
            values = "".join(
                f", {as_kept(column.name)} as v{number}, {side.is_broken(column)} as b{number}"
                for number, column in enumerate(columns, 1)
            )
            self._duck.execute(
                f"create view {name}_cells as select row_number{values} from {side.read.relation}"
            )
        cells = ", ".join(map(self._cell, range(1, len(self._common) + 1)))
        no_cells = "select null, null, null, null, null, null, null, null where false"
        changed = (
            "select cell.change, course_id, batch_id, user_id, cell.number, cell.label, cell.old, "
            f"cell.new from (select course_id, batch_id, user_id, unnest([{cells}]) as cell "
            "from pairs join old_cells as old on old.row_number = old_row "
            "join new_cells as new on new.row_number = new_row) "
            "where cell.old is distinct from cell.new and not cell.is_broken"
        )
        self._duck.execute(
            "create table differences as "
            "select case when old_row is null then 'new' else 'gone' end as change, course_id, "
            f"batch_id, user_id, 0 as number, {NOTHING} as label, {NOTHING} as old, "
            f"{NOTHING} as new from pairs where old_row is null or new_row is null "
            f"union all {changed if self._common else no_cells}"
        )

    def _cell(self, number: int) -> str:
        """Returns a cell of two paired rows as a struct."""
        _, column = self._common[number - 1]
        change = "'changed'"
        if column.id == "completed_on" and not column.assessment_id:
            change = f"case when old.v{number} is null then 'completed' else 'changed' end"
        if column.id == "certificate_status" and not column.assessment_id:
            change = f"case when new.v{number} = 'Issued' then 'certified' else 'changed' end"
        return (
            f"{{'change': {change}, 'number': {number}, "
            f"'label': {literal(column.label, 'duckdb')}, "
            f"'old': old.v{number}, 'new': new.v{number}, "
            f"'is_broken': old.b{number} or new.b{number}}}"
        )

    def learners(self) -> dict[str, int]:
        """Returns the number of learners of each kind of change, and under `cells` of those with
        any changed cell. Learners count in each of their batches."""
        found = self._duck.execute(
            "select change, count(*) from differences where number = 0 "
            "or change in ('completed', 'certified') group by change union all "
            "select 'cells', count(*) from (select distinct batch_id, user_id, course_id "
            "from differences where number > 0)"
        )
        return dict(found.fetchall())

    def cells_by_column(self) -> dict[str, int]:
        """Returns the number of changed cells of each column that has any, by label."""
        found = self._duck.execute(
            "select label, count(*) from differences where number > 0 "
            "group by number, label order by number"
        )
        return dict(found.fetchall())

    def total(self) -> int:
        return count(self._duck, "differences")

    def select(self, fields: str = FIELDS) -> str:
        """Returns a SELECT of the differences, by batch and learner, and then by column."""
        return f"select {fields} from differences order by batch_id, user_id, course_id, number"

    def first(self, limit: int | None) -> Iterator[tuple[Any, ...]]:
        """Yields the first differences, or all of them."""
        rows = self._duck.execute(self.select() + (f" limit {limit}" if limit is not None else ""))
        yield from rows.fetchall()
