"""Exports: from what is wanted to report files, all from one state of the marts."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.marts.entities import Course
from exhaust.marts.records import Build
from exhaust.marts.state import Marts
from exhaust.reports.earlier import Earlier
from exhaust.reports.parts import sweep
from exhaust.reports.receipt import Origin
from exhaust.reports.report_file import IN_OTHER_FILES, ReportFile
from exhaust.reports.selection import Criteria, Destination, Selection, jobs, select
from exhaust.reports.signature import Signer, read_signer
from exhaust.reports.writer import Writer


@dataclass(frozen=True)
class ExportReport:
    """What an export wrote, and what it left out."""

    files: list[ReportFile]
    retired: list[Course]
    """Courses that --all leaves out."""
    without_batches: list[Course]
    build: Build
    """The build that the reports come from."""

    @property
    def left_out(self) -> int:
        """The enrolments that are in no file; the reasons of each split count once."""
        once = {(file.course_id, *file.batches): file for file in self.files}
        return sum(
            number
            for file in once.values()
            for reason, number in file.left_out.items()
            if reason != IN_OTHER_FILES
        )

    def done(self) -> Iterator[tuple[str, str, str | None, int]]:
        """Yields the course and the ID of each batch, the file that stands for it, which is the
        index of a split, and its rows. There is no file for a stream."""
        rows: Counter[tuple[str, str]] = Counter()
        paths: dict[tuple[str, str], str | None] = {}
        for file in self.files:
            for batch_id, number in file.batches.items():
                rows[file.course_id, batch_id] += number
                path = file.index or (file.file if file.receipt else None)
                paths[file.course_id, batch_id] = path and str(Path(path).absolute())
        for (course_id, batch_id), path in paths.items():
            yield course_id, batch_id, path, rows[course_id, batch_id]


def export(
    marts: Marts,
    criteria: Criteria,
    destination: Destination,
    console: Console = SILENCE,
    clock: Clock = SYSTEM_CLOCK,
    earlier: Earlier | None = None,
) -> ExportReport:
    """Writes the reports that the criteria name, all from one state of the marts.

    `earlier` is the report that the form's `since` names.

    Raises DataError if the marts are not built or their build failed, Busy if a build is running,
    NotFound, Ambiguous, PermissionDenied (also for a retired course), UsageError for a path that
    cannot be written and for a key that cannot sign. A BrokenPipeError of an output stream passes
    through.
    """
    signer = read_signer(marts.settings, console)
    with marts.state(criteria.kind.marts, console, clock) as build:
        selection = select(marts, criteria)
        return write(marts, build, selection, destination, {}, signer, console, clock, earlier)


def write(
    marts: Marts,
    build: Build,
    selection: Selection,
    destination: Destination,
    request_ids: Mapping[str, str],
    signer: Signer | None,
    console: Console,
    clock: Clock,
    earlier: Earlier | None = None,
) -> ExportReport:
    """Writes the reports of a selection, in the state of the marts that it was made in.

    `request_ids` are the IDs of its requests in the ledger, by course ID; receipts name them.
    """
    criteria = selection.criteria
    origin = Origin(
        build=build,
        engine=marts.warehouse.engine,
        engine_version=marts.warehouse.version,
        exported_at=clock.now(),
        requester=selection.requester,
        form=criteria.form,
        request_ids=request_ids,
        signer=signer,
        earlier=earlier,
    )
    files = jobs(selection, destination, clock.today(ZoneInfo(build.report_timezone)))
    for folder in {job.output.parent for job in files if isinstance(job.output, Path)}:
        sweep(folder)
    return ExportReport(
        files=Writer(marts, criteria.kind, origin, files, destination, console).write_all(),
        retired=list(selection.retired),
        without_batches=selection.without_batches,
        build=build,
    )
