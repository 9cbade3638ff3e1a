"""Why a cell of the report says what it says, in plain words."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from exhaust.marts.explanations import NOT_THE_BEST, Attempt, Enrolment, School
from exhaust.marts.header_plan import Column
from exhaust.reports.explanation import ExplainedEnrolment
from exhaust.text import Message, visible

LEFT_OUT = {
    "course unknown": Message("the course has no published hierarchy that can be read"),
    "batch unknown": Message("the course has no such batch in the table course_batch"),
    "inactive": Message("the enrolment is not active (`active` is false, empty or cannot be read)"),
    "no enrolment date": Message(
        "the enrolment has no date (enrolled_date and enrolleddate are empty)"
    ),
}
SIGNED_ON = Message("passed by the State's sign-on (profilelocation)")
DECLARED = Message("declared by the learner (profilelocation)")
UNKNOWN_USER = Message("the learner is not in the table user")


def why_a_row(enrolment: Enrolment) -> Message:
    """Says why an enrolment is a row of the report, or is not."""
    if enrolment.left_out_reason is None:
        return Message("the enrolment is active and has an enrolment date")
    if enrolment.left_out_reason == "enrolment date unreadable":
        text = visible(enrolment.enrolment_date_text)
        return Message("the enrolment date `{text}` cannot be read", text=text)
    return LEFT_OUT[enrolment.left_out_reason]


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


def progress(enrolment: Enrolment, value: str | None) -> Message:
    """Says how the progress is computed."""
    if enrolment.completed_at is not None:
        return Message("the course is completed, so it is 100 whatever the contents say")
    reason = _contents(enrolment, value)
    if not enrolment.completion_date_text:
        return reason
    return Message(
        "{reason}; completedon `{text}` cannot be read, so the course is not completed",
        reason=reason,
        text=visible(enrolment.completion_date_text),
    )


def _contents(enrolment: Enrolment, value: str | None) -> Message:
    done, whole = enrolment.contents_completed or 0, enrolment.contents_total or 0
    if whole <= 0:
        return NO_CONTENTS if enrolment.has_content_tree else NO_NUMBER
    values = {"done": done, "whole": whole, "value": value}
    reason = (
        Message("{done:,} of {whole:,} mandatory contents = {value} %", **values)
        if enrolment.has_content_tree
        else Message(
            "{done:,} of {whole:,} contents (the course has none in its tree, and states their "
            "number) = {value} %",
            **values,
        )
    )
    if value == "99" and 200 * done + whole >= 199 * whole:
        return Message("{reason} (100 only when all of them are completed)", reason=reason)
    return reason


NO_CONTENTS = Message(
    "the course has no mandatory content, so it is 0 until the course is completed"
)
NO_NUMBER = Message(
    "the course has no content and states no number of contents, so it is 0 until the course is "
    "completed"
)


def _score(attempts: Sequence[Attempt]) -> Message:
    if not attempts:
        return Message("not attempted")
    best = next((one for one in attempts if one.is_counted), None)
    usable = [one for one in attempts if one.is_counted or one.reason == NOT_THE_BEST]
    reason = Message("no attempt that counts") if best is None else _best(best, len(usable))
    ignored = len(attempts) - len(usable)
    if ignored == 0:
        return reason
    if ignored == 1:
        return Message("{reason}; 1 attempt ignored", reason=reason)
    return Message("{reason}; {ignored:,} attempts ignored", reason=reason, ignored=ignored)


def _best(best: Attempt, usable: int) -> Message:
    values = {
        "points": points(best),
        "score": best.score,
        "attempt": visible(best.attempt_id),
        "reason": Message(best.reason),
    }
    if usable == 1:
        return Message("{points} = {score:f}%: attempt {attempt} ({reason})", **values)
    return Message(
        "{points} = {score:f}%: attempt {attempt} ({reason} of {usable:,} attempts)",
        **values,
        usable=usable,
    )


def _total_score(attempts: Sequence[Attempt], value: str | None) -> Message:
    best = [one for one in attempts if one.is_counted]
    if not best:
        return Message("no assessment was attempted")
    values = {
        "score": number(sum((one.total_score or Decimal(0) for one in best), Decimal(0))),
        "maximum": number(sum((one.total_max_score or Decimal(0) for one in best), Decimal(0))),
        "value": value,
    }
    if len(best) == 1:
        return Message("{score}/{maximum} = {value}, rounded up", **values)
    return Message(
        "best attempts added up: {parts} = {score}/{maximum} = {value}, rounded up",
        parts=" + ".join(map(points, best)),
        **values,
    )


def points(attempt: Attempt) -> str:
    """`7.5/10`."""
    return f"{number(attempt.total_score)}/{number(attempt.total_max_score)}"


def number(value: Decimal | None) -> str:
    """A decimal without trailing zeros; None is empty."""
    if value is None:
        return ""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _location(name: str, of: ExplainedEnrolment) -> Message:
    enrolment = of.enrolment
    if not enrolment.is_known_user:
        return UNKNOWN_USER
    if name == "block" and enrolment.is_self_signed_up:
        return Message("always blank for self-signed-up learners")
    own = next((one for one in of.locations if one.is_chosen and one.location_type == name), None)
    of_school = getattr(enrolment, f"school_{name}")
    school = _name_of_school(of)
    if of_school is not None and (own is None or name == "block"):
        return Message("derived from the school {school}", school=school)
    if own is not None:
        return DECLARED if enrolment.is_self_signed_up else SIGNED_ON
    location = LOCATIONS[name]
    if enrolment.is_self_signed_up:
        return Message("the learner has declared no known {location}", location=location)
    if enrolment.school_organisation_id is None:
        return Message(
            "profilelocation names no known {location}, and the learner belongs to no school",
            location=location,
        )
    return Message(
        "neither profilelocation nor the locations of the school {school} name a known {location}",
        school=school,
        location=location,
    )


def _name_of_school(of: ExplainedEnrolment) -> str:
    found: School | None = next((one for one in of.schools if one.is_chosen), None)
    return "" if found is None else visible(f"{found.organisation_id} {found.school_name or ''}")


def _school(value: str | None, of: ExplainedEnrolment) -> Message:
    if not of.enrolment.is_known_user:
        return UNKNOWN_USER
    chosen = next((one for one in of.schools if one.is_chosen), None)
    if of.enrolment.is_self_signed_up:
        return _declared_school(value, chosen)
    if chosen is None:
        return Message("the learner belongs to no school")
    values = {"organisation": visible(chosen.organisation_id), "reason": Message(chosen.reason)}
    if value is None:
        return Message("the school has none: organisation {organisation} ({reason})", **values)
    return Message("the school of the learner: organisation {organisation} ({reason})", **values)


def _declared_school(value: str | None, chosen: School | None) -> Message:
    if chosen is None:
        return Message("the learner has declared no school")
    values = {
        "organisation": visible(chosen.organisation_id),
        "persona": visible(chosen.persona),
        "reason": Message(chosen.reason),
    }
    if value is None:
        return Message(
            "the declaration leaves it blank: declaration to {organisation} as {persona} "
            "({reason})",
            **values,
        )
    return Message(
        "declared by the learner: declaration to {organisation} as {persona} ({reason})", **values
    )


def _org_name(enrolment: Enrolment, value: str | None) -> Message:
    if enrolment.root_org_id is None:
        return Message("the learner has no root organisation")
    root = visible(enrolment.root_org_id)
    if value is None:
        return Message("the root organisation {root} is unknown or has no name", root=root)
    if enrolment.is_self_signed_up:
        return Message(
            "the name of the root organisation {root} (custodian: self-signed-up)", root=root
        )
    return Message("the name of the root organisation {root} (State-validated)", root=root)


def _enrolled_on(enrolment: Enrolment, zone: str) -> Message:
    return _recorded(visible(enrolment.enrolment_date_text), zone)


def _completed_on(enrolment: Enrolment, zone: str) -> Message:
    text = visible(enrolment.completion_date_text)
    if not text:
        return Message("not completed: completedon is empty")
    if enrolment.completed_at is None:
        return Message("completedon `{text}` cannot be read", text=text)
    return _recorded(text, zone)


def _recorded(text: str, zone: str) -> Message:
    return Message("recorded as `{text}`; the day is that of {zone}", text=text, zone=zone)


LOCATIONS = {
    "state": Message("state"),
    "district": Message("district"),
    "block": Message("block"),
    "cluster": Message("cluster"),
}
"""The columns of locations, each as sentences name it."""
SCHOOLS = ("school_id", "school_name")
DATES: dict[str, Callable[[Enrolment, str], Message]] = {
    "enrolled_on": _enrolled_on,
    "completed_on": _completed_on,
}
PROFILE = ("org_name", "user_type", "user_sub_type", "declared_board")
"""Columns that are blank if the learner is not in the table user."""
PLAIN: dict[str, tuple[str, str]] = {
    "course_id": (Message("the ID of the course, unchanged"), ""),
    "course_name": (
        Message("the name at the root of the course's hierarchy"),
        Message("the hierarchy of the course has no name"),
    ),
    "batch_id": (Message("the ID of the batch, unchanged"), ""),
    "batch_name": (Message("the name of the batch"), Message("the batch has no name")),
    "user_id": (Message("the ID of the learner, unchanged"), ""),
    "user_type": (
        Message("the types in profileusertypes, in their order"),
        Message("profileusertypes has no type"),
    ),
    "user_sub_type": (
        Message("the sub-types in profileusertypes, in their order"),
        Message("profileusertypes has no sub-type"),
    ),
    "declared_board": (Message("the first board in framework"), Message("framework has no board")),
    "certificate_status": (
        Message("issued_certificates or certificates holds a certificate"),
        Message("neither issued_certificates nor certificates holds a certificate"),
    ),
}
"""What a filled column says, and a blank one."""
