"""Requests for reports, and who may make them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from exhaust.api.opening import StrPath
from exhaust.api.opening import destination as _destination
from exhaust.api.opening import ledger as _ledger
from exhaust.api.opening import marts as _marts
from exhaust.console import SILENCE, SYSTEM_CLOCK, Console
from exhaust.reports.form import ReportForm

if TYPE_CHECKING:
    from exhaust.project.settings import Settings
    from exhaust.requests.entities import Request, Worker
    from exhaust.requests.grants import Granted


def submit(
    project: "Settings",
    course: str,
    *,
    user_id: str | None,
    batches: Sequence[str] = (),
    form: ReportForm | None = None,
    password: str | None = None,
    portal_dataset: str | None = None,
    console: Console = SILENCE,
) -> "Request":
    """Requests the report of a course; a worker makes it (see `process`).

    `form.since` is the ID of one of the user's requests. A `password` protects the files; only the
    workers can read it, and it is forgotten when the request ends, or after a day.
    `portal_dataset` is what Sunbird's portal calls the report, if it is requested there. Raises
    UsageError without a user ID, for too many batches, and for a form that the report cannot have,
    NotFound if no worker has published its key, Busy while the report is being processed, and what
    selecting the batches raises.
    """
    from exhaust.reports.selection import Criteria
    from exhaust.requests.desk import submit

    criteria = Criteria([course], batches=batches, user_id=user_id, form=form or ReportForm())
    with (
        _marts(project, user_id, console) as marts,
        _ledger(project, user_id, console) as ledger,
        marts.state(criteria.kind.marts, console),
    ):
        return submit(marts, ledger, criteria, password=password, portal_dataset=portal_dataset)


def check_password(password: str) -> None:
    """Raises UsageError for a password that is too short or too long for a report."""
    from exhaust.reports.protection import check_password

    check_password(password)


def process(project: "Settings", *, console: Console = SILENCE) -> "Iterator[Request]":
    """Makes the reports that were requested, and yields each request after it was processed.

    Ends when none is waiting. Raises Busy or NoConnection if the warehouse cannot be had,
    UsageError for a key that cannot sign.
    """
    from exhaust.requests.lease import process_name
    from exhaust.requests.ledger import Ledger
    from exhaust.requests.worker import process

    with Ledger.open(project.profile, console=console) as ledger:
        yield from process(project, ledger, process_name(), console, SYSTEM_CLOCK)


def requests(
    project: "Settings",
    *,
    user_id: str | None = None,
    tag: str | None = None,
    limit: int | None = None,
) -> "list[Request]":
    """Returns all requests, or only the user's own, newest first.

    A `tag` is a course and batches, as Sunbird writes them: `<course>_<batch>,<batch>`. With a
    `limit`, returns only the newest.
    """
    with _ledger(project, user_id, writing=False) as ledger:
        return ledger.requests(user_id, tag, limit)


def request(project: "Settings", request_id: str, *, user_id: str | None = None) -> "Request":
    """Returns a request. Raises NotFound if there is none of that ID, or it is not the user's."""
    with _ledger(project, user_id, writing=False) as ledger:
        return ledger.request(request_id, user_id)


def workers(project: "Settings", *, user_id: str | None = None) -> "list[Worker]":
    """Returns the workers that were seen lately, the one that was seen last first."""
    with _ledger(project, user_id, writing=False) as ledger:
        return ledger.workers()


def download(
    project: "Settings",
    request_id: str,
    *,
    output: StrPath | BinaryIO | None = None,
    output_dir: StrPath | None = None,
    user_id: str | None = None,
    console: Console = SILENCE,
) -> list[Path]:
    """Copies the files of a processed request, with their receipts, and returns their paths.

    Raises NotFound if there are no files, Busy while the request is being processed,
    PermissionDenied if the user has lost the right to them.
    """
    from exhaust.requests.desk import download

    destination = _destination(output, output_dir)
    with _ledger(project, user_id, console, writing=False) as ledger:
        return download(project, ledger, request_id, user_id, destination, console)


def cancel(
    project: "Settings",
    request_id: str,
    *,
    user_id: str | None = None,
    console: Console = SILENCE,
) -> "Request":
    """Cancels a request that is waiting or being processed.

    Raises NotFound if there is none of that ID, or it is not the user's; UsageError if it has
    ended.
    """
    with _ledger(project, user_id, console) as ledger:
        return ledger.cancel(request_id, user_id)


def grant(
    project: "Settings",
    kind: str,
    role: str,
    *,
    user_id: str | None = None,
    console: Console = SILENCE,
) -> "Granted":
    """Gives a role of PostgreSQL the rights of a `reader`, a `server` or a `worker`.

    `user_id` is the user whose requests a reader makes. Raises UsageError on other engines and for
    another kind, NotFound without such a role, DataError if nothing is built, PermissionDenied if
    the caller may not grant a right, or if the role may write the ledger in another way.
    """
    from exhaust.errors import UsageError
    from exhaust.requests.grants import GrantKind, grant

    kinds = [one.value for one in GrantKind]
    if kind not in kinds:
        raise UsageError(f"There is no kind `{kind}`.", f"Give one of {', '.join(kinds)}.")
    return grant(project, GrantKind(kind), role, user_id, console)
