"""What to export and where to, and the courses and batches that this comes to."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import BinaryIO

from exhaust.errors import UsageError
from exhaust.marts.access import (
    check_not_retired,
    find_batches,
    find_course_or_batch,
    find_requester,
)
from exhaust.marts.courses import batches, courses
from exhaust.marts.entities import Batch, Course, Requester
from exhaust.marts.state import Marts
from exhaust.reports.files import INDEX_ENDING, check_file, file_name, make_folder
from exhaust.reports.form import ReportForm
from exhaust.reports.formats import Format
from exhaust.reports.kinds import PROGRESS, Kind
from exhaust.reports.pair import Publish, publish_at_once


@dataclass(frozen=True)
class Criteria:
    """The reports that are wanted, as a person names them."""

    courses: Sequence[str] = ()
    """IDs or names; the ID of a batch stands for this batch of its course."""
    all_courses: bool = False
    """Every course that is not retired."""
    batches: Sequence[str] = ()
    """IDs or names of batches of one course; empty means all of them."""
    user_id: str | None = None
    """The requester; None is the operator, who may have everything."""
    form: ReportForm = field(default_factory=ReportForm)
    kind: Kind = PROGRESS

    @property
    def is_one_course(self) -> bool:
        return len(self.courses) == 1 and not self.all_courses

    def check(self) -> None:
        """Raises UsageError if the criteria contradict each other."""
        if self.all_courses and self.courses:
            raise UsageError("Both a course and all courses were given.", "Give a COURSE or --all.")
        if not self.all_courses and not self.courses:
            raise UsageError("No course was given.", "Give an ID or a name, or --all.")
        if self.batches and not self.is_one_course:
            raise UsageError(
                "Batches can be chosen for one course only.", "Export the other courses separately."
            )


@dataclass(frozen=True)
class Destination:
    """Where report files go: into one file or stream, or into a folder with a file per batch."""

    output: Path | BinaryIO | None = None
    folder: Path = Path()
    is_private: bool = False
    """Whether only the owner may read the files. Others follow the umask."""
    publish: Publish = publish_at_once
    """Gives each file its name; of a split, only the index."""
    password: str | None = field(default=None, repr=False)
    """What protects the files."""

    def check(self, criteria: Criteria) -> None:
        """Raises UsageError if the reports cannot be written there."""
        if self.output is not None and not criteria.is_one_course:
            raise UsageError(
                "One output takes one course only.", "Use --output-dir for one file per batch."
            )
        if self.output is not None and criteria.form.split_by is not None:
            raise UsageError(
                "A report that is split is several files, but one output was given.",
                "Use --output-dir.",
            )
        if isinstance(self.output, Path):
            check_file(self.output)
            _check_ending(self.output, criteria.form.format)


@dataclass(frozen=True)
class Selection:
    """The courses and batches of one state of the marts that match some criteria."""

    criteria: Criteria
    requester: Requester | None
    batches: Mapping[Course, Sequence[Batch]]
    """The batches of each course, by ID."""
    retired: Sequence[Course] = ()
    """Courses that --all leaves out."""
    of_batch_ids: Set[str] = frozenset()
    """The IDs of courses that were named by the IDs of their batches."""

    @property
    def without_batches(self) -> list[Course]:
        return [course for course, found in self.batches.items() if not found]

    def has_all_batches(self, course: Course) -> bool:
        """Returns whether no batches of a course were chosen, so that it has all of them."""
        return not self.criteria.batches and course.id not in self.of_batch_ids


@dataclass(frozen=True)
class Job:
    """A report file to be written."""

    course: Course
    batches: Sequence[Batch]
    are_all_batches: bool
    """Whether these are all the batches that the requester may have."""
    output: Path | BinaryIO
    index: Path | None = None
    """The list of the files, if the report is split."""

    @property
    def rows(self) -> int:
        return sum(batch.enrolled for batch in self.batches)


def select(marts: Marts, criteria: Criteria) -> Selection:
    """Finds what the criteria name.

    Raises NotFound, Ambiguous, PermissionDenied (also for a retired course), DataError if nothing
    is built.
    """
    requester = find_requester(marts, criteria.user_id)
    if criteria.all_courses:
        return _all(marts, criteria, requester)
    chosen: dict[Course, set[str] | None] = {}
    for text in criteria.courses:
        course, batch = find_course_or_batch(marts, text, requester)
        check_not_retired(course)
        if batch is None or criteria.batches:
            chosen[course] = None
        elif (ids := chosen.setdefault(course, set())) is not None:
            ids.add(batch.id)
    found = {course: find_batches(marts, course, criteria.batches, requester) for course in chosen}
    return Selection(
        criteria,
        requester,
        batches={
            course: [batch for batch in found[course] if ids is None or batch.id in ids]
            for course, ids in chosen.items()
        },
        of_batch_ids={course.id for course, ids in chosen.items() if ids is not None},
    )


def _all(marts: Marts, criteria: Criteria, requester: Requester | None) -> Selection:
    found = courses(marts, requester=requester)
    of_course: dict[str, list[Batch]] = {course.id: [] for course in found}
    for batch in batches(marts, requester=requester):
        if batch.course_id in of_course:
            of_course[batch.course_id].append(batch)
    return Selection(
        criteria,
        requester,
        batches={course: of_course[course.id] for course in found if not course.is_retired},
        retired=[course for course in found if course.is_retired],
    )


def jobs(selection: Selection, destination: Destination, day: date) -> list[Job]:
    """Returns the files to write; makes the folder for them. Raises UsageError if it cannot."""
    if destination.output is not None:
        return [
            Job(course, found, selection.has_all_batches(course), destination.output)
            for course, found in selection.batches.items()
        ]
    make_folder(destination.folder, is_private=destination.is_private)
    uses = Counter(batch.id for found in selection.batches.values() for batch in found)
    form = selection.criteria.form

    def path(course: Course, batch: Batch, ending: str) -> Path:
        course_id = course.id if uses[batch.id] > 1 else None
        return destination.folder / file_name(
            selection.criteria.kind.name, batch.id, day, course_id, ending
        )

    return [
        Job(
            course,
            [batch],
            selection.has_all_batches(course) and len(found) == 1,
            path(course, batch, form.format.ending),
            path(course, batch, INDEX_ENDING) if form.split_by else None,
        )
        for course, found in selection.batches.items()
        for batch in found
    ]


def _check_ending(output: Path, format: Format) -> None:
    """Raises UsageError for a name that programs take for another format."""
    named = Format.of_name(output.name)
    is_xlsx = Format.XLSX in (named, format)
    if named is not None and named.ending != format.ending and is_xlsx:
        raise UsageError(
            f"{output} has the ending of {named}, but the format is {format}.",
            f"Give a file that ends in {format.ending}, or another --format.",
        )
