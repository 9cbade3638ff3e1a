"""Helpers for the tests of explanations: the sample, and one of its learners explained."""

import csv
from typing import Any

from support import SCENARIOS, Built

from exhaust import api
from exhaust.reports.explanation import ExplainedEnrolment

COURSE = "do_31300000000000000001"
UNKNOWN_COURSE = "do_31300000000000000009"
FLAT_COURSE = "do_31300000000000000003"
JUNE, JULY, OLD = "0130300000000000101", "0130300000000000102", "0130300000000000103"
QUIZ, PRACTICE = "do_31300000000000000140", "do_31300000000000000130"
FINAL, OPTIONAL_QUIZ = "do_31300000000000000120", "do_31300000000000000150"
UNKNOWN_BATCH = "01303000000000000199"
MENTOR = "911ce132-8344-52ec-b886-dd566ca43537"
CREATOR = "90e616e7-8a79-52d7-99e9-3aaf5457b015"


def user(start: str) -> str:
    """Returns the learner of the sample whose ID starts so."""
    with (SCENARIOS["sample"] / "user_enrolments.csv").open(encoding="utf-8") as file:
        users = {row["userid"] for row in csv.DictReader(file)}
    (found,) = (one for one in users if one.startswith(start))
    return found


def of(
    built: Built, start: str, column: str | None = None, batch: str | None = JUNE, **more: Any
) -> ExplainedEnrolment:
    """Explains a learner of the sample in one batch of its largest course."""
    settings = built(SCENARIOS["sample"])
    found = api.explain(
        settings, more.pop("course", COURSE), user(start), column, batch=batch, **more
    )
    (explained,) = found.enrolments
    return explained


def because(built: Built, start: str, column: str, batch: str = JUNE, **more: Any) -> str:
    (value,) = of(built, start, column, batch, **more).values
    return f"{value.value or ''}: {value.because}"
