"""The form of a receipt: anybody may have written what is read as one."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exhaust.reports.formats import Format
from exhaust.reports.layout import Layout


@dataclass(frozen=True)
class Optional:
    """What a field has to be if an object has it: receipts of older versions lack it."""

    form: "Form"


Form = Callable[[Any], bool] | Optional | Mapping[str, "Form"] | Sequence["Form"]
"""What a value of JSON has to be: a condition, an object with these fields, or a list of these."""


def has_form(value: object, form: Form) -> bool:
    """Returns whether a value of JSON has a form. An object may have more fields."""
    if isinstance(form, Mapping):
        return isinstance(value, dict) and all(
            has_form(value[name], of_field) if name in value else isinstance(of_field, Optional)
            for name, of_field in form.items()
        )
    if isinstance(form, Optional):
        return has_form(value, form.form)
    if isinstance(form, Sequence):
        (of_entry,) = form
        return isinstance(value, list) and all(has_form(entry, of_entry) for entry in value)
    return form(value)


def _text(value: object) -> bool:
    return isinstance(value, str)


def _number(value: object) -> bool:
    return type(value) is int and value >= 0


def _numbers(value: object) -> bool:
    return isinstance(value, dict) and all(map(_number, value.values()))


def _object(value: object) -> bool:
    return isinstance(value, dict)


def _digest(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch("[0-9a-f]{64}", value))


def _time(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError:
        return False


def _boolean(value: object) -> bool:
    return isinstance(value, bool)


def _format(value: object) -> bool:
    return isinstance(value, str) and value in set(Format)


def _layout(value: object) -> bool:
    return isinstance(value, str) and value in set(Layout)


def _or_null(form: Form) -> Form:
    return lambda value: value is None or has_form(value, form)


RECEIPT: Form = {
    "receipt": _number,
    "file": _text,
    "bytes": _number,
    "sha256": _digest,
    "rows": _number,
    "enrolments": _number,
    "left_out": _numbers,
    "course": {"id": _text, "name": _or_null(_text)},
    "batches": [
        {
            "id": _text,
            "name": _or_null(_text),
            "rows": _number,
            "enrolments": _number,
            "left_out": _numbers,
        }
    ],
    "filters": {"batches": _or_null([_text]), "root_org_id": _or_null(_text)},
    "request": _or_null(_text),
    "requester": _or_null(_text),
    "layout": _layout,
    "format": Optional(_format),
    "protected": Optional(_boolean),
    "headers": Optional([_text]),
    "twin_sha256": Optional(_digest),
    "values_sha256": Optional(_digest),
    "split": Optional(_or_null(_object)),
    "since": Optional(_or_null(_object)),
    "columns": [{"label": _text, "kind": _text, "id": Optional(_text)}],
    "data": {
        "newest_activity_at": _or_null(_time),
        "loaded_at": _or_null(_time),
        "oldest_loaded_at": _or_null(_time),
    },
    "build": {
        "id": _text,
        "started_at": _or_null(_time),
        "ended_at": _or_null(_time),
        "exhaust": _or_null(_text),
        "tests": _or_null(_number),
        "variables": _object,
    },
    "exported_at": _time,
    "report_timezone": _text,
    "engine": {"name": _text, "version": _text},
    "exhaust": _text,
}
