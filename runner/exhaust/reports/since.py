"""Leaves out the rows that an earlier report already had, unchanged."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from exhaust.errors import DataError
from exhaust.reports.changes import broken_values
from exhaust.reports.earlier import Earlier
from exhaust.reports.reading import read_report
from exhaust.reports.receipt import receipt_path
from exhaust.reports.receipt_reader import ReadReceipt
from exhaust.reports.table import ReportColumn, as_kept
from exhaust.text import visible

if TYPE_CHECKING:
    import duckdb

KEYS = ("course_id", "batch_id", "user_id")


def leave_out_unchanged(
    duck: "duckdb.DuckDBPyConnection",
    source: str,
    target: str,
    columns: Sequence[ReportColumn],
    earlier: Earlier,
    scratch: Path,
) -> None:
    """Creates the table `target` of the rows of `source` that the earlier report does not have.

    The rows keep their order. Values are compared as spreadsheet programs keep them. A column that
    the earlier report lacks counts as blank there. Raises DataError if a file cannot be read, was
    changed, or does not say whose its rows are.
    """
    old = "earlier"
    types = ", ".join(f"{column.name} varchar" for column in columns)
    duck.execute(f"create table {old} ({types})")
    for file in earlier.files:
        _add(duck, old, file, columns, earlier.password, scratch)
    is_same = " and ".join(
        f"{source}.{column.name} = {old}.{column.name}"
        if column.id in KEYS
        else f"{as_kept(f'{source}.{column.name}')} is not distinct from {old}.{column.name}"
        for column in columns
    )
    duck.execute(
        f"create table {target} as select * exclude (position) from (select {source}.*, "
        f"{source}.rowid as position from {source} anti join {old} on {is_same}) order by position"
    )
    duck.execute(f"drop table {old}")
    duck.execute(f"drop table {source}")


def _add(
    duck: "duckdb.DuckDBPyConnection",
    old: str,
    file: Path,
    columns: Sequence[ReportColumn],
    password: str | None,
    scratch: Path,
) -> None:
    """Adds the rows of an earlier file to a table, in the columns of the new report."""
    path = receipt_path(file)
    receipt = ReadReceipt.of(path) if path.is_file() else None
    read = read_report(file, receipt, duck, "earlier_file", scratch, password)
    if broken := broken_values(file, read, receipt):
        raise DataError(
            f"{visible(file)} was changed, so what is new since then is not known: {broken[0]}.",
            "Give the file as it was exported.",
        )
    values = [read.value(column) for column in columns]
    missing = [
        column.label
        for column, value in zip(columns, values, strict=True)
        if value is None and column.id in KEYS
    ]
    if missing:
        raise DataError(
            f"{visible(file)} does not say whose its rows are: it has no column "
            f"{' and no column '.join(missing)}.",
            "Give a report with these columns.",
        )
    kept = ", ".join("null" if value is None else as_kept(value) for value in values)
    duck.execute(f"insert into {old} select {kept} from earlier_file")
    read.drop()
