"""Where the rows of a report file come from: the SELECT of a job, and its columns."""

from collections.abc import Callable, Sequence
from functools import cache

from exhaust.errors import DataError
from exhaust.marts.entities import Requester
from exhaust.marts.header_plan import Column, assessments, read_header_plan
from exhaust.marts.state import Marts
from exhaust.project import sql
from exhaust.reports.columns import Columns, find_columns
from exhaust.reports.form import ReportForm
from exhaust.reports.kinds import Kind
from exhaust.reports.layout import Layout, sunbird_plan
from exhaust.reports.selection import Job
from exhaust.text import counted, visible

NO_LEARNERS = ""
"""A root organisation that no learner has."""


class Source:
    """Reads the rows and columns of jobs from one state of the marts."""

    def __init__(
        self, marts: Marts, kind: Kind, form: ReportForm, requester: Requester | None
    ) -> None:
        self.warehouse = marts.warehouse
        self._marts = marts
        self._kind = kind
        self._form = form
        self._requester = requester
        self._plan = cache(lambda course_id: read_header_plan(marts, kind.header_plan, course_id))

    def columns(self, job: Job) -> Columns:
        """Returns the columns of a job's file. Raises UsageError for names that it has not."""
        columns = find_columns(self._layout(job), self._form)
        most = self.warehouse.max_columns
        if most and len(columns.plan) > most:
            raise DataError(
                f"The report of {visible(job.course.id)} has {len(columns.plan):,} columns, and "
                f"{self.warehouse.engine} can write at most {most:,}.",
                "Load and build on DuckDB to export this course.",
            )
        return columns

    def copy_out(
        self, job: Job, columns: Sequence[Column], write: Callable[[bytes], object]
    ) -> int:
        """Streams the rows of a job as CSV to `write` and returns their number."""
        select = sql.report(
            self._kind.macro,
            engine=self.warehouse.engine,
            relation=self._marts.relation(self._kind.rows),
            details=self._kind.details and self._marts.relation(self._kind.details),
            columns=columns,
            course_id=job.course.id,
            batch_ids=[batch.id for batch in job.batches],
            root_org_id=self.root_org_id(job),
        )
        rows = self.warehouse.copy_out(select, write) if job.batches else 0
        if rows != job.rows:
            raise DataError(
                f"The report of {visible(job.course.id)} has {counted(rows, 'row')}, but its "
                f"batches count {counted(job.rows, 'learner')}.",
                "The build is incomplete. Run `exhaust build` again.",
            )
        return rows

    def root_org_id(self, job: Job) -> str | None:
        """Returns the only root organisation whose learners are written; None means all."""
        if self._requester is None or all(batch.sees_all_learners for batch in job.batches):
            return None
        return self._requester.root_org_id or NO_LEARNERS

    def _layout(self, job: Job) -> Sequence[Column]:
        """Returns the header plan of a course in the form's layout."""
        plan = self._plan(job.course.id)
        scores = assessments(plan)
        if self._form.layout == Layout.EXHAUST:
            return plan
        if not scores or not job.batches:
            return sunbird_plan(plan, [0] * len(scores))
        (attempts,) = self.warehouse.query(
            sql.assessment_attempts(
                engine=self.warehouse.engine,
                relation=self._marts.relation(self._kind.rows),
                assessments=scores,
                course_id=job.course.id,
                batch_ids=[batch.id for batch in job.batches],
                root_org_id=self.root_org_id(job),
            )
        )
        return sunbird_plan(plan, attempts)
