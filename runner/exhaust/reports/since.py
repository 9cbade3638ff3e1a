"""Leaves out the rows that an earlier report already had, unchanged."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from exhaust.errors import DataError
from exhaust.reports.changes import broken_values
from exhaust.reports.columns import Columns
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
    columns: Columns,
    earlier: Earlier,
    scratch: Path,
) -> None:
    """Creates the table `target` of the rows of `source` that the earlier report does not have.

    The rows keep their order. The columns of the new file are compared that the earlier report has
    too, and scores: an assessment that it lacks counts as not attempted. Values are compared as
    spreadsheet programs keep them. Raises DataError if a file cannot be read, was changed, or does
    not say whose its rows are.
    """
    read = [
        _read(duck, f"earlier_{number}", file, earlier.password, scratch)
        for number, file in enumerate(earlier.files, 1)
    ]
    keys = [column for column in (*columns.shown, *columns.hidden) if column.id in KEYS]
    for file, one in zip(earlier.files, read, strict=True):
        _check_keys(file, one, keys)
    others = [
        column
        for column in columns.shown
        if column not in keys
        and (column.kind == "score" or all(one.value(column) is not None for one in read))
    ]
    duck.execute(f"create table earlier as {' union all '.join(_select(keys, others, read))}")
    is_same = " and ".join(
        [
            *(f"{source}.{key.name} = earlier.{key.name}" for key in keys),
            *(
                f"{as_kept(f'{source}.{one.name}')} is not distinct from earlier.{one.name}"
                for one in others
            ),
        ]
    )
    duck.execute(
        f"create table {target} as select * exclude (position) from (select {source}.*, "
        f"{source}.rowid as position from {source} anti join earlier on {is_same}) "
        "order by position"
    )
    for one in read:
        one.drop()
    duck.execute(f"drop table earlier; drop table {source}")


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


def _check_keys(file: Path, read: ReadBack, keys: Sequence[ReportColumn]) -> None:
    missing = [key.label for key in keys if read.value(key) is None]
    if missing:
        raise DataError(
            f"{visible(file)} does not say whose its rows are: it has no column "
            f"{' and no column '.join(missing)}.",
            "Give a report with these columns.",
        )


def _select(
    keys: Sequence[ReportColumn], others: Sequence[ReportColumn], read: Sequence[ReadBack]
) -> Iterator[str]:
    """Yields a SELECT of the rows of each earlier file, in the columns of the new one."""
    for one in read:
        values = ", ".join(
            f"{as_kept(one.value(column) or 'cast(null as varchar)')} as {column.name}"
            for column in (*keys, *others)
        )
        yield f"select {values} from {one.relation}"
