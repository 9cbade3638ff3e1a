"""Why a cell of the report says what it says, in plain words."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from exhaust.marts.explanations import Attempt, Enrolment, School
from exhaust.marts.header_plan import Column
from exhaust.reports.explanation import ExplainedEnrolment
from exhaust.text import counted, visible

LEFT_OUT = {
    "course unknown": "the course has no published hierarchy that can be read",
    "batch unknown": "the course has no such batch in the table course_batch",
    "inactive": "the enrolment is not active (`active` is false, empty or cannot be read)",
    "no enrolment date": "the enrolment has no date (enrolled_date and enrolleddate are empty)",
    "enrolment date unreadable": "the enrolment date `{text}` cannot be read",
}
SIGNED_ON = "passed by the State's sign-on (profilelocation)"
DECLARED = "declared by the learner (profilelocation)"
UNKNOWN_USER = "the learner is not in the table user"


def why_a_row(enrolment: Enrolment) -> str:
    """Says why an enrolment is a row of the report, or is not."""
    if enrolment.left_out_reason is None:
        return "the enrolment is active and has an enrolment date"
    text = visible(enrolment.enrolment_date_text)
    return LEFT_OUT[enrolment.left_out_reason].format(text=text)


def why(column: Column, value: str | None, of: ExplainedEnrolment, zone: str) -> str:
    """Says why a column has its value; `zone` is the time zone of the report's days."""
    if column["kind"] == "score":
        attempts = [one for one in of.attempts if one.content_id == column["column_name"]]
        return _score(attempts)
    if column["column_name"] == "total_score":
        return _total_score(of.attempts, value)
    if column["column_name"] in LOCATIONS:
        return _location(column["column_name"], of)
    if column["column_name"] in SCHOOLS:
        return _school(value, of)
    if column["column_name"] in DATES:
        return DATES[column["column_name"]](of.enrolment, zone)
    if column["column_name"] == "progress":
        return progress(of.enrolment, value)
    if column["column_name"] in PROFILE and not of.enrolment.is_known_user:
        return UNKNOWN_USER
    if column["column_name"] == "org_name" and of.enrolment.is_known_user:
        return _org_name(of.enrolment, value)
    filled, blank = PLAIN[column["column_name"]]
    return blank if value is None else filled


def progress(enrolment: Enrolment, value: str | None) -> str:
    """Says how the progress is computed."""
    if enrolment.completed_at is not None:
        return "the course is completed, so it is 100 whatever the contents say"
    done, whole = enrolment.contents_completed or 0, enrolment.contents_total or 0
    unreadable = (
        f"; completedon `{visible(enrolment.completion_date_text)}` cannot be read, so the course "
        "is not completed"
        if enrolment.completion_date_text
        else ""
    )
    if whole <= 0:
        contents = (
            "the course has no mandatory content"
            if enrolment.has_content_tree
            else "the course has no content and states no number of contents"
        )
        return f"{contents}, so it is 0 until the course is completed{unreadable}"
    kind = (
        "mandatory contents"
        if enrolment.has_content_tree
        else "contents (the course has none in its tree, and states their number)"
    )
    text = f"{done:,} of {whole:,} {kind} = {value} %"
    if value == "99" and 200 * done + whole >= 199 * whole:
        text += " (100 only when all of them are completed)"
    return text + unreadable


def _score(attempts: Sequence[Attempt]) -> str:
    best = next((one for one in attempts if one.is_counted), None)
    usable = [one for one in attempts if one.is_counted or one.reason == NOT_THE_BEST]
    ignored = len(attempts) - len(usable)
    and_ignored = f"; {counted(ignored, 'attempt')} ignored" if ignored else ""
    if best is None:
        return f"no attempt that counts{and_ignored}" if attempts else "not attempted"
    which = best.reason if len(usable) == 1 else f"{best.reason} of {len(usable):,} attempts"
    return (
        f"{points(best)} = {best.score:f}%: attempt {visible(best.attempt_id)} ({which})"
        f"{and_ignored}"
    )


NOT_THE_BEST = "another attempt is better"


def _total_score(attempts: Sequence[Attempt], value: str | None) -> str:
    best = [one for one in attempts if one.is_counted]
    if not best:
        return "no assessment was attempted"
    score = sum((one.total_score or Decimal(0) for one in best), Decimal(0))
    maximum = sum((one.total_max_score or Decimal(0) for one in best), Decimal(0))
    parts = " + ".join(map(points, best))
    total = f"{number(score)}/{number(maximum)} = {value}, rounded up"
    return f"best attempts added up: {parts} = {total}" if len(best) > 1 else total


def points(attempt: Attempt) -> str:
    """`7.5/10`."""
    return f"{number(attempt.total_score)}/{number(attempt.total_max_score)}"


def number(value: Decimal | None) -> str:
    """A decimal without trailing zeros; None is empty."""
    if value is None:
        return ""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _location(name: str, of: ExplainedEnrolment) -> str:
    enrolment = of.enrolment
    if not enrolment.is_known_user:
        return UNKNOWN_USER
    if name == "block" and enrolment.is_self_signed_up:
        return "always blank for self-signed-up learners"
    own = next((one for one in of.locations if one.is_chosen and one.location_type == name), None)
    of_school = getattr(enrolment, f"school_{name}")
    school = _name_of_school(of)
    if of_school is not None and (own is None or name == "block"):
        return f"derived from the school {school}"
    if own is not None:
        return DECLARED if enrolment.is_self_signed_up else SIGNED_ON
    if enrolment.is_self_signed_up:
        return f"the learner has declared no known {name}"
    if enrolment.school_organisation_id is None:
        return f"profilelocation names no known {name}, and the learner belongs to no school"
    return f"neither profilelocation nor the locations of the school {school} name a known {name}"


def _name_of_school(of: ExplainedEnrolment) -> str:
    found: School | None = next((one for one in of.schools if one.is_chosen), None)
    return "" if found is None else visible(f"{found.organisation_id} {found.school_name or ''}")


def _school(value: str | None, of: ExplainedEnrolment) -> str:
    if not of.enrolment.is_known_user:
        return UNKNOWN_USER
    chosen = next((one for one in of.schools if one.is_chosen), None)
    if of.enrolment.is_self_signed_up:
        if chosen is None:
            return "the learner has declared no school"
        which = f"declaration to {visible(chosen.organisation_id)} as {visible(chosen.persona)}"
        what = "declared by the learner" if value is not None else "the declaration leaves it blank"
        return f"{what}: {which} ({chosen.reason})"
    if chosen is None:
        return "the learner belongs to no school"
    what = "the school of the learner" if value is not None else "the school has none"
    return f"{what}: organisation {visible(chosen.organisation_id)} ({chosen.reason})"


def _org_name(enrolment: Enrolment, value: str | None) -> str:
    if enrolment.root_org_id is None:
        return "the learner has no root organisation"
    root = f"the root organisation {visible(enrolment.root_org_id)}"
    if value is None:
        return f"{root} is unknown or has no name"
    kind = "custodian: self-signed-up" if enrolment.is_self_signed_up else "State-validated"
    return f"the name of {root} ({kind})"


def _enrolled_on(enrolment: Enrolment, zone: str) -> str:
    return f"recorded as `{visible(enrolment.enrolment_date_text)}`; the day is that of {zone}"


def _completed_on(enrolment: Enrolment, zone: str) -> str:
    text = visible(enrolment.completion_date_text)
    if not text:
        return "not completed: completedon is empty"
    if enrolment.completed_at is None:
        return f"completedon `{text}` cannot be read"
    return f"recorded as `{text}`; the day is that of {zone}"


LOCATIONS = ("state", "district", "block", "cluster")
SCHOOLS = ("school_id", "school_name")
DATES: dict[str, Callable[[Enrolment, str], str]] = {
    "enrolled_on": _enrolled_on,
    "completed_on": _completed_on,
}
PROFILE = ("org_name", "user_type", "user_sub_type", "declared_board")
"""Columns that are blank if the learner is not in the table user."""
PLAIN: dict[str, tuple[Any, str]] = {
    "course_id": ("the ID of the course, unchanged", ""),
    "course_name": (
        "the name at the root of the course's hierarchy",
        "the hierarchy of the course has no name",
    ),
    "batch_id": ("the ID of the batch, unchanged", ""),
    "batch_name": ("the name of the batch", "the batch has no name"),
    "user_id": ("the ID of the learner, unchanged", ""),
    "user_type": ("the types in profileusertypes, in their order", "profileusertypes has no type"),
    "user_sub_type": (
        "the sub-types in profileusertypes, in their order",
        "profileusertypes has no sub-type",
    ),
    "declared_board": ("the first board in framework", "framework has no board"),
    "certificate_status": (
        "issued_certificates or certificates holds a certificate",
        "neither issued_certificates nor certificates holds a certificate",
    ),
}
"""What a filled column says, and a blank one."""
