"""The receipt next to a report file: what the file contains, as of when, and how to verify it."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from exhaust.marts.entities import Batch, Course, Requester
from exhaust.marts.records import Build
from exhaust.project.package import DISTRIBUTION
from exhaust.reports.earlier import Earlier
from exhaust.reports.files import MAX_NAME_BYTES, RECEIPT, fitting
from exhaust.reports.form import ReportForm
from exhaust.reports.formats import Format
from exhaust.reports.signature import Signer
from exhaust.reports.table import ReportColumn

VERSION = 1
"""The version of the receipt's own form."""


def receipt_path(file: Path) -> Path:
    """Returns the path of a report file's receipt."""
    return file.with_name(fitting(file.name, RECEIPT, MAX_NAME_BYTES))


@dataclass(frozen=True)
class Origin:
    """What all reports of one run have in common."""

    build: Build
    engine: str
    engine_version: str
    exported_at: datetime
    requester: Requester | None
    form: ReportForm
    request_ids: Mapping[str, str]
    """The IDs of the requests in the ledger, by course ID."""
    signer: Signer | None
    earlier: Earlier | None = None


@dataclass(frozen=True)
class Digest:
    """The size and the SHA-256 of a file."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class CountedBatch:
    """A batch as a file has it."""

    id: str
    name: str | None
    rows: int
    left_out: dict[str, int]
    """Its enrolments that are not rows of the file, by reason."""

    @classmethod
    def of(cls, batch: Batch) -> "CountedBatch":
        """Returns a batch of which the file has all rows."""
        return cls(batch.id, batch.batch_name, batch.enrolled, batch.left_out)

    @property
    def enrolments(self) -> int:
        return self.rows + sum(self.left_out.values())


@dataclass(frozen=True)
class Contents:
    """What one report file contains."""

    course: Course
    batches: Sequence[CountedBatch]
    are_all_batches: bool
    root_org_id: str | None
    """The root organisation of its learners, if it has only those of one."""
    columns: Sequence[ReportColumn]
    twin_sha256: str | None = None
    """The SHA-256 of the same rows and columns as the default CSV; None for just that."""
    values_sha256: str | None = None
    """The same of what spreadsheet programs keep of the values; None for CSV."""
    split: Mapping[str, str | None] | None = None

    @property
    def rows(self) -> int:
        return sum(batch.rows for batch in self.batches)

    @property
    def left_out(self) -> dict[str, int]:
        """Enrolments that are not rows, by reason."""
        left_out: Counter[str] = Counter()
        for batch in self.batches:
            left_out.update(batch.left_out)
        return dict(left_out)

    def with_twin(self, sha256: str) -> "Contents":
        return replace(self, twin_sha256=sha256)


def make_receipt(file: Path, contents: Contents, digest: Digest, origin: Origin) -> bytes:
    """Returns the receipt of a file as JSON: first the version of its form, last a signature."""
    build = origin.build
    content: Mapping[str, Any] = {
        "receipt": VERSION,
        "file": file.name,
        "bytes": digest.bytes,
        "sha256": digest.sha256,
        "rows": contents.rows,
        "enrolments": contents.rows + sum(contents.left_out.values()),
        "left_out": contents.left_out,
        "course": {"id": contents.course.id, "name": contents.course.course_name},
        "batches": [
            {
                "id": batch.id,
                "name": batch.name,
                "rows": batch.rows,
                "enrolments": batch.enrolments,
                "left_out": batch.left_out,
            }
            for batch in contents.batches
        ],
        "filters": {
            "batches": None if contents.are_all_batches else [b.id for b in contents.batches],
            "root_org_id": contents.root_org_id,
        },
        "request": origin.request_ids.get(contents.course.id),
        "requester": origin.requester and origin.requester.user_id,
        "layout": origin.form.layout,
        **dict(_form(contents, origin)),
        "columns": [
            {"id": column.id, "label": column.label, "kind": column.kind}
            for column in contents.columns
        ],
        "data": {
            "newest_activity_at": _utc(build.newest_activity_at),
            "loaded_at": _utc(build.loaded_at),
            "oldest_loaded_at": _utc(build.oldest_loaded_at),
        },
        "build": {
            "id": build.id,
            "started_at": _utc(build.started_at),
            "ended_at": _utc(build.ended_at),
            "exhaust": build.exhaust_version,
            "tests": build.needed_tests,
            "variables": build.variables,
        },
        "exported_at": _utc(origin.exported_at),
        "report_timezone": build.report_timezone,
        "engine": {"name": origin.engine, "version": origin.engine_version},
        "exhaust": own_version(),
    }
    if origin.signer:
        content = origin.signer.sign(content)
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def _form(contents: Contents, origin: Origin) -> Iterator[tuple[str, Any]]:
    """Yields what a file is that is not the default CSV."""
    form = origin.form
    if form.format is not Format.CSV:
        yield "format", form.format
    if form.is_protected:
        yield "protected", True
    if any(column.header != column.label for column in contents.columns):
        yield "headers", [column.header for column in contents.columns]
    if contents.twin_sha256:
        yield "twin_sha256", contents.twin_sha256
    if contents.values_sha256:
        yield "values_sha256", contents.values_sha256
    if form.split_by and contents.split:
        yield "split", {"by": form.split_by, "value": contents.split}
    if origin.earlier:
        yield (
            "since",
            {
                "files": [file.name for file in origin.earlier.files],
                "request": origin.earlier.request_id,
            },
        )


@cache
def own_version() -> str:
    return version(DISTRIBUTION)


def _utc(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None
