"""The form of a report file: how it is written and which columns it has, not whose rows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from exhaust.reports.formats import Format
from exhaust.reports.layout import Layout


class Headers(StrEnum):
    """What the header says of an assessment."""

    ID = "id"
    NAME = "name"
    BOTH = "both"


class SplitBy(StrEnum):
    DISTRICT = "district"
    BLOCK = "block"
    SCHOOL = "school"


@dataclass(frozen=True)
class ReportForm:
    """How a report is written. The default is the CSV of docs/report.md."""

    layout: Layout = Layout.EXHAUST
    format: Format = Format.CSV
    headers: Headers | None = None
    """None: IDs in CSV, and both in files for spreadsheet programs."""
    columns: tuple[str, ...] = ()
    """The only columns, in this order, as somebody names them; empty means all of them."""
    additions: tuple[str, ...] = ()
    """More columns, as somebody names them."""
    split_by: SplitBy | None = None
    """A file for each of these, instead of one."""
    since: str | None = None
    """The ID of a request or the path of a report: only rows that are new or changed since."""
    is_protected: bool = False
    """Whether the file opens only with a password."""

    @property
    def headers_shown(self) -> Headers:
        if self.headers is None:
            return Headers.ID if self.format is Format.CSV else Headers.BOTH
        return self.headers

    @property
    def is_plain(self) -> bool:
        """Whether the engine of the warehouse can write the whole file: nothing compares,
        splits or formats its rows afterwards."""
        return self.format is Format.CSV and self.split_by is None and self.since is None

    def as_data(self) -> dict[str, Any]:
        """Returns what differs from the default, as JSON has it."""
        found = {
            "layout": self.layout if self.layout is not Layout.EXHAUST else None,
            "format": self.format if self.format is not Format.CSV else None,
            "headers": self.headers,
            "columns": list(self.columns),
            "additions": list(self.additions),
            "splitBy": self.split_by,
            "since": self.since,
            "isProtected": self.is_protected,
        }
        return {name: value for name, value in found.items() if value}

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> "ReportForm":
        """Returns the form that `as_data` describes. Raises ValueError for what it never gives."""
        if not _is_text(data.get("since", "a")):
            raise ValueError("since is not a text")
        for name in ("columns", "additions"):
            texts = data.get(name, [])
            if not isinstance(texts, list) or not all(map(_is_text, texts)):
                raise ValueError(f"{name} is not a list of texts")
        if not isinstance(data.get("isProtected", False), bool):
            raise ValueError("isProtected is neither true nor false")
        return cls(
            layout=Layout(data.get("layout", Layout.EXHAUST)),
            format=Format(data.get("format", Format.CSV)),
            headers=Headers(data["headers"]) if "headers" in data else None,
            columns=tuple(data.get("columns", [])),
            additions=tuple(data.get("additions", [])),
            split_by=SplitBy(data["splitBy"]) if "splitBy" in data else None,
            since=data.get("since"),
            is_protected=data.get("isProtected", False),
        )

    @property
    def key(self) -> str:
        """What tells this form apart from others: empty for the default."""
        data = self.as_data()
        return json.dumps(data, sort_keys=True, ensure_ascii=False) if data else ""


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)
