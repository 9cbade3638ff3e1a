"""Helpers for the tests of requests on handmade marts, from submitting to downloading."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from handmade_marts import CREATOR, HEADER, LINES, MATHS
from support import NO_MESSAGES, ManualClock

from exhaust.console import Clock, Console
from exhaust.marts.state import open_marts
from exhaust.project.settings import Settings
from exhaust.reports.form import ReportForm
from exhaust.reports.layout import Layout
from exhaust.reports.selection import Criteria, Destination
from exhaust.requests.desk import download, submit
from exhaust.requests.entities import Request
from exhaust.requests.ledger import Ledger
from exhaust.requests.worker import process
from exhaust.warehouse import connect

DAY = date(2026, 11, 23)


class ShiftedClock(Clock):
    """The system's clock, moved forward or back."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return super().now() + self._ahead


def execute(settings: Settings, sql: str) -> None:
    with connect(settings.profile, writing=True) as warehouse:
        warehouse.execute(sql.format(schema=f'"{settings.profile.schema}"'))


def submit_request(
    settings: Settings,
    course: str = MATHS,
    batches: list[str] | None = None,
    user: str = CREATOR,
    layout: Layout = Layout.EXHAUST,
    form: ReportForm | None = None,
    password: str | None = None,
) -> Request:
    form = form or ReportForm(layout=layout)
    criteria = Criteria([course], batches=batches or [], user_id=user, form=form)
    with open_marts(settings, NO_MESSAGES) as marts, Ledger.open(settings.profile) as ledger:
        return submit(marts, ledger, criteria, ManualClock(DAY), password)


def process_requests(settings: Settings, console: Console = NO_MESSAGES) -> list[Request]:
    with Ledger.open(settings.profile) as ledger:
        return list(process(settings, ledger, "worker", console, ManualClock(DAY)))


def download_files(
    settings: Settings,
    request: Request,
    user: str | None = CREATOR,
    output: Path | BinaryIO | None = None,
    folder: Path = Path(),
) -> list[Path]:
    destination = Destination(output, folder)
    with Ledger.open(settings.profile) as ledger:
        return download(settings, ledger, request.request_id, user, destination, NO_MESSAGES)


def reload(settings: Settings, request: Request) -> Request:
    with Ledger.open(settings.profile) as ledger:
        return ledger.request(request.request_id)


def report_text(*batches: str, course: str = MATHS) -> str:
    return HEADER + "".join(line for batch in batches for line in LINES[course, batch])


def once(call: Callable[[str, float], None]) -> Callable[[str, float], None]:
    """Returns a function that makes the call only the first time."""
    calls = iter([call])

    def first(what: str, share: float) -> None:
        for call in calls:
            call(what, share)

    return first
