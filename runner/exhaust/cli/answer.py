"""What `--json` prints: one JSON document, or with `--watch` one per line."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from exhaust.cli.streams import print_line
from exhaust.errors import ExhaustError


class Answer:
    """The answer of a command for programs; it prints nothing unless `--json` was given."""

    def __init__(self, *, is_wanted: bool) -> None:
        self._is_wanted = is_wanted
        self._is_lines = False
        self._document: dict[str, object] = {}

    def give(self, **values: object) -> None:
        """Adds keys to the document, which is printed when the command ends."""
        self._document.update(values)

    def give_all(self, result: object) -> None:
        """Adds the fields of a dataclass to the document."""
        self._document.update(fields_of(result))

    def print_lines(self) -> None:
        """Makes each document one line; only those of `give_line` and an error are printed."""
        self._is_lines = True

    def give_line(self, **values: object) -> None:
        """Prints a document as a line."""
        if self._is_wanted:
            print_line(as_json(values))

    def end(self, error: Mapping[str, object] | None = None) -> None:
        """Prints the document, with the error that ended the command, if there was one."""
        document = {} if self._is_lines else self._document
        if error is not None:
            document = {**document, "error": error}
        if self._is_wanted and document:
            print_line(as_json(document, indent=None if self._is_lines else 2))


def error_of(error: ExhaustError) -> dict[str, object]:
    """Returns an error as it is in a document."""
    return {"code": error.code, "message": error.message, "hint": error.hint}


def as_json(document: Mapping[str, object], indent: int | None = None) -> str:
    """Returns a document as JSON in ASCII. Times are ISO 8601 in UTC, to the second."""
    return json.dumps(_plain(document), indent=indent)


def fields_of(item: object) -> dict[str, object]:
    """Returns the fields of a dataclass, which may hold further dataclasses."""
    if not is_dataclass(item):
        raise TypeError(f"not a dataclass: {type(item).__name__}")
    return {field.name: getattr(item, field.name) for field in fields(item)}


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime):
        in_utc = value.astimezone(UTC) if value.tzinfo else value
        return f"{in_utc.replace(tzinfo=None).isoformat(timespec='seconds')}Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return _plain(fields_of(value))
