"""Writes report files, each with its receipt: the engine writes the rows, only bytes pass here."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import BinaryIO

from exhaust.console import Console
from exhaust.marts.state import Marts
from exhaust.reports.columns import Columns
from exhaust.reports.formats.csv import csv_line
from exhaust.reports.kinds import Kind
from exhaust.reports.receipt import Contents, CountedBatch, Origin
from exhaust.reports.report_file import ReportFile, write_file
from exhaust.reports.selection import Destination, Job
from exhaust.reports.source import Source


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
        self._source = Source(marts, kind, origin.form, origin.requester)
        self._origin = origin
        self._jobs = jobs
        self._destination = destination
        self._console = console
        self._expected = sum(job.rows for job in jobs)
        self._lines = 0.0

    def write_all(self) -> list[ReportFile]:
        """Writes the files, several at once where the engine writes each with one core."""
        # Read here, one after the other: only `copy_out` may be in several threads.
        columns = map(self._source.columns, self._jobs)
        if not self._origin.form.is_plain:
            return list(chain.from_iterable(map(self._write_formatted, self._jobs, columns)))
        at_once = min(len(self._jobs), self._source.warehouse.copies_at_once)
        if at_once < 2:
            return list(map(self._write, self._jobs, columns))
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(self._write, self._jobs, columns))

    def _write(self, job: Job, columns: Columns) -> ReportFile:
        """Writes a CSV as the engine of the warehouse makes it."""

        def make(file: BinaryIO) -> Contents:
            def write_rows(data: bytes) -> None:
                file.write(data)
                self._advance(job, data.count(b"\n"))

            file.write(csv_line([column.header for column in columns.shown]))
            self._source.copy_out(job, columns.plan, write_rows)
            return Contents(
                course=job.course,
                batches=[CountedBatch.of(batch) for batch in job.batches],
                are_all_batches=job.are_all_batches,
                root_org_id=self._source.root_org_id(job),
                columns=columns.shown,
            )

        publish = self._destination.publish
        return write_file(job.output, make, self._origin, self._destination, publish)

    def _write_formatted(self, job: Job, columns: Columns) -> list[ReportFile]:
        from exhaust.reports.formatted import write_formatted

        return write_formatted(
            self._source, job, columns, self._origin, self._destination, self._advance
        )

    def _advance(self, job: Job, lines: float) -> None:
        # There are a few more lines than rows where a value has a line break.
        self._lines += lines
        share = min(1.0, self._lines / self._expected) if self._expected else 1.0
        self._console.progress(job.course.name or job.course.id, share)
