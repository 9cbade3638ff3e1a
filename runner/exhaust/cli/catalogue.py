"""The commands that list courses and batches."""

from typing import TYPE_CHECKING, Annotated

import typer

from exhaust import api
from exhaust.cli.answer import fields_of
from exhaust.cli.command import Options, command
from exhaust.cli.options import Course, UserId
from exhaust.text import visible

if TYPE_CHECKING:
    from exhaust.marts.entities import Batch


@command
def courses(
    options: Options,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="ID, or part of the name.")] = "",
    user: UserId = None,
) -> None:
    """Find courses by ID or part of the name.

    Rows are the rows of the reports of all batches of a course. With --as, lists only the courses
    that the user may export.

    \b
    Example:
      exhaust courses "open university"
    """
    display = options.display
    project = options.project()
    found = api.courses(project, text, user_id=user, console=display)
    options.answer.give(courses=found)
    if found and not options.json:
        display.table(
            ["ID", "Name", "Status", "Tenant", "Batches", "Rows"],
            [
                (one.id, one.course_name, one.status, one.tenant_name, one.batches, one.rows)
                for one in found
            ],
        )
    if not found:
        from exhaust.marts.names import describe_no_match

        everything = api.courses(project, user_id=user) if text else []
        display.say(
            describe_no_match(everything, text, "course") if everything else "There are no courses."
        )


@command
def batches(options: Options, course: Course, user: UserId = None) -> None:
    """List the batches of a course.

    Rows are the rows of the report, Left out the enrolments that are not in it, and Completed the
    rows of learners who have completed the course. With --as, lists only the batches that the user
    may export.

    \b
    Example:
      exhaust batches do_31296123374084915214
    """
    display = options.display
    chosen, found = api.batches(options.project(), course, user_id=user, console=display)
    options.answer.give(
        course_id=chosen.course_id,
        course_name=chosen.course_name,
        batches=[_with_counts(batch) for batch in found],
    )
    if not found:
        display.say(f"{visible(chosen.id)}  {visible(chosen.name)} has no batches.")
    elif not options.json:
        display.say(f"{visible(chosen.id)}  {visible(chosen.name)}")
        display.table(
            ["ID", "Name", "Status", "Starts", "Ends", "Rows", "Left out", "Completed"],
            [
                (
                    *(batch.id, batch.batch_name, batch.status, batch.starts_on, batch.ends_on),
                    *(batch.rows, sum(batch.left_out.values()), batch.completed),
                )
                for batch in found
            ],
        )


def _with_counts(batch: "Batch") -> dict[str, object]:
    return {**fields_of(batch), "rows": batch.rows, "left_out": batch.left_out}
