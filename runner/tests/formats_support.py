"""Rows of a report in an embedded DuckDB, for the tests of the formats."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path

import duckdb

from exhaust.reports.formats.csv_excel import write_csv_excel
from exhaust.reports.formats.xlsx import write_xlsx
from exhaust.reports.formats.xlsx.about import About, AboutBatch
from exhaust.reports.table import ReportColumn, Rows

FIXED = {
    "course_id": ("Collection ID", "text"),
    "course_name": ("Collection Name", "text"),
    "batch_id": ("Batch ID", "text"),
    "batch_name": ("Batch Name", "text"),
    "user_id": ("User UUID", "text"),
    "state": ("State", "text"),
    "district": ("District", "text"),
    "org_name": ("Org Name", "text"),
    "school_id": ("School ID", "text"),
    "school_name": ("School Name", "text"),
    "block": ("Block Name", "text"),
    "cluster": ("Cluster Name", "text"),
    "user_type": ("User Type", "text"),
    "user_sub_type": ("User Sub Type", "text"),
    "declared_board": ("Declared Board", "text"),
    "enrolled_on": ("Enrolment Date", "date"),
    "completed_on": ("Completion Date", "date"),
    "certificate_status": ("Certificate Status", "text"),
    "progress": ("Progress", "number"),
    "total_score": ("Total Score", "percent"),
}
STATUS = ReportColumn("status", "status", "Status", "Status", "text")

ABOUT = About(
    course_id="do_31300000000000000001",
    course_name="Foundational Literacy",
    batches=[AboutBatch("0130300000000000101", "Term 1, June 2024", 2)],
    newest_activity_at=datetime(2024, 6, 30, 18, 30),
    loaded_at=datetime(2026, 11, 26, 3, 0),
    built_at=datetime(2026, 11, 26, 3, 10),
    zone="Asia/Kolkata",
    enrolments=5,
    left_out={"the enrolment is inactive": 2, "outside the tenant": 1},
    filters=[],
    request_id=None,
    twin_sha256="0f" * 32,
    exhaust_version="0.1.0",
)


def fixed(*ids: str) -> list[ReportColumn]:
    """Returns fixed columns, all of them unless some are named."""
    return [ReportColumn("", name, *(FIXED[name][0],) * 2, FIXED[name][1]) for name in ids or FIXED]


def score(ordinal: int, assessment_id: str, name: str | None = None) -> ReportColumn:
    label = f"{assessment_id} - Score"
    header = f"{name} [{assessment_id}] - Score" if name else label
    return ReportColumn(
        "", assessment_id, label, header, "score", assessment_id, name, assessment_ordinal=ordinal
    )


@contextmanager
def report_rows(
    columns: Sequence[ReportColumn],
    values: Sequence[Mapping[str, str | None]],
    others: Sequence[ReportColumn] = (),
) -> Iterator[Rows]:
    """Makes rows of columns, from the values by ID of each row; a missing one is null."""
    named = [
        replace(column, name=f"c{position}")
        for position, column in enumerate([*columns, *others], 1)
    ]
    with duckdb.connect() as duck:
        names = ", ".join(f"{column.name} varchar" for column in named)
        duck.execute(f"create table report ({names})")
        for row in values:
            marks = ", ".join("?" * len(named))
            duck.execute(
                f"insert into report values ({marks})", [row.get(column.id) for column in named]
            )
        yield Rows(duck, "report", named[: len(columns)], named[len(columns) :], len(values))


def csv_excel(rows: Rows) -> bytes:
    file = BytesIO()
    write_csv_excel(rows, file, lambda _: None)
    return file.getvalue()


def workbook(rows: Rows, file: Path, about: About = ABOUT) -> Path:
    """Writes rows as a workbook into a file of an existing folder, and returns the file."""
    with file.open("wb") as opened:
        write_xlsx(rows, about, opened, file.parent, lambda _: None)
    return file
