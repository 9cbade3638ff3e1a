"""Measures what files for spreadsheet programs cost, from rows in an embedded DuckDB.

python -m bench.formats [--rows 1000000]
"""

import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from bench.measure import clean_environment, run
from exhaust.reports.formats import Format
from exhaust.reports.table import CONFIG, ReportColumn, Rows

TEXTS = {
    "course_id": "'do_31300000000000000001'",
    "course_name": "'Foundational Literacy and Numeracy'",
    "batch_id": "'0130300000000000' || (101 + i % 5)",
    "batch_name": "'Term 1, June 2024'",
    "user_id": "cast(uuid() as varchar)",
    "state": "['Tamil Nadu', 'Uttar Pradesh', 'बिहार'][1 + i % 3]",
    "district": "['Madurai', 'लखनऊ', 'Salem', 'Patna'][1 + i % 4]",
    "org_name": "'State organisation ' || i % 50",
    "school_id": "'0929050' || lpad(cast(i % 9999 as varchar), 4, '0')",
    "school_name": "'PUPS, school number ' || i % 9999",
    "block": "'Block ' || i % 300",
    "cluster": "['கப்பலூர்', 'Kasmandi'][1 + i % 2]",
    "user_type": "'teacher'",
    "user_sub_type": "if(i % 3 = 0, 'hm', null)",
    "declared_board": "'State (Tamil Nadu)'",
    "certificate_status": "if(i % 2 = 0, 'Issued', null)",
}
OTHERS = {
    "enrolled_on": ("date", "strftime(date '2024-06-01' + cast(i % 60 as int), '%d/%m/%Y')"),
    "completed_on": (
        "date",
        "if(i % 2 = 0, strftime(date '2024-07-01' + cast(i % 60 as int), '%d/%m/%Y'), null)",
    ),
    "progress": ("number", "cast(i % 101 as varchar)"),
    "total_score": ("percent", "if(i % 5 > 0, (i % 101) || '%', null)"),
} | {
    f"do_{number}": ("score", f"if(hash(i + {number}) % 4 > 0, (hash(i) % 101) || '%', null)")
    for number in range(1, 11)
}
VALUES = {name: ("text", value) for name, value in TEXTS.items()} | OTHERS
"""The columns of a report with ten assessments: their kinds and values, as SQL of the row i."""


def _columns() -> list[ReportColumn]:
    columns = [
        ReportColumn(f"c{position}", name, name, name, kind)
        for position, (name, (kind, _)) in enumerate(VALUES.items(), 1)
    ]
    return [
        replace(column, assessment_id=column.id, assessment_ordinal=1)
        if column.kind == "score"
        else column
        for column in columns
    ]


def _create(file: Path, rows: int) -> None:
    values = ", ".join(
        f"{value} as {column.name}"
        for column, (_, value) in zip(_columns(), VALUES.values(), strict=True)
    )
    with duckdb.connect(file) as duck:
        duck.execute("select setseed(0)")
        duck.execute(f"create table report as select {values} from range({rows}) as numbers (i)")


def write(path: str, number: str, name: str) -> None:
    """Writes the rows of a database next to it; `nothing` only opens it."""
    database, rows = Path(path), int(number)
    with duckdb.connect(database, config=CONFIG) as duck:
        report = Rows(duck, "report", _columns(), [], rows)
        if name == "nothing":
            return
        with database.with_name("report").open("wb") as file:
            if name == Format.CSV_EXCEL:
                from exhaust.reports.formats.csv_excel import write_csv_excel

                write_csv_excel(report, file, lambda _: None)
            else:
                from exhaust.reports.formats.xlsx import write_xlsx
                from exhaust.reports.formats.xlsx.about import About

                now = datetime(2026, 11, 26, tzinfo=UTC).replace(tzinfo=None)
                about = About(
                    *("do_1", None, [], None, None, now, "UTC", rows, {}, [], None, "", "bench")
                )
                write_xlsx(report, about, file, database.parent, lambda _: None)


def main(
    rows: Annotated[int, typer.Option(help="Rows of the report.")] = 1_000_000,
) -> None:
    """Measure each format: half a minute for a million rows on two cores."""
    print("| format | wall s | cpu s | peak MB | MB written |")
    print("| --- | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory(prefix="exhaust-formats-") as name:
        folder = Path(name)
        _create(folder / "rows.duckdb", rows)
        for what in ("nothing", Format.CSV_EXCEL, Format.XLSX):
            call = "import sys; from bench.formats import write; write(*sys.argv[1:])"
            arguments = [str(folder / "rows.duckdb"), str(rows), str(what)]
            cost = run([sys.executable, "-c", call, *arguments], clean_environment(), folder)
            report = folder / "report"
            written = report.stat().st_size / 1e6 if report.exists() else 0
            figures = f"{cost.wall:.1f} | {cost.cpu:.1f} | {cost.peak_mb:.0f} | {written:.1f}"
            print(f"| {what} | {figures} |")


if __name__ == "__main__":
    typer.run(main)
