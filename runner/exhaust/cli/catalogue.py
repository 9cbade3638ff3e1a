"""The commands that list courses and batches."""

from dataclasses import asdict, astuple
from typing import Annotated

import typer

from exhaust import api
from exhaust.cli.command import Options, command
from exhaust.cli.options import Course, UserId
from exhaust.text import visible


@command
def courses(
    options: Options,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="ID, or part of the name.")] = "",
    user: UserId = None,
) -> None:
    """Find courses by ID or part of the name.

    With --as, lists only the courses that the user may export.

    \b
    Example:
      exhaust courses "open university"
    """
    display = options.display
    found = api.courses(options.project(), text, user_id=user, console=display)
    if options.json:
        display.json({"courses": [asdict(course) for course in found]})
    elif found:
        display.table(
            ["ID", "Name", "Status", "Tenant", "Batches", "Enrolments"],
            [astuple(course) for course in found],
        )
    if not found:
        display.say(f"No course matches `{visible(text)}`." if text else "There are no courses.")


@command
def batches(options: Options, course: Course, user: UserId = None) -> None:
    """List the batches of a course.

    With --as, lists only the batches that the user may export.

    \b
    Example:
      exhaust batches do_31296123374084915214
    """
    display = options.display
    chosen, found = api.batches(options.project(), course, user_id=user, console=display)
    if options.json:
        display.json(
            {
                "course_id": chosen.course_id,
                "course_name": chosen.course_name,
                "batches": [asdict(batch) for batch in found],
            }
        )
    elif found:
        display.say(f"{chosen.id}  {chosen.name}")
        display.table(
            ["ID", "Name", "Status", "Starts", "Ends", "Enrolled", "Completed"],
            [astuple(batch)[1:8] for batch in found],
        )
    if not found:
        display.say(f"{chosen.id}  {chosen.name} has no batches.")
