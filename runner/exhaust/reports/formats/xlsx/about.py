"""The sheet About: what the report is, as of when, and what each column says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from exhaust.reports.formats.xlsx.descriptions import description
from exhaust.reports.formats.xlsx.page import Page
from exhaust.reports.table import ReportColumn, Rows
from exhaust.text import local_minute


@dataclass(frozen=True)
class AboutBatch:
    """A batch of a report."""

    id: str
    name: str | None
    rows: int


@dataclass(frozen=True)
class About:
    """What a workbook says of its report; times are UTC."""

    course_id: str
    course_name: str | None
    batches: Sequence[AboutBatch]
    newest_activity_at: datetime | None
    loaded_at: datetime | None
    built_at: datetime
    zone: str
    """The time zone of the report."""
    enrolments: int
    left_out: Mapping[str, int]
    """Enrolments that are not rows, by reason: the rest are the rows."""
    filters: Sequence[str]
    """What was asked for, in words; empty for all rows and columns."""
    request_id: str | None
    twin_sha256: str
    """The SHA-256 of the default CSV with the same rows and columns."""
    exhaust_version: str
    notes: Sequence[str] = ()


def write_about(page: Page, about: About, rows: Rows, notes: Sequence[str]) -> None:
    """Writes the sheet; `notes` are those of the format, next to those of the report."""
    page.title(f"About this report: {about.course_name or about.course_id}")
    page.pairs(
        [
            ("Course", about.course_name or ""),
            ("Course ID", about.course_id),
            *_as_of(about),
            ("Request", about.request_id or ""),
            ("SHA-256 of the same report as CSV", about.twin_sha256),
            ("Made by", f"exhaust {about.exhaust_version}"),
        ]
    )
    page.table(
        ("Batch ID", "Batch", "Rows"),
        [(batch.id, batch.name or "", batch.rows) for batch in about.batches],
    )
    page.table(
        ("Rows of this file", "", "Enrolments"),
        [
            ("Enrolments", "", about.enrolments),
            *((f"Left out: {reason}", "", -count) for reason, count in about.left_out.items()),
            ("Rows", "", rows.rows),
        ],
    )
    page.table(("Filters",), [(line,) for line in about.filters or ("None: all rows and columns",)])
    if lines := [*about.notes, *notes]:
        page.table(("Notes",), [(line,) for line in lines])
    page.table(("Column", "What it says"), list(_columns(rows.columns)))


def _as_of(about: About) -> Iterator[tuple[str, str]]:
    for name, moment in (
        ("Newest activity in the data", about.newest_activity_at),
        ("Data loaded", about.loaded_at),
        ("Report built", about.built_at),
    ):
        if moment:
            yield name, f"{local_minute(moment, about.zone)} ({about.zone})"


def _columns(columns: Sequence[ReportColumn]) -> Iterator[tuple[str, str]]:
    for column in columns:
        yield column.header, description(column)
