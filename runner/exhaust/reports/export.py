"""What is asked for and may be had, from one state of the marts, to its report files."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from exhaust.cli.display import Progress, visible
from exhaust.errors import Busy, DataError, PermissionDenied, UsageError
from exhaust.marts import courses as catalogue
from exhaust.marts.courses import Batch, Course, Requester
from exhaust.project.settings import Settings
from exhaust.reports.files import check_file, file_name, make_folder
from exhaust.reports.layout import Layout
from exhaust.reports.receipt import Build, Origin
from exhaust.reports.writer import STANDARD_OUTPUT, Job, ReportFile, Writer
from exhaust.warehouse import Warehouse

LOCK_TIMEOUT_SECONDS = 10.0
"""Seconds that a running build is waited for."""

RETIRED = "Retired"


@dataclass(frozen=True)
class Request:
    """What is to be exported, and where to."""

    courses: Sequence[str] = ()
    all_courses: bool = False
    batches: Sequence[str] = ()
    output: str | None = None
    output_dir: Path | None = None
    requester: str | None = None
    """A user id; None is the operator, who sees all."""
    layout: Layout = Layout.EXHAUST
    request_ids: Mapping[str, str] = field(default_factory=dict)
    """What the ledger calls it, by course id."""

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
class ExportReport:
    files: list[ReportFile]
    retired: list[Course]
    """Courses that --all passed by."""
    without_batches: list[Course]
    build: Build
    """What the reports are made from."""


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

    Raises DataError if the marts are not built or their build failed, Busy while they are being
    built, NotFound, Ambiguous, PermissionDenied for a retired course, UsageError for a path that
    cannot be written. What the reader of standard output causes (BrokenPipeError) passes through.
    """
    schema = settings.profile.schema
    catalogue.check_built(warehouse, schema)
    catalogue.check_requester(settings, request.requester)
    _warn_of_newer_load(warehouse, settings, notify)
    with _built_marts(warehouse, schema, notify, clock, sleep) as build:
        requester = catalogue.requester(warehouse, schema, request.requester)
        courses, retired = _chosen_courses(warehouse, schema, request, requester)
        batches = _chosen_batches(warehouse, schema, courses, request, requester)
        origin = Origin(
            build=build,
            engine=warehouse.engine,
            engine_version=warehouse.version,
            report_timezone=settings.report_timezone.key,
            exported_at=datetime.now(UTC),
            requester=requester,
            layout=request.layout,
            request_ids=request.request_ids,
        )
        jobs = _jobs(courses, batches, request, today(settings.report_timezone))
        writer = Writer(warehouse, settings, origin, standard_output, progress, jobs)
        return ExportReport(
            files=writer.write_all(),
            retired=retired,
            without_batches=[course for course in courses if not batches[course.id]],
            build=build,
        )


def chosen(warehouse: Warehouse, settings: Settings, request: Request) -> dict[Course, list[Batch]]:
    """The batches that an export would write, by course. Raises what `export` raises for them."""
    schema = settings.profile.schema
    requester = catalogue.requester(warehouse, schema, request.requester)
    courses, _ = _chosen_courses(warehouse, schema, request, requester)
    batches = _chosen_batches(warehouse, schema, courses, request, requester)
    return {course: batches[course.id] for course in courses}


@contextmanager
def _built_marts(
    warehouse: Warehouse,
    schema: str,
    notify: Callable[[str], None],
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> Iterator[Build]:
    """One state of the marts, and the build that made them, which ended well."""
    relations = [warehouse.relation(schema, mart) for mart in catalogue.MARTS]
    deadline = clock() + LOCK_TIMEOUT_SECONDS
    is_waiting = False
    while True:
        with warehouse.snapshot(relations):
            newest = _newest_build(warehouse, schema)
            # A DuckDB file that is open here cannot be changed by a build: nothing to wait for.
            if newest.status != "running" or warehouse.engine == "duckdb" or clock() >= deadline:
                _check_build(newest)
                # Tests alone do not change the marts.
                yield _newest_build(warehouse, schema, "where command <> 'test'")
                return
        if not is_waiting:
            notify(f"A build that began at {_minute(newest.started_at)} is running: waiting ...")
            is_waiting = True
        sleep(0.5)


def _check_build(build: Build) -> None:
    if build.status == "running":
        raise Busy(
            f"A build began at {_minute(build.started_at)} and has not ended.",
            "Try again when it has. If it was killed, run `exhaust build` again.",
        )
    if build.status != "success":
        raise DataError(
            f"The build of {_minute(build.started_at)} failed: its report cannot be trusted.",
            "Run `exhaust build`: it says what is wrong with the data.",
        )


def _newest_build(warehouse: Warehouse, schema: str, condition: str = "") -> Build:
    rows = warehouse.query(
        "select invocation_id, status, started_at, ended_at, loaded_at "
        f"from {warehouse.relation(schema, 'builds')} {condition} "
        "order by started_at desc, ended_at desc nulls last limit 1"
    )
    if not rows:
        raise DataError(f"Nothing is built in {warehouse.name}.", "Run `exhaust build`.")
    return Build(*rows[0])


def _warn_of_newer_load(
    warehouse: Warehouse, settings: Settings, notify: Callable[[str], None]
) -> None:
    """Says so if the report is older than what is loaded."""
    if "loads" not in warehouse.tables(settings.landing_schema):
        return
    loads = warehouse.relation(settings.landing_schema, "loads")
    builds = warehouse.relation(settings.profile.schema, "builds")
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
    warehouse: Warehouse, schema: str, request: Request, requester: Requester | None
) -> tuple[list[Course], list[Course]]:
    """The courses to export, and the retired ones that --all passes by."""
    if request.all_courses:
        courses = catalogue.courses(warehouse, schema, requester=requester)
        return (
            [course for course in courses if course.status != RETIRED],
            [course for course in courses if course.status == RETIRED],
        )
    named = [catalogue.find_course(warehouse, schema, text, requester) for text in request.courses]
    for course in named:
        refuse_retired(course)
    return list(dict.fromkeys(named)), []


def refuse_retired(course: Course) -> None:
    """PermissionDenied for a retired course."""
    if course.status == RETIRED:
        raise PermissionDenied(
            "The request is made for retired collection: "
            f"{visible(course.id)} {visible(course.name)}",
            "Nobody can export a retired course.",
        )


def _chosen_batches(
    warehouse: Warehouse,
    schema: str,
    courses: Sequence[Course],
    request: Request,
    requester: Requester | None,
) -> dict[str, list[Batch]]:
    """Those of each course, by id."""
    if not request.all_courses:
        return {
            course.id: catalogue.find_batches(warehouse, schema, course, request.batches, requester)
            for course in courses
        }
    chosen: dict[str, list[Batch]] = {course.id: [] for course in courses}
    for batch in catalogue.batches(warehouse, schema, requester=requester):
        if batch.course_id in chosen:
            chosen[batch.course_id].append(batch)
    return chosen


def _jobs(
    courses: Sequence[Course],
    batches: dict[str, list[Batch]],
    request: Request,
    day: date,
) -> list[Job]:
    if request.output is not None:
        file = None if request.output == STANDARD_OUTPUT else Path(request.output)
        are_all = not request.batches
        return [Job(course, batches[course.id], are_all, file) for course in courses]
    folder = request.output_dir or Path()
    make_folder(folder)
    standing = Counter(batch.id for of_course in batches.values() for batch in of_course)
    return [
        Job(
            course,
            [batch],
            not request.batches and len(batches[course.id]) == 1,
            folder / file_name(batch.id, day, course.id if standing[batch.id] > 1 else None),
        )
        for course in courses
        for batch in batches[course.id]
    ]


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
