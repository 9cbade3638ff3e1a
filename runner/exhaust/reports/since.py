"""Leaves out the rows that an earlier report already had, unchanged."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from exhaust.errors import DataError
from exhaust.reports.changes import broken_values
from exhaust.reports.earlier import Earlier
from exhaust.reports.reading import ReadBack, read_report
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
    for number, file in enumerate(earlier.files, 1):
        read = _read(duck, f"{old}_{number}", file, earlier.password, scratch)
        _add(duck, old, file, read, columns)
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


def _read(
    duck: "duckdb.DuckDBPyConnection",
    relation: str,
    file: Path,
    password: str | None,
    scratch: Path,
) -> ReadBack:
    path = receipt_path(file)
    receipt = ReadReceipt.of(path) if path.is_file() else None
    read = read_report(file, receipt, duck, relation, scratch, password)
    for problem in [*read.faults, *broken_values(file, read, receipt)]:
        raise DataError(
            f"{visible(file)} was changed, so what is new since then is not known: {problem}.",
            "Give the file as it was exported.",
        )
    return read


def _add(
    duck: "duckdb.DuckDBPyConnection",
    old: str,
    file: Path,
    read: ReadBack,
    columns: Sequence[ReportColumn],
) -> None:
    """Adds the rows of an earlier file to a table, in the columns of the new report."""
    names = {column.label.lower(): column.name for column in read.columns}
    of_id = {column.id: column.name for column in read.columns if not column.assessment_id}
    values = []
    for column in columns:
        name = names.get(column.label.lower()) or of_id.get(column.id)
        if name is None and column.id in KEYS:
            raise DataError(
                f"{visible(file)} does not say whose its rows are: it has no column "
                f"{column.label}.",
                "Give a report that has it.",
            )
        values.append("null" if name is None else as_kept(name))
    duck.execute(f"insert into {old} select {', '.join(values)} from {read.relation}")
    read.drop()
