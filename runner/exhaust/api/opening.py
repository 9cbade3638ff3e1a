"""How the functions of `api` open what they need, and read the arguments that they share."""

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from exhaust.console import SILENCE, Console
from exhaust.reports.form import ReportForm

if TYPE_CHECKING:
    from exhaust.marts.state import Marts
    from exhaust.project.settings import Settings
    from exhaust.reports.earlier import Earlier
    from exhaust.reports.selection import Destination
    from exhaust.requests.ledger import Ledger

StrPath = str | PathLike[str]


@contextmanager
def marts(project: "Settings", user_id: str | None, console: Console) -> "Iterator[Marts]":
    from exhaust.marts.access import check_user_id
    from exhaust.marts.state import open_marts

    check_user_id(project, user_id)
    with open_marts(project, console) as opened:
        yield opened


@contextmanager
def ledger(
    project: "Settings", user_id: str | None, console: Console = SILENCE, *, writing: bool = True
) -> "Iterator[Ledger]":
    from exhaust.marts.access import check_user_id
    from exhaust.marts.kept_open import KeptOpen
    from exhaust.requests.ledger import Ledger

    check_user_id(project, user_id)
    if isinstance(project, KeptOpen):
        yield project.keep(
            ("ledger", writing), lambda: Ledger.open(project.profile, writing=writing)
        )
        return
    with Ledger.open(project.profile, writing=writing, console=console) as opened:
        yield opened


def form_of(output: StrPath | BinaryIO | None) -> ReportForm:
    from exhaust.reports.formats import Format

    named = Format.of_name(Path(output).name) if isinstance(output, str | PathLike) else None
    return ReportForm(format=named or Format.CSV)


def earlier(
    project: "Settings", since: str | None, user_id: str | None, password: str | None
) -> "Earlier | None":
    """Returns the report that a file, or the ID of one of the user's requests, stands for."""
    if since is None:
        return None

    from exhaust.reports.earlier import Earlier

    if Path(since).is_file():
        return Earlier([Path(since)], password=password)

    from exhaust.errors import NotFound
    from exhaust.requests.desk import earlier_report
    from exhaust.text import visible

    with ledger(project, user_id, writing=False) as opened:
        try:
            opened.request(since, user_id)
        except NotFound:
            raise NotFound(
                f"There is no file {visible(since)}, and no request of this ID.",
                "Give the path of a report, or an ID that `exhaust status` lists.",
            ) from None
        return earlier_report(project, opened, since, user_id, password)


def destination(output: StrPath | BinaryIO | None, folder: StrPath | None) -> "Destination":
    from exhaust.errors import UsageError
    from exhaust.reports.selection import Destination

    if output is not None and folder is not None:
        raise UsageError(
            "Both an output and an output folder were given.", "Give -o or --output-dir."
        )
    path = Path(output) if isinstance(output, str | PathLike) else output
    return Destination(path, Path(folder or ""))
