"""The index of a split: which file has which learners, how many, and its receipt."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from exhaust.reports.form import ReportForm
from exhaust.reports.formats import Format
from exhaust.reports.formats.csv import write_csv
from exhaust.reports.formats.csv_excel import write_csv_excel
from exhaust.reports.pair import new_index
from exhaust.reports.report_file import ReportFile
from exhaust.reports.selection import Destination
from exhaust.reports.table import ReportColumn, Rows

if TYPE_CHECKING:
    import duckdb

FIELDS = {"File": "text", "Rows": "count", "SHA-256": "text", "Receipt": "text"}


def write_index(
    duck: "duckdb.DuckDBPyConnection",
    path: Path,
    labels: Sequence[str],
    files: Sequence[ReportFile],
    form: ReportForm,
    destination: Destination,
) -> None:
    """Writes a CSV with a row for each file, after their values under the `labels`.

    It is CSV for spreadsheet programs if the files are for them.
    """
    kinds = {"File": "text", **dict.fromkeys(labels, "text"), **FIELDS}
    columns = [
        ReportColumn(f"c{number}", label.lower(), label, label, kind)
        for number, (label, kind) in enumerate(kinds.items(), 1)
    ]
    names = ", ".join(f"{column.name} varchar" for column in columns)
    duck.execute(f"create table split_index ({names})")
    rows = [
        [
            Path(file.file).name,
            *((file.split or {}).get(label) for label in labels),
            str(file.rows),
            file.sha256,
            file.receipt and Path(file.receipt).name,
        ]
        for file in files
    ]
    if rows:
        duck.executemany(f"insert into split_index values ({', '.join('?' * len(columns))})", rows)
    write = write_csv if form.format is Format.CSV else write_csv_excel
    with new_index(
        path,
        is_private=destination.is_private,
        rows=sum(file.rows for file in files),
        publish=destination.publish,
    ) as stream:
        write(Rows(duck, "split_index", columns, [], len(rows)), stream, lambda _: None)
