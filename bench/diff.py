"""Measures `exhaust diff` on reports with planted differences, which it must find exactly.

python -m bench.diff [--small]
"""

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer

from bench.measure import clean_environment, run, size
from exhaust.reports.formats.csv import csv_line
from exhaust.reports.formats.xlsx import write_xlsx
from exhaust.reports.formats.xlsx.about import About, AboutBatch
from exhaust.reports.table import ReportColumn, Rows, as_kept
from exhaust.warehouse.pipe import copy_through_pipe

BIN = Path(sys.executable).parent
COURSE = "do_31300000000000000001"
ASSESSMENTS = 10
ROWS_PER_BATCH = 50_000
EVERY = 100
"""One row in so many differs."""
TIME = "2026-11-23T10:00:00Z"
WORKLOADS = {"csv": 1_000_000, "xlsx": 100_000}

USER = "substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-4' || substr(h, 13, 19)"
DAY = "strftime(date '2025-06-01' + cast(n % 300 as integer), '%d/%m/%Y')"
IS_PLANTED = f"n % {EVERY} = 7"
VALUES = {
    "course_id": ("Collection ID", "text", f"'{COURSE}'"),
    "course_name": ("Collection Name", "text", "'Foundational Literacy, and Numeracy'"),
    "batch_id": (
        "Batch ID",
        "text",
        f"'01303' || lpad(cast(n // {ROWS_PER_BATCH} as varchar), 14, '0')",
    ),
    "batch_name": ("Batch Name", "text", f"'Batch ' || n // {ROWS_PER_BATCH}"),
    "user_id": ("User UUID", "text", USER),
    "state": ("State", "text", "'தமிழ்நாடு'"),
    "district": ("District", "text", "'District ' || n % 37"),
    "org_name": ("Org Name", "text", "'Organisation ' || n % 7"),
    "school_id": ("School ID", "text", "lpad(cast(n % 90000 as varchar), 11, '0')"),
    "school_name": ("School Name", "text", "'அரசு பள்ளி, ' || n % 90000"),
    "block": ("Block Name", "text", "'Block ' || n % 300"),
    "cluster": ("Cluster Name", "text", "'Cluster ' || n % 900"),
    "user_type": ("User Type", "text", "'teacher'"),
    "user_sub_type": ("User Sub Type", "text", "null"),
    "declared_board": ("Declared Board", "text", "'State (Tamil Nadu)'"),
    "enrolled_on": ("Enrolment Date", "date", DAY),
    "completed_on": (
        "Completion Date",
        "date",
        f"case when {IS_PLANTED} then case when is_new then '01/06/2026' end "
        f"when n % 3 = 0 then {DAY} end",
    ),
    "certificate_status": ("Certificate Status", "text", "case when n % 3 = 0 then 'Issued' end"),
    "progress": (
        "Progress",
        "number",
        f"case when {IS_PLANTED} and is_new then 100 else n % 100 end",
    ),
    "total_score": ("Total Score", "percent", "n % 101 || '%'"),
}


def columns() -> list[ReportColumn]:
    fixed = [(id, label, kind) for id, (label, kind, _) in VALUES.items()]
    scores = [(f"do_{n}", f"do_{n} - Score", "score") for n in range(1, ASSESSMENTS + 1)]
    return [
        ReportColumn(f"c{number}", id, label, label, kind, id if kind == "score" else None)
        for number, (id, label, kind) in enumerate([*fixed, *scores], 1)
    ]


def make_report(file: Path, rows: int, *, is_new: bool) -> None:
    """Writes a report of so many rows with its receipt, in the format that its name ends in.

    The new one lacks the first row, has one more, and differs in a hundredth of them in Progress
    and Completion Date.
    """
    values = [value for _, _, value in VALUES.values()]
    values += [f"case when n % {k} = 0 then n % 101 || '%' end" for k in range(2, ASSESSMENTS + 2)]
    select = ", ".join(
        f"cast({value} as varchar) as {column.name}"
        for value, column in zip(values, columns(), strict=True)
    )
    with duckdb.connect() as duck:
        duck.execute("set memory_limit = '2GB'")
        duck.execute(
            f"create table report as select {select} from (select n, md5(cast(n as varchar)) as h, "
            f"{is_new} as is_new from range({int(is_new)}, {rows + int(is_new)}) as r(n)) "
            "order by c3, c5"
        )
        (_write_csv if file.suffix == ".csv" else _write_xlsx)(duck, file, rows)
        batches = duck.execute("select c3, count(*) from report group by c3 order by c3").fetchall()
        values_sha256 = _values_sha256(duck) if file.suffix == ".xlsx" else None
    receipt = _receipt(file, rows, batches)
    if values_sha256:
        receipt |= {"format": "xlsx", "twin_sha256": values_sha256, "values_sha256": values_sha256}
    file.with_name(f"{file.name}.receipt.json").write_text(json.dumps(receipt))


def _write_csv(duck: duckdb.DuckDBPyConnection, file: Path, rows: int) -> None:
    del rows
    with file.open("wb") as stream:
        stream.write(csv_line([column.label for column in columns()]))
        copy_through_pipe(duck, "select * from report", stream.write)


def _write_xlsx(duck: duckdb.DuckDBPyConnection, file: Path, rows: int) -> None:
    about = About(
        course_id=COURSE,
        course_name=None,
        batches=[AboutBatch("0130300000000000000", None, rows)],
        newest_activity_at=None,
        loaded_at=None,
        built_at=datetime(2026, 11, 23),
        zone="Asia/Kolkata",
        enrolments=rows,
        left_out={},
        filters=[],
        request_id=None,
        twin_sha256="0" * 64,
        exhaust_version="0.1.0",
    )
    status = ReportColumn("'Completed'", "status", "Status", "Status", "text")
    with file.open("wb") as stream:
        made = Rows(duck, "report", columns(), [status], rows)
        write_xlsx(made, about, stream, file.parent, lambda _: None)


def _values_sha256(duck: duckdb.DuckDBPyConnection) -> str:
    digest = hashlib.sha256(csv_line([column.label for column in columns()]))
    kept = ", ".join(as_kept(column.name) for column in columns())
    copy_through_pipe(duck, f"select {kept} from report", digest.update)
    return digest.hexdigest()


def _receipt(file: Path, rows: int, batches: Sequence[tuple[str, int]]) -> dict[str, Any]:
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    counts: dict[str, Any] = {"left_out": {}}
    build = {"id": "bench", "started_at": TIME, "ended_at": TIME, "exhaust": None, "tests": None}
    return {
        **{"receipt": 1, "file": file.name, "bytes": size(file), "sha256": sha256},
        **{"rows": rows, "enrolments": rows, **counts},
        "course": {"id": COURSE, "name": None},
        "batches": [
            {"id": id, "name": None, "rows": number, "enrolments": number, **counts}
            for id, number in batches
        ],
        "filters": {"batches": None, "root_org_id": None},
        **{"request": None, "requester": None, "layout": "exhaust"},
        "columns": [{"id": one.id, "label": one.label, "kind": one.kind} for one in columns()],
        "data": {"newest_activity_at": None, "loaded_at": None, "oldest_loaded_at": None},
        "build": {**build, "variables": {}},
        **{"exported_at": TIME, "report_timezone": "Asia/Kolkata", "exhaust": "0.1.0"},
        "engine": {"name": "duckdb", "version": "2.0"},
    }


def expected(rows: int) -> dict[str, int]:
    """Returns what `exhaust diff` has to count."""
    planted = len(range(7, rows, EVERY))
    return {
        "learners_new": 1,
        "learners_gone": 1,
        "learners_completed": planted,
        "learners_certified": 0,
        "learners_changed": planted,
        "learners_unchanged": rows - 1 - planted,
        "cells_changed": 2 * planted,
        "total": 2 * planted + 2,
    }


def measure(folder: Path, divisor: int) -> Iterator[str]:
    """Yields a line of figures for each workload. Raises ValueError for a wrong count."""
    for ending, most in WORKLOADS.items():
        rows = most // divisor
        files = [folder / f"{name}.{ending}" for name in ("old", "new")]
        for file in files:
            make_report(file, rows, is_new=file.stem == "new")
        command = [str(BIN / "exhaust"), "diff", *map(str, files), "--json", "-q"]
        cost = run(command, clean_environment(), folder)
        found = json.loads(cost.output)
        wrong = {key: found[key] for key, value in expected(rows).items() if found[key] != value}
        if wrong or found["old"]["notes"] or found["new"]["notes"]:
            raise ValueError(f"{ending}: {wrong or found['old']['notes'] or found['new']['notes']}")
        yield (
            f"{ending}, 2 x {rows:,} rows: {cost.wall:.1f} s, {cost.cpu:.1f} s of processor, "
            f"{cost.peak_mb:,.0f} MB"
        )


def main(
    small: Annotated[bool, typer.Option("--small", help="A five-hundredth.")] = False,
) -> None:
    """Compares two reports of each format, and prints what that costs."""
    folder = Path(tempfile.mkdtemp(prefix="exhaust-bench-"))
    try:
        for line in measure(folder, 500 if small else 1):
            typer.echo(line)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    typer.run(main)
