"""What can be exported: the courses and their batches, and how people name them."""

import difflib
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from exhaust.display import visible
from exhaust.errors import Ambiguous, NotFound, Unfit
from exhaust.sql import literal, relation
from exhaust.warehouse import Warehouse

MARTS = ("courses", "course_batches", "course_report_columns", "course_progress", "builds")
LISTED = 10
NEAREST = 5


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
        }


Item = TypeVar("Item", Course, Batch)


def check_built(warehouse: Warehouse, schema: str) -> None:
    """Unfit if the marts are not there."""
    if not warehouse.tables(schema).issuperset(MARTS):
        raise Unfit(
            f"Nothing is built: {warehouse.name} has no report in the schema {schema}.",
            "Run `exhaust build`, after `exhaust load DIR`.",
        )


def courses(warehouse: Warehouse, schema: str, text: str = "") -> list[Course]:
    """The courses whose id is `text` or whose name holds it, in any case; by name."""
    check_built(warehouse, schema)
    rows = warehouse.query(
        "select course_id, course_name, status, tenant_name, batches, enrolments "
        f"from {relation(schema, 'courses')}"
    )
    found = [
        course
        for course in (Course(*row) for row in rows)
        if course.id == text or _key(text) in _key(course.name)
    ]
    return sorted(found, key=lambda course: (_key(course.name), course.id))


def batches(warehouse: Warehouse, schema: str, course_id: str | None = None) -> list[Batch]:
    """The known batches of a course, or of all, by id."""
    of_course = "" if course_id is None else f" and course_id = {literal(course_id)}"
    rows = warehouse.query(
        "select course_id, batch_id, batch_name, status, starts_on, ends_on, enrolled, completed, "
        "left_out_inactive, left_out_no_enrolment_date "
        f"from {relation(schema, 'course_batches')} where is_known{of_course}"
    )
    return sorted(
        (Batch(*row) for row in rows), key=lambda batch: (batch.batch_id, batch.course_id)
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
