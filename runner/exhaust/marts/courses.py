"""What can be exported, and by whom: the courses and their batches, and how people name them."""

import difflib
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from exhaust.cli.display import visible
from exhaust.errors import Ambiguous, DataError, NotFound, PermissionDenied
from exhaust.project.settings import Settings
from exhaust.warehouse import Warehouse

MARTS = (
    "courses",
    "course_batches",
    "course_report_columns",
    "course_progress",
    "requesters",
    "requester_batches",
    "builds",
)
COURSE = ("course_id", "course_name", "status", "tenant_name")
LISTED = 10
NEAREST = 5


@dataclass(frozen=True)
class Requester:
    """Someone who created a course, or created or mentors a batch."""

    user_id: str
    root_org_id: str | None


@dataclass(frozen=True)
class Course:
    course_id: str
    course_name: str | None
    status: str | None
    tenant_name: str | None
    batches: int
    enrolments: int

    @property
    def id(self) -> str:
        return self.course_id

    @property
    def name(self) -> str:
        return self.course_name or ""


@dataclass(frozen=True)
class Batch:
    course_id: str
    batch_id: str
    batch_name: str | None
    status: str | None
    starts_on: date | None
    ends_on: date | None
    enrolled: int
    completed: int
    left_out_inactive: int
    left_out_no_enrolment_date: int
    left_out_enrolment_date_unreadable: int
    left_out_outside_the_tenant: int
    sees_all_learners: bool
    """Or those of the requester's own root organisation alone."""

    @property
    def id(self) -> str:
        return self.batch_id

    @property
    def name(self) -> str:
        return self.batch_name or ""

    @property
    def left_out(self) -> dict[str, int]:
        """Enrolments that are no row of the report, by reason."""
        return {
            "inactive": self.left_out_inactive,
            "no enrolment date": self.left_out_no_enrolment_date,
            "enrolment date unreadable": self.left_out_enrolment_date_unreadable,
            "outside the tenant": self.left_out_outside_the_tenant,
        }


Item = TypeVar("Item", Course, Batch)


def check_built(warehouse: Warehouse, schema: str) -> None:
    """DataError if the marts are not there."""
    if not warehouse.tables(schema).issuperset(MARTS):
        raise DataError(
            f"Nothing is built: {warehouse.name} has no report in the schema {schema}.",
            "Run `exhaust build`, after `exhaust load DIR`.",
        )


def check_requester(settings: Settings, requester: str | None) -> None:
    """PermissionDenied if this installation wants to know who asks, and nobody says so."""
    if settings.require_requester and requester is None:
        raise PermissionDenied(
            "Nobody may ask for reports here without saying who he or she is: the project sets "
            "require_requester.",
            "Give your user id by --as or EXHAUST_USER.",
        )


def requester(warehouse: Warehouse, schema: str, user_id: str | None) -> Requester | None:
    """Who asks; None is the operator. PermissionDenied if the user has nothing to ask for."""
    if user_id is None:
        return None
    check_built(warehouse, schema)
    rows = warehouse.query(
        f"select user_id, root_org_id from {warehouse.relation(schema, 'requesters')} "
        f"where user_id = {warehouse.literal(user_id)}"
    )
    if not rows:
        raise _refused(
            f"The user `{visible(user_id)}` created no course and no batch, and mentors none, "
            "that is built here."
        )
    return Requester(*rows[0])


def courses(
    warehouse: Warehouse, schema: str, text: str = "", requester: Requester | None = None
) -> list[Course]:
    """The courses whose id is `text` or whose name holds it, in any case; by name.

    Those that a requester may ask for, with the batches and learners that he or she sees.
    """
    check_built(warehouse, schema)
    marts = warehouse.relation(schema, "courses")
    if requester is None:
        select = f"select {', '.join(COURSE)}, batches, enrolments from {marts} as courses"
    else:
        # The names of a course are those of its one row.
        columns = ", ".join(f"courses.{column}" for column in COURSE)
        user_id = warehouse.literal(requester.user_id)
        select = (
            f"select {columns}, count(rights.batch_id), "
            f"cast(coalesce(sum(rights.enrolled), 0) as bigint) from {marts} as courses "
            f"left join {warehouse.relation(schema, 'requester_batches')} as rights "
            f"on courses.course_id = rights.course_id and rights.user_id = {user_id} "
            f"where courses.created_by = {user_id} or rights.user_id is not null "
            f"group by {columns}"
        )
    found = [
        course
        for course in (Course(*row) for row in warehouse.query(select))
        if _is_named(course, text)
    ]
    return sorted(found, key=lambda course: (_key(course.name), course.id))


def batches(
    warehouse: Warehouse,
    schema: str,
    course_id: str | None = None,
    requester: Requester | None = None,
) -> list[Batch]:
    """The known batches of a course, or of all, by id; those that a requester may ask for."""
    marts = f"{warehouse.relation(schema, 'course_batches')} as batches"
    counts = "batches.enrolled, batches.completed"
    outside, sees_all = "cast(0 as bigint)", "true"
    if requester is not None:
        marts += (
            f" inner join {warehouse.relation(schema, 'requester_batches')} as rights "
            "on batches.course_id = rights.course_id and batches.batch_id = rights.batch_id "
            f"and rights.user_id = {warehouse.literal(requester.user_id)}"
        )
        counts = "rights.enrolled, rights.completed"
        outside, sees_all = "batches.enrolled - rights.enrolled", "rights.sees_all_learners"
    of_course = (
        "" if course_id is None else f" and batches.course_id = {warehouse.literal(course_id)}"
    )
    rows = warehouse.query(
        "select batches.course_id, batches.batch_id, batches.batch_name, batches.status, "
        f"batches.starts_on, batches.ends_on, {counts}, batches.left_out_inactive, "
        "batches.left_out_no_enrolment_date, batches.left_out_enrolment_date_unreadable, "
        f"{outside}, {sees_all} "
        f"from {marts} where batches.is_known{of_course}"
    )
    return sorted(
        (Batch(*row) for row in rows), key=lambda batch: (batch.batch_id, batch.course_id)
    )


def find_course(
    warehouse: Warehouse, schema: str, text: str, requester: Requester | None = None
) -> Course:
    """The one course of that id or name among those that may be asked for.

    Ambiguous if several match, PermissionDenied if it is not the requester's, NotFound if none
    does.
    """
    try:
        return resolve_course(courses(warehouse, schema, requester=requester), text)
    except NotFound:
        if requester is None or not courses(warehouse, schema, text):
            raise
    raise _refused(f"`{visible(requester.user_id)}` may not see the reports of `{visible(text)}`.")


def find_batches(
    warehouse: Warehouse,
    schema: str,
    course: Course,
    texts: Sequence[str],
    requester: Requester | None = None,
) -> list[Batch]:
    """The batches of a course, or those of them of these ids or names; errors as for a course."""
    found = batches(warehouse, schema, course.id, requester)
    named = set()
    for text in texts:
        try:
            named.add(resolve_batch(found, text).id)
        except NotFound:
            # Not the error of everyone's batches: it would name the nearest of them.
            everyones = batches(warehouse, schema, course.id)
            if requester is None or not any(_is_named(batch, text) for batch in everyones):
                raise
            raise _refused(
                f"`{visible(requester.user_id)}` may not see the batch `{visible(text)}` of "
                f"{visible(course.id)}."
            ) from None
    return [batch for batch in found if batch.id in named] if texts else found


def _is_named(item: Course | Batch, text: str) -> bool:
    return item.id == text or _key(text) in _key(item.name)


def _refused(message: str) -> PermissionDenied:
    return PermissionDenied(
        message,
        "Reports are for the creator of the course, and the creator and the mentors of the batch. "
        "The user id is given by --as or EXHAUST_USER.",
    )


def resolve_course(courses: Sequence[Course], text: str) -> Course:
    """The one course of that id or name; Ambiguous if several match, NotFound if none does."""
    return _resolve(courses, text, "course", "courses", "`exhaust courses` lists them all.")


def resolve_batch(batches: Sequence[Batch], text: str) -> Batch:
    """The one batch of a course of that id or name; errors as for a course."""
    return _resolve(batches, text, "batch", "batches", "`exhaust batches COURSE` lists them all.")


def _resolve(items: Sequence[Item], text: str, singular: str, plural: str, hint: str) -> Item:
    wanted = _key(text)
    rules: tuple[Callable[[Item], bool], ...] = (
        lambda item: item.id == text,
        lambda item: _key(item.name) == wanted,
        lambda item: wanted in _key(item.name),
    )
    for rule in rules:
        found = [item for item in items if rule(item)]
        if len(found) == 1:
            return found[0]
        if found:
            raise Ambiguous(
                f"{len(found):,} {plural} match `{visible(text)}`:\n{_listed(found)}",
                "Give the id, or more of the name.",
            )
    keys = {key: item for item in items for key in (_key(item.name), _key(item.id))}
    nearest = difflib.get_close_matches(wanted, keys, 2 * NEAREST, cutoff=0)
    found = list({keys[key].id: keys[key] for key in nearest}.values())[:NEAREST]
    looked_at = f"No {singular} of {len(items):,} has the id `{visible(text)}`, or it in its name"
    raise NotFound(
        f"{looked_at}. The nearest:\n{_listed(found)}" if found else f"{looked_at}.", hint
    )


def _listed(items: Sequence[Course] | Sequence[Batch]) -> str:
    lines = [f"  {visible(item.id)}  {visible(item.name)}" for item in items[:LISTED]]
    if len(items) > LISTED:
        lines.append(f"  and {len(items) - LISTED:,} more")
    return "\n".join(lines)


def _key(text: str) -> str:
    """What is compared: in Unicode NFC, in no case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
