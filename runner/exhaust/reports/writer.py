"""Writes report files, each with its receipt: the engine writes the rows, only bytes pass here."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from exhaust.console import STANDARD_OUTPUT, Console
from exhaust.errors import DataError
from exhaust.marts.header_plan import Column, assessments, read_header_plan
from exhaust.marts.state import Marts
from exhaust.project import sql
from exhaust.reports.formats.csv import csv_line
from exhaust.reports.kinds import Kind
from exhaust.reports.layout import Layout, sunbird_plan
from exhaust.reports.pair import new_report
from exhaust.reports.receipt import Contents, Origin, make_receipt, receipt_path
from exhaust.reports.selection import Destination, Job
from exhaust.text import counted, visible

NO_LEARNERS = ""
"""A root organisation that no learner has."""


@dataclass(frozen=True)
class ReportFile:
    """A report that was written."""

    course_id: str
    batches: dict[str, int]
    """Their rows, by ID."""
    file: str
    """The path; `-` for a stream."""
    receipt: str | None
    """None for a stream and for a device."""
    rows: int
    bytes: int
    sha256: str
    left_out: dict[str, int]
    """Enrolments that are not rows, by reason."""


class Writer:
    """Writes the jobs of one run, from one state of the marts."""

    def __init__(
        self,
        marts: Marts,
        kind: Kind,
        origin: Origin,
        jobs: Sequence[Job],
        destination: Destination,
        console: Console,
    ) -> None:
        self._marts = marts
        self._kind = kind
        self._origin = origin
        self._jobs = jobs
        self._destination = destination
        self._console = console
        self._expected = sum(job.rows for job in jobs)
        self._lines = 0
        self._plan = cache(lambda course_id: read_header_plan(marts, kind.header_plan, course_id))

    def write_all(self) -> list[ReportFile]:
        """Writes the files, several at once where the engine writes each with one core."""
        at_once = min(len(self._jobs), self._marts.warehouse.copies_at_once)
        # Read here, one after the other: only `copy_out` may be in several threads.
        plans = map(self._columns, self._jobs)
        if at_once < 2:
            return list(map(self._write, self._jobs, plans))
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(self._write, self._jobs, plans))

    def _write(self, job: Job, columns: Sequence[Column]) -> ReportFile:
        digest = hashlib.sha256()
        size = 0

        def write(data: bytes) -> None:
            nonlocal size
            file.write(data)
            digest.update(data)
            size += len(data)

        def write_rows(data: bytes) -> None:
            write(data)
            self._advance(job, data.count(b"\n"))

        with new_report(
            job.output,
            is_named=self._destination.output is not None,
            is_private=self._destination.is_private,
            publish=self._destination.publish,
        ) as (file, receipt):
            write(csv_line([column["label"] for column in columns]))
            rows = self._copy_out(job, columns, write_rows)
            file.flush()
            contents = Contents(
                course=job.course,
                batches=job.batches,
                are_all_batches=job.are_all_batches,
                root_org_id=self._root_org_id(job),
                columns=columns,
                rows=rows,
                bytes=size,
                sha256=digest.hexdigest(),
            )
            receipt_file = None
            if receipt and isinstance(job.output, Path):
                receipt.write(make_receipt(job.output, contents, self._origin))
                receipt_file = str(receipt_path(job.output))
        return ReportFile(
            course_id=job.course.id,
            batches={batch.id: batch.enrolled for batch in job.batches},
            file=str(job.output) if isinstance(job.output, Path) else STANDARD_OUTPUT,
            receipt=receipt_file,
            rows=rows,
            bytes=size,
            sha256=contents.sha256,
            left_out=contents.left_out,
        )

    def _copy_out(self, job: Job, columns: Sequence[Column], write: Callable[[bytes], None]) -> int:
        """Streams the rows of a job to `write` and returns their number."""
        warehouse = self._marts.warehouse
        select = sql.report(
            self._kind.macro,
            engine=warehouse.engine,
            relation=self._marts.relation(self._kind.rows),
            columns=columns,
            course_id=job.course.id,
            batch_ids=[batch.id for batch in job.batches],
            root_org_id=self._root_org_id(job),
        )
        rows = warehouse.copy_out(select, write) if job.batches else 0
        if rows != job.rows:
            raise DataError(
                f"The report of {visible(job.course.id)} has {counted(rows, 'row')}, but its "
                f"batches count {counted(job.rows, 'learner')}.",
                "The build is incomplete. Run `exhaust build` again.",
            )
        return rows

    def _root_org_id(self, job: Job) -> str | None:
        """Returns the only root organisation whose learners are written; None means all."""
        requester = self._origin.requester
        if requester is None or all(batch.sees_all_learners for batch in job.batches):
            return None
        return requester.root_org_id or NO_LEARNERS

    def _advance(self, job: Job, lines: int) -> None:
        # There are a few more lines than rows where a value has a line break.
        self._lines += lines
        share = min(1.0, self._lines / self._expected) if self._expected else 1.0
        self._console.progress(job.course.name or job.course.id, share)

    def _columns(self, job: Job) -> Sequence[Column]:
        """Returns the columns of a file, in order."""
        plan = self._plan(job.course.id)
        scores = assessments(plan)
        if self._origin.layout == Layout.EXHAUST:
            return plan
        if not scores or not job.batches:
            return sunbird_plan(plan, [0] * len(scores))
        warehouse = self._marts.warehouse
        (attempts,) = warehouse.query(
            sql.assessment_attempts(
                engine=warehouse.engine,
                relation=self._marts.relation(self._kind.rows),
                assessments=scores,
                course_id=job.course.id,
                batch_ids=[batch.id for batch in job.batches],
                root_org_id=self._root_org_id(job),
            )
        )
        return sunbird_plan(plan, attempts)
