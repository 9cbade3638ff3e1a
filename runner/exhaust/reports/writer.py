"""Report files, each with its receipt: the engine writes the rows, only bytes pass here."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

from exhaust.cli.display import Progress, counted, visible
from exhaust.errors import DataError
from exhaust.marts.courses import Batch, Course
from exhaust.project.settings import Settings
from exhaust.project.sql import COLUMN, assessment_attempts, course_report
from exhaust.reports.files import csv_line, is_device, plain_errors, whole_file
from exhaust.reports.layout import Column, Layout, assessments, sunbird_plan
from exhaust.reports.receipt import Contents, Origin, make_receipt, receipt_path
from exhaust.warehouse import Warehouse

MAX_COLUMNS = {"postgres": 1664}
"""How many columns a SELECT can have, where that is few."""

STANDARD_OUTPUT = "-"
NOBODY = ""
"""A root organisation that no learner has."""


@dataclass(frozen=True)
class Job:
    """A report file to be written."""

    course: Course
    batches: Sequence[Batch]
    are_all_batches: bool
    file: Path | None
    """None is standard output."""

    @property
    def rows(self) -> int:
        return sum(batch.enrolled for batch in self.batches)


@dataclass(frozen=True)
class ReportFile:
    """A report that was written."""

    course_id: str
    batches: dict[str, int]
    """Their rows, by id."""
    file: str
    receipt: str | None
    """None for standard output, and for a device."""
    rows: int
    bytes: int
    sha256: str
    left_out: dict[str, int]
    """Enrolments that are no row, by reason."""


class Writer:
    """Writes the jobs of one run."""

    def __init__(
        self,
        warehouse: Warehouse,
        settings: Settings,
        origin: Origin,
        standard_output: BinaryIO,
        progress: Progress,
        jobs: Sequence[Job],
    ) -> None:
        self._warehouse = warehouse
        self._settings = settings
        self._origin = origin
        self._standard_output = standard_output
        self._progress = progress
        self._jobs = jobs
        self._expected = sum(job.rows for job in jobs)
        self._lines = 0
        self._plan = cache(self._read_plan)
        self._relation = warehouse.relation(settings.profile.schema, "course_progress")

    def write_all(self) -> list[ReportFile]:
        """Several small files at once, if the engine can, which writes one on one core."""
        at_once = min(len(self._jobs), self._warehouse.copies_at_once)
        # Read here, one after the other: only `copy_out` may be in several threads.
        plans = map(self._columns, self._jobs)
        if at_once < 2:
            return list(map(self._write, self._jobs, plans))
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(self._write, self._jobs, plans))

    def _write(self, job: Job, columns: Sequence[Column]) -> ReportFile:
        select = course_report(
            self._settings.project_dir,
            engine=self._warehouse.engine,
            relation=self._relation,
            columns=columns,
            course_id=job.course.id,
            batch_ids=[batch.id for batch in job.batches],
            root_org_id=self._root_org_id(job),
        )
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

        with self._open(job.file) as file:
            write(csv_line([column["label"] for column in columns]))
            rows = self._warehouse.copy_out(select, write_rows) if job.batches else 0
            if rows != job.rows:
                raise DataError(
                    f"The report of {visible(job.course.id)} has {counted(rows, 'row')}, and its "
                    f"batches count {counted(job.rows, 'learner')}.",
                    "The build is not whole. Run `exhaust build` again.",
                )
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
            # Before the file takes its name: there is none without a receipt.
            receipt = self._write_receipt(job.file, contents)
        return ReportFile(
            course_id=job.course.id,
            batches={batch.id: batch.enrolled for batch in job.batches},
            file=STANDARD_OUTPUT if job.file is None else str(job.file),
            receipt=receipt,
            rows=rows,
            bytes=size,
            sha256=contents.sha256,
            left_out=contents.left_out,
        )

    def _write_receipt(self, file: Path | None, contents: Contents) -> str | None:
        if file is None or is_device(file):
            return None
        path = receipt_path(file)
        with whole_file(path) as stream:
            stream.write(make_receipt(file, contents, self._origin))
        return str(path)

    def _root_org_id(self, job: Job) -> str | None:
        """The root organisation whose learners alone are written; None: all are."""
        requester = self._origin.requester
        if requester is None or all(batch.sees_all_learners for batch in job.batches):
            return None
        return requester.root_org_id or NOBODY

    def _open(self, file: Path | None) -> AbstractContextManager[BinaryIO]:
        return self._open_standard_output() if file is None else whole_file(file)

    @contextmanager
    def _open_standard_output(self) -> Iterator[BinaryIO]:
        with plain_errors("Standard output"):
            yield self._standard_output

    def _advance(self, job: Job, lines: int) -> None:
        # Lines are a little more than rows where a value holds a line break.
        self._lines += lines
        share = min(1.0, self._lines / self._expected) if self._expected else 1.0
        self._progress(job.course.name or job.course.id, share)

    def _columns(self, job: Job) -> Sequence[Column]:
        """The columns of a file, in order."""
        plan = self._plan(job.course.id)
        scores = assessments(plan)
        if self._origin.layout == Layout.EXHAUST:
            return plan
        if not scores or not job.batches:
            return sunbird_plan(plan, [0] * len(scores))
        (attempts,) = self._warehouse.query(
            assessment_attempts(
                self._settings.project_dir,
                engine=self._warehouse.engine,
                relation=self._relation,
                assessments=scores,
                course_id=job.course.id,
                batch_ids=[batch.id for batch in job.batches],
                root_org_id=self._root_org_id(job),
            )
        )
        return sunbird_plan(plan, attempts)

    def _read_plan(self, course_id: str) -> list[Column]:
        """The header plan of a course, in order."""
        plan = self._warehouse.relation(self._settings.profile.schema, "course_report_columns")
        rows = self._warehouse.query(
            f"select {', '.join(COLUMN)} from {plan} "
            f"where course_id = {self._warehouse.literal(course_id)} order by ordinal"
        )
        most = MAX_COLUMNS.get(self._warehouse.engine)
        if most and len(rows) > most:
            raise DataError(
                f"The report of {visible(course_id)} has {len(rows):,} columns, and "
                f"{self._warehouse.engine} can write {most:,} at most.",
                "Load and build on DuckDB to export this course.",
            )
        return [dict(zip(COLUMN, row, strict=True)) for row in rows]
