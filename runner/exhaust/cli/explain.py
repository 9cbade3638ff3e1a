"""The command that explains a report."""

from typing import TYPE_CHECKING, Annotated

import typer

from exhaust import api
from exhaust.cli.command import Options, command
from exhaust.cli.display import Display
from exhaust.cli.options import Course, UserId
from exhaust.cli.reports import as_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exhaust.marts.explanations import Attempt, Content, Location, School
    from exhaust.reports.explanation import ExplainedEnrolment, Explanation


@command
def explain(
    options: Options,
    course: Course,
    learner: Annotated[
        str, typer.Argument(metavar="USER", help="User ID of the learner: User UUID in the report.")
    ],
    column: Annotated[
        str | None,
        typer.Argument(
            metavar="COLUMN",
            help="Only this column, by its label, or by the ID of its assessment. [default: all]",
        ),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(
            "-b",
            "--batch",
            metavar="BATCH",
            help="ID or name of a batch of the course. [default: all batches of the learner]",
        ),
    ] = None,
    user: UserId = None,
) -> None:
    """Explain why a report says what it says of a learner.

    Shows each value with its reason: the contents that count, the attempts and which one is the
    best, and where the school and the locations come from. If the learner is not in the report,
    says why not. With --as, explains only what the user may export.

    \\b
    Examples:
      exhaust explain do_31300000000000000001 03908454-a631-5518-82fa-d4fb03b15be5
      exhaust explain do_31300000000000000001 03908454-a631-5518-82fa-d4fb03b15be5 Progress
    """
    found = api.explain(
        options.project(),
        course,
        learner,
        column,
        batch=batch,
        user_id=user,
        console=options.display,
    )
    options.answer.give_all(found)
    if not options.json:
        _show(found, options.display)


def _show(found: "Explanation", display: Display) -> None:
    display.line(f"{found.course_id}  {found.course_name or ''}".rstrip())
    display.line(f"Learner {found.user_id}")
    for explained in found.enrolments:
        _show_enrolment(explained, display)
    elsewhere = "Attempts in batches of the course in which the learner is not enrolled"
    _show_attempts(elsewhere, found.attempts_elsewhere, display)
    display.say(as_of(found.build))


def _show_enrolment(explained: "ExplainedEnrolment", display: Display) -> None:
    display.line("")
    verdict = "a row of the report" if explained.is_row else "not in the report"
    display.line(f"Batch {explained.batch_id}: {verdict}, because {explained.because}.")
    if explained.enrolment.has_duplicates:
        display.line("Several loaded rows have the key of this enrolment; the newest counts.")
    values = [(one.label, one.value, one.because) for one in explained.values]
    _section(display, "Values", ["Column", "Value", "Why"], values)
    _show_contents(explained.contents, display)
    _show_attempts("Attempts", explained.attempts, display)
    _show_schools(explained.schools, display)
    _show_locations(explained.locations, display)


def _section(
    display: Display,
    title: str,
    columns: "Sequence[str]",
    rows: "Sequence[Sequence[object]]",
) -> None:
    """Prints a table under a title, or nothing without rows."""
    if rows:
        display.line("")
        display.line(title)
        display.table(columns, rows)


def _show_contents(contents: "Sequence[Content]", display: Display) -> None:
    _section(
        display,
        "Contents",
        ["Content", "Name", "Status", "Counts", "Why"],
        [
            (one.content_id, one.content_name, _status(one), _yes(one.counts), _why(one))
            for one in contents
        ],
    )


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _status(content: "Content") -> str:
    if content.content_status is None:
        return "not opened"
    known = {"0": "not started", "1": "in progress"}
    words = "completed" if content.is_completed else known.get(content.content_status, "unknown")
    return f"{content.content_status} {words}"


def _why(content: "Content") -> str:
    if content.is_mandatory is None:
        return "the course has no tree" if content.counts else "no longer in the course"
    if content.is_mandatory:
        return "mandatory"
    if content.optional_node_id in (None, content.content_id):
        return "optional"
    return f"optional, because of {content.optional_node_id}"


def _show_attempts(title: str, attempts: "Sequence[Attempt]", display: Display) -> None:
    from exhaust.reports.reasons import points

    _section(
        display,
        title,
        ["Assessment", "Name", "Attempt", "Score", "Percent", "When (UTC)", "Counts", "Why"],
        [
            (
                *(one.content_id, one.assessment_name, one.attempt_id, points(one)),
                "" if one.score is None else f"{one.score:f}%",
                "" if one.attempted_at is None else f"{one.attempted_at:%Y-%m-%d %H:%M}",
                _yes(one.is_counted),
                one.reason + ("; the newest of several rows" if one.has_duplicates else ""),
            )
            for one in attempts
        ],
    )


def _show_schools(schools: "Sequence[School]", display: Display) -> None:
    _section(
        display,
        "Schools",
        ["Organisation", "Source", "School ID", "School Name", "Chosen", "Why"],
        [
            (
                one.organisation_id,
                f"{one.source} as {one.persona}" if one.persona else one.source,
                *(one.school_id, one.school_name, _yes(one.is_chosen), one.reason),
            )
            for one in schools
        ],
    )


def _show_locations(locations: "Sequence[Location]", display: Display) -> None:
    _section(
        display,
        "The learner's own locations",
        ["Entry", "Type", "Name", "Chosen", "Why"],
        [
            (
                one.entry_id or f"code {one.entry_code or ''}",
                *(one.location_type, one.location_name),
                *(_yes(one.is_chosen), one.reason),
            )
            for one in locations
        ],
    )
