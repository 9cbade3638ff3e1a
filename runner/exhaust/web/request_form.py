"""The form for a report, as somebody filled it in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from exhaust import api
from exhaust.errors import ExhaustError
from exhaust.reports.form import ReportForm, SplitBy
from exhaust.reports.formats import Format

FIELDS = ("format", "split", "user")
"""The password is never sent back to the browser."""


@dataclass(frozen=True)
class RequestForm:
    values: Mapping[str, str]
    password: str | None = field(default=None, repr=False)
    errors: dict[str, Any] = field(default_factory=dict)
    """What is wrong, by field: `missing`, `differ`, or an error of the core. Errors of no field are
    under `form`."""

    @classmethod
    def new(cls) -> "RequestForm":
        return cls({"format": Format.XLSX.value, "split": "", "user": ""})

    @classmethod
    def of(cls, request: Request) -> "RequestForm":
        """Reads the form of a request, and checks its fields."""
        sent = request.state.form
        person = request.state.person
        password = str(sent.get("password", ""))
        values = {name: str(sent.get(name, "")).strip() for name in FIELDS}
        read = cls(values, password or None)
        if person.user_id is None and not values["user"]:
            read.errors["user"] = "missing"
        if password != sent.get("again", ""):
            read.errors["again"] = "differ"
        elif password:
            try:
                api.check_password(password)
            except ExhaustError as error:
                read.errors["password"] = error
        return read

    @property
    def form(self) -> ReportForm:
        """The form of the report. Raises ValueError for choices that the page does not offer."""
        split = self.values["split"]
        return ReportForm(
            format=Format(self.values["format"]),
            split_by=SplitBy(split) if split else None,
            is_protected=self.password is not None,
        )
