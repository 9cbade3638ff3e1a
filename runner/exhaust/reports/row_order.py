"""The order of a report's rows: by batch ID, then user ID, bytewise."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from exhaust.errors import DiskFull
from exhaust.reports.receipt_reader import ReadReceipt
from exhaust.reports.value_changes import SCIENTIFIC, true_id

Key = tuple[str, str]
"""A batch ID and a user ID. Strings of Python have the order of their UTF-8."""


@dataclass(frozen=True)
class Row:
    number: int
    key: Key | None
    """None if the IDs of the row are too damaged to know its rank."""
    line: bytes
    """The row as exhaust writes it."""
    original: bytes
    """The same with the texts that were misread put right."""


class RowKeys:
    """Finds the keys of rows by the labels of the columns."""

    def __init__(self, labels: Sequence[str], receipt: ReadReceipt) -> None:
        lower = [label.lower() for label in labels]
        names = ("batch id", "user uuid")
        self._columns = [lower.index(name) for name in names if name in lower]
        self._batch_ids = receipt.ids["batch id"]

    def of(self, values: Sequence[str]) -> Key | None:
        """Returns the key of a row; None if its IDs are missing or too damaged."""
        if len(self._columns) < 2 or len(values) <= max(self._columns):
            return None
        batch, user = (values[column] for column in self._columns)
        batch_id = true_id(batch, self._batch_ids)
        # IDs that became numbers can be equal without being the same learner.
        return None if batch_id is None or SCIENTIFIC.fullmatch(user) else (batch_id, user)


class OrderCheck:
    """Finds rows that are out of order, and learners who are in a batch twice."""

    def __init__(self) -> None:
        self._last: Key | None = None
        self.first_out_of_order: tuple[int, str] | None = None
        """The number and the user ID of a row."""
        self.duplicates = 0
        """Complete only if the rows are in order."""
        self.first_duplicate: tuple[int, str] | None = None

    def add(self, row: Row) -> None:
        if row.key is None:
            return
        found = (row.number, row.key[1])
        if self._last is not None and row.key < self._last:
            self.first_out_of_order = self.first_out_of_order or found
        if row.key == self._last:
            self.duplicates += 1
            self.first_duplicate = min(self.first_duplicate or found, found)
        self._last = row.key


def in_order(rows: Iterable[Row]) -> Iterator[Row]:
    """Yields rows in the report's order. Sorts on disk, in a temporary file, if there are many.

    Raises DiskFull.
    """
    try:
        with closing(sqlite3.connect("")) as database:
            database.execute("pragma journal_mode = off")
            database.execute("create table rows (batch, user, number, line, original)")
            database.executemany(
                "insert into rows values (?, ?, ?, ?, ?)",
                ((*(row.key or (None, None)), row.number, row.line, row.original) for row in rows),
            )
            for batch, user, *row in database.execute(
                "select batch, user, number, line, original from rows order by batch, user, number"
            ):
                number, line, original = row
                yield Row(number, None if batch is None else (batch, user), line, original)
    except sqlite3.OperationalError as error:
        raise DiskFull(str(error)) from error
