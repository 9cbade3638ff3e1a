"""From the marts to the report's files: the engine writes the rows, only bytes pass here."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from exhaust import catalogue
from exhaust.catalogue import Batch, Course
from exhaust.display import Progress, visible
from exhaust.errors import Busy, NotAllowed, Unfit, UsageError
from exhaust.files import check_file, file_name, make_folder, plain_errors, whole_file
from exhaust.settings import Settings
from exhaust.sql import course_report, literal, relation
from exhaust.warehouse import Warehouse

PATIENCE = 10.0
"""Seconds that a running build is waited for."""

MOST_COLUMNS = {"postgres": 1664}
"""How many columns a SELECT can have, where that is few."""

STANDARD_OUTPUT = "-"
RETIRED = "Retired"


@dataclass(frozen=True)
class Request:
    """What is to be exported, and where to."""

    courses: Sequence[str] = ()
    all_courses: bool = False
    batches: Sequence[str] = ()
    output: str | None = None
    output_dir: Path | None = None

    def check(self) -> None:
        """UsageError if the parts do not go together, or the output cannot be a file."""
        is_one_course = len(self.courses) == 1 and not self.all_courses
        if self.all_courses and self.courses:
            raise UsageError("--all and a COURSE were given.", "Give one or the other.")
        if not self.all_courses and not self.courses:
            raise UsageError("No COURSE was given.", "Give an id or a name, or --all.")
        if self.batches and not is_one_course:
            raise UsageError("-b goes with one course.", "Export the other courses by themselves.")
        if self.output is not None and not is_one_course:
            raise UsageError("-o goes with one course.", "Use --output-dir: one file a batch.")
        if self.output is not None and self.output_dir is not None:
            raise UsageError("-o and --output-dir were given.", "Give one or the other.")
        if self.output is not None and self.output != STANDARD_OUTPUT:
            check_file(Path(self.output))


@dataclass(frozen=True)
class ReportFile:
    """A report that was written."""

    course_id: str
    batch_ids: list[str]
    file: str
    rows: int
    bytes: int
    left_out: dict[str, int]
    """Enrolments that are no row, by reason."""


@dataclass(frozen=True)
class ExportReport:
    files: list[ReportFile]
    retired: list[Course]
    """Courses that --all passed by."""
    without_batches: list[Course]


@dataclass(frozen=True)
class _Job:
    course: Course
    batches: list[Batch]
    file: Path | None
    """None is standard output."""

    @property
    def rows(self) -> int:
        return sum(batch.enrolled for batch in self.batches)


def today(zone: ZoneInfo) -> date:
    """The day it is in a time zone."""
    return datetime.now(zone).date()


def export(
    warehouse: Warehouse,
    settings: Settings,
    request: Request,
    *,
    standard_output: BinaryIO,
    notify: Callable[[str], None],
    progress: Progress,
    today: Callable[[ZoneInfo], date] = today,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> ExportReport:
    """Writes the reports that are asked for, all from one state of the warehouse.

    Raises Unfit if the marts are not built or their build failed, Busy while they are being built,
    NotFound, Ambiguous, NotAllowed for a retired course, UsageError for a path that cannot be
    written. What the reader of standard output causes (BrokenPipeError) passes through.
    """
    schema = settings.profile.schema
    catalogue.check_built(warehouse, schema)
    _warn_of_newer_load(warehouse, settings, notify)
    with _built_marts(warehouse, schema, notify, clock, sleep):
        courses, retired = _chosen_courses(catalogue.courses(warehouse, schema), request)
        batches = _chosen_batches(warehouse, schema, courses, request)
        jobs = _jobs(courses, batches, request, today(settings.report_timezone))
        writer = _Writer(warehouse, settings, standard_output, progress, jobs)
        return ExportReport(
            files=writer.write_all(jobs),
            retired=retired,
            without_batches=[course for course in courses if not batches[course.id]],
        )


@contextmanager
def _built_marts(
    warehouse: Warehouse,
    schema: str,
    notify: Callable[[str], None],
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> Iterator[None]:
    """One state of the marts, made by a build that ended well."""
    relations = [relation(schema, mart) for mart in catalogue.MARTS]
    deadline = clock() + PATIENCE
    is_waiting = False
    while True:
        with warehouse.snapshot(relations):
            build = _newest_build(warehouse, schema)
            # A DuckDB file that is open here cannot be changed by a build: nothing to wait for.
            if build.status != "running" or warehouse.engine == "duckdb" or clock() >= deadline:
                build.check()
                yield
                return
        if not is_waiting:
            notify(f"A build that began at {_minute(build.started_at)} is running: waiting ...")
            is_waiting = True
        sleep(0.5)


@dataclass(frozen=True)
class _Build:
    status: str
    started_at: datetime

    def check(self) -> None:
        if self.status == "running":
            raise Busy(
                f"A build began at {_minute(self.started_at)} and has not ended.",
                "Try again when it has. If it was killed, run `exhaust build` again.",
            )
        if self.status != "success":
            raise Unfit(
                f"The build of {_minute(self.started_at)} failed: its report cannot be trusted.",
                "Run `exhaust build`: it says what is wrong with the data.",
            )


def _newest_build(warehouse: Warehouse, schema: str) -> _Build:
    rows = warehouse.query(
        f"select status, started_at from {relation(schema, 'builds')} "
        "order by started_at desc limit 1"
    )
    if not rows:
        raise Unfit(f"Nothing is built in {warehouse.name}.", "Run `exhaust build`.")
    return _Build(*rows[0])


def _warn_of_newer_load(
    warehouse: Warehouse, settings: Settings, notify: Callable[[str], None]
) -> None:
    """Says so if the report is older than what is loaded."""
    if "loads" not in warehouse.tables(settings.landing_schema):
        return
    loads = relation(settings.landing_schema, "loads")
    builds = relation(settings.profile.schema, "builds")
    ((loaded_at, built_at),) = warehouse.query(
        f"select (select max(loaded_at) from {loads}), "
        f"(select max(started_at) from {builds} where command <> 'test')"
    )
    if loaded_at and built_at and loaded_at > built_at:
        notify(
            f"warning: data was loaded at {_minute(loaded_at)}, after the build of "
            f"{_minute(built_at)}, and is not in the report. `exhaust build` brings it in."
        )


def _chosen_courses(
    courses: Sequence[Course], request: Request
) -> tuple[list[Course], list[Course]]:
    """The courses to export, and the retired ones that --all passes by."""
    if request.all_courses:
        return (
            [course for course in courses if course.status != RETIRED],
            [course for course in courses if course.status == RETIRED],
        )
    named = [catalogue.resolve_course(courses, text) for text in request.courses]
    for course in named:
        if course.status == RETIRED:
            raise NotAllowed(
                "The request is made for retired collection: "
                f"{visible(course.id)} {visible(course.name)}",
                "Nobody can export a retired course.",
            )
    return list(dict.fromkeys(named)), []


def _chosen_batches(
    warehouse: Warehouse, schema: str, courses: Sequence[Course], request: Request
) -> dict[str, list[Batch]]:
    """Those of each course, by id."""
    chosen: dict[str, list[Batch]] = {course.id: [] for course in courses}
    wanted: Sequence[str | None] = [None] if request.all_courses else list(chosen)
    for course_id in wanted:
        for batch in catalogue.batches(warehouse, schema, course_id):
            if batch.course_id in chosen:
                chosen[batch.course_id].append(batch)
    if request.batches:
        ((only, of_course),) = chosen.items()
        named = {catalogue.resolve_batch(of_course, text).id for text in request.batches}
        chosen[only] = [batch for batch in of_course if batch.id in named]
    return chosen


def _jobs(
    courses: Sequence[Course],
    batches: dict[str, list[Batch]],
    request: Request,
    day: date,
) -> list[_Job]:
    if request.output is not None:
        file = None if request.output == STANDARD_OUTPUT else Path(request.output)
        return [_Job(course, batches[course.id], file) for course in courses]
    folder = request.output_dir or Path()
    make_folder(folder)
    standing = Counter(batch.id for of_course in batches.values() for batch in of_course)
    return [
        _Job(
            course,
            [batch],
            folder / file_name(batch.id, day, course.id if standing[batch.id] > 1 else None),
        )
        for course in courses
        for batch in batches[course.id]
    ]


class _Writer:
    """Writes the jobs of one run."""

    def __init__(
        self,
        warehouse: Warehouse,
        settings: Settings,
        standard_output: BinaryIO,
        progress: Progress,
        jobs: Sequence[_Job],
    ) -> None:
        self._warehouse = warehouse
        self._settings = settings
        self._standard_output = standard_output
        self._progress = progress
        self._expected = sum(job.rows for job in jobs)
        self._lines = 0
        self._plan = cache(self._read_plan)

    def write_all(self, jobs: Sequence[_Job]) -> list[ReportFile]:
        """Several small files at once, if the engine can, which writes one on one core."""
        at_once = min(len(jobs), self._warehouse.copies_at_once)
        plans = (self._plan(job.course.id) for job in jobs)
        if at_once < 2:
            return list(map(self._write, jobs, plans))
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(self._write, jobs, plans))

    def _write(self, job: _Job, columns: Sequence[Mapping[str, Any]]) -> ReportFile:
        select = course_report(
            self._settings.project_dir,
            engine=self._warehouse.engine,
            relation=relation(self._settings.profile.schema, "course_progress"),
            columns=columns,
            course_id=job.course.id,
            batch_ids=[batch.id for batch in job.batches],
        )
        size = 0

        with self._open(job.file) as file:

            def write(data: bytes) -> None:
                nonlocal size
                file.write(data)
                size += len(data)

            def write_rows(data: bytes) -> None:
                write(data)
                self._advance(job, data.count(b"\n"))

            write((",".join(_field(column["label"]) for column in columns) + "\n").encode())
            rows = self._warehouse.copy_out(select, write_rows) if job.batches else 0
            if rows != job.rows:
                raise Unfit(
                    f"The report of {visible(job.course.id)} has {rows:,} rows, and its batches "
                    f"count {job.rows:,} learners.",
                    "The build is not whole. Run `exhaust build` again.",
                )
            file.flush()
        left_out: Counter[str] = Counter()
        for batch in job.batches:
            left_out.update(batch.left_out)
        return ReportFile(
            course_id=job.course.id,
            batch_ids=[batch.id for batch in job.batches],
            file=STANDARD_OUTPUT if job.file is None else str(job.file),
            rows=rows,
            bytes=size,
            left_out=dict(left_out),
        )

    def _open(self, file: Path | None) -> AbstractContextManager[BinaryIO]:
        return self._open_standard_output() if file is None else whole_file(file)

    @contextmanager
    def _open_standard_output(self) -> Iterator[BinaryIO]:
        with plain_errors("Standard output"):
            yield self._standard_output

    def _advance(self, job: _Job, lines: int) -> None:
        # Lines are a little more than rows where a value holds a line break.
        self._lines += lines
        share = min(1.0, self._lines / self._expected) if self._expected else 1.0
        self._progress(job.course.name or job.course.id, share)

    def _read_plan(self, course_id: str) -> list[dict[str, Any]]:
        """The header plan of a course, in order."""
        names = ("column_name", "label", "kind", "assessment_ordinal")
        rows = self._warehouse.query(
            f"select {', '.join(names)} "
            f"from {relation(self._settings.profile.schema, 'course_report_columns')} "
            f"where course_id = {literal(course_id)} order by ordinal"
        )
        most = MOST_COLUMNS.get(self._warehouse.engine)
        if most and len(rows) > most:
            raise Unfit(
                f"The report of {visible(course_id)} has {len(rows):,} columns, and "
                f"{self._warehouse.engine} can write {most:,} at most.",
                "Load and build on DuckDB to export this course.",
            )
        return [dict(zip(names, row, strict=True)) for row in rows]


def _field(text: str) -> str:
    """A value of the header, quoted only if it has to be (RFC 4180)."""
    if any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
