"""The receipt next to a report file: what the file contains, as of when, and how to verify it."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from exhaust.marts.entities import Batch, Course, Requester
from exhaust.marts.header_plan import Column
from exhaust.marts.records import Build
from exhaust.project.package import DISTRIBUTION
from exhaust.reports.files import MAX_NAME_BYTES, RECEIPT, fitting
from exhaust.reports.layout import Layout
from exhaust.reports.signature import Signer

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
    layout: Layout
    request_ids: Mapping[str, str]
    """The IDs of the requests in the ledger, by course ID."""
    signer: Signer | None


@dataclass(frozen=True)
class Contents:
    """What one report file contains."""

    course: Course
    batches: Sequence[Batch]
    are_all_batches: bool
    root_org_id: str | None
    """The root organisation of its learners, if it has only those of one."""
    columns: Sequence[Column]
    rows: int
    bytes: int
    sha256: str

    @property
    def left_out(self) -> dict[str, int]:
        """Enrolments that are not rows, by reason."""
        left_out: Counter[str] = Counter()
        for batch in self.batches:
            left_out.update(batch.left_out)
        return dict(left_out)


def make_receipt(file: Path, contents: Contents, origin: Origin) -> bytes:
    """Returns the receipt of a file as JSON: first the version of its form, last a signature."""
    build = origin.build
    content: Mapping[str, Any] = {
        "receipt": VERSION,
        "file": file.name,
        "bytes": contents.bytes,
        "sha256": contents.sha256,
        "rows": contents.rows,
        "enrolments": contents.rows + sum(contents.left_out.values()),
        "left_out": contents.left_out,
        "course": {"id": contents.course.id, "name": contents.course.course_name},
        "batches": [
            {
                "id": batch.id,
                "name": batch.batch_name,
                "rows": batch.enrolled,
                "enrolments": batch.enrolled + sum(batch.left_out.values()),
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
        "layout": origin.layout,
        "columns": [
            {"label": column["label"], "kind": column["kind"]} for column in contents.columns
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
        "exhaust": _own_version(),
    }
    if origin.signer:
        content = origin.signer.sign(content)
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


@cache
def _own_version() -> str:
    return version(DISTRIBUTION)


def _utc(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None
