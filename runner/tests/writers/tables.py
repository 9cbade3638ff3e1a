"""Sunbird's tables as Python values, and the project's sample as such tables."""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

Value = Any
"""None, str, int, float, bool, datetime (naive, UTC), dict, list or Question.

A str in a column of another type is written unchanged.
"""

KEYSPACES = {
    "user": "sunbird",
    "user_organisation": "sunbird",
    "organisation": "sunbird",
    "location": "sunbird",
    "user_declarations": "sunbird",
    "system_settings": "sunbird",
    "course_batch": "sunbird_courses",
    "user_enrolments": "sunbird_courses",
    "report_user_enrolments": "sunbird_courses",
    "assessment_aggregator": "sunbird_courses",
    "content_hierarchy": "dev_hierarchy_store",
}

CERTIFICATES = "list<frozen<map<text, text>>>"

TYPES = {
    "user": {"framework": "map<text, frozen<list<text>>>", "status": "int"},
    "user_organisation": {"isdeleted": "boolean"},
    "organisation": {"organisationtype": "int", "istenant": "boolean", "status": "int"},
    "user_declarations": {"userinfo": "map<text, text>"},
    "course_batch": {
        "mentors": "list<text>",
        "start_date": "timestamp",
        "end_date": "timestamp",
        "status": "int",
    },
    "user_enrolments": {
        "active": "boolean",
        "enrolled_date": "timestamp",
        "completedon": "timestamp",
        "contentstatus": "map<text, int>",
        "issued_certificates": CERTIFICATES,
        "certificates": CERTIFICATES,
        "datetime": "timestamp",
        "status": "int",
    },
    "assessment_aggregator": {
        "total_score": "double",
        "total_max_score": "double",
        "last_attempted_on": "timestamp",
        "updated_on": "timestamp",
        "question": "list<frozen<question>>",
    },
}
"""The CQL types of columns that are not text."""

USER_TYPES = {
    "question": {
        "id": "text",
        "assess_ts": "timestamp",
        "max_score": "double",
        "score": "double",
        "title": "text",
        "resvalues": "list<frozen<map<text, text>>>",
        "duration": "decimal",
    }
}
"""The fields of user-defined types, with their CQL types."""


class Question(NamedTuple):
    """A value of the user-defined type `question`; assessment_aggregator has lists of it."""

    id: str | None = None
    assess_ts: datetime | None = None
    max_score: float | None = None
    score: float | None = None
    title: str | None = None
    resvalues: list[dict[str, str]] | None = None
    duration: Any = None


# The drivers give the class its CQL name.
Question.__name__ = "question"

JSON_TEXTS = {
    "user": ("profilelocation", "profileusertypes"),
    "organisation": ("orglocation",),
    "content_hierarchy": ("hierarchy",),
}
"""Text columns that contain JSON."""


@dataclass(frozen=True)
class Table:
    """A table: CQL types by column name, and rows with one value per column."""

    name: str
    types: Mapping[str, str]
    rows: list[list[Value]]

    @property
    def columns(self) -> list[str]:
        return list(self.types)


Tables = dict[str, Table]


def sample(folder: Path) -> Tables:
    """Returns the tables of an RFC 4180 extract, such as seeds/, with typed values.

    A cell that is not a value of its column's type stays text.
    """
    return {file.stem: _typed(file) for file in sorted(folder.glob("*.csv"))}


def _typed(file: Path) -> Table:
    with file.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream, strict=True)
    types = {name: TYPES.get(file.stem, {}).get(name, "text") for name in header}
    return Table(
        file.stem,
        types,
        [
            [typed(cell, kind) for cell, kind in zip(row, types.values(), strict=True)]
            for row in rows
        ],
    )


def typed(cell: str, kind: str) -> Value:
    """Returns a cell from dsbulk as a value of a CQL type; the cell itself if it is not one."""
    if cell == "":
        return None
    try:
        value = PARSERS[kind.partition("<")[0]](cell)
    except (KeyError, ValueError):
        return cell
    # An empty list was once written as {}.
    return value if value in ({}, []) or conforms(value, kind) else cell


def conforms(value: Value, kind: str) -> bool:
    """Whether a column or an element of a CQL type can hold a value."""
    outer, _, inner = kind.removesuffix(">").partition("<")
    if value is None:
        return True
    if outer == "frozen":
        return conforms(value, inner)
    if outer == "list":
        return isinstance(value, list) and all(conforms(element, inner) for element in value)
    if outer == "map":
        key_kind, _, value_kind = inner.partition(", ")
        return isinstance(value, dict) and all(
            conforms(key, key_kind) and conforms(element, value_kind)
            for key, element in value.items()
        )
    if outer in USER_TYPES:
        return isinstance(value, tuple)
    if outer == "int":
        return type(value) is int and -(2**31) <= value < 2**31
    return type(value) is PYTHON_TYPES[outer]


PYTHON_TYPES = {
    "text": str,
    "boolean": bool,
    "double": float,
    "timestamp": datetime,
    "decimal": Decimal,
}


def _boolean(cell: str) -> bool:
    return {"1": True, "true": True, "0": False, "false": False}[cell.lower()]


def _integer(cell: str) -> int:
    number = int(cell)
    if str(number) != cell:
        raise ValueError(cell)
    return number


TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,3})0*)?(?:Z|\+00:?00)", re.ASCII
)


def _timestamp(cell: str) -> datetime:
    """Parses a timestamp with milliseconds, which is what Cassandra stores."""
    found = TIMESTAMP.fullmatch(cell)
    if not found:
        raise ValueError(cell)
    day, time, fraction = found.groups("0")
    return datetime.fromisoformat(f"{day} {time}.{fraction.ljust(3, '0')}")


def _collection(cell: str) -> Value:
    return json.loads(cell)


PARSERS: dict[str, Callable[[str], Value]] = {
    "boolean": _boolean,
    "int": _integer,
    "double": float,
    "timestamp": _timestamp,
    "map": _collection,
    "list": _collection,
}


def instant(moment: datetime) -> str:
    """Returns a timestamp as Java's Instant writes it, with a fraction of 0, 3 or 6 digits."""
    text = moment.replace(tzinfo=UTC).isoformat(timespec="seconds").removesuffix("+00:00")
    fraction = f".{moment.microsecond:06}" if moment.microsecond else ""
    return f"{text}{fraction.removesuffix('000')}Z"


def texts(value: Value) -> Iterator[str]:
    """Yields all texts in a value at any depth, including keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(key)
            yield from texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts(inner)
