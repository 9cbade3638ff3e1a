"""What a page shows of requests: which are under way, what they have made, and what changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from exhaust.api.opening import ledger as _ledger
from exhaust.api.opening import marts as _marts
from exhaust.console import SILENCE, SYSTEM_CLOCK

if TYPE_CHECKING:
    from exhaust.project.settings import Settings
    from exhaust.reports.diff import Diff
    from exhaust.reports.form import ReportForm
    from exhaust.requests.entities import Request, Status
    from exhaust.requests.ledger import Ledger


@dataclass(frozen=True)
class UnderWay:
    """A request that is waiting or being processed, as far as others may know it; times are UTC."""

    request_id: str | None
    """None for a colleague's, which others do not see."""
    is_own: bool
    role: str | None
    """The `Role` of who requested it, where the ledger knows it."""
    form: "ReportForm"
    submitted_at: datetime
    status: "Status"
    position: int | None
    rows_done: int
    rows_expected: int


@dataclass(frozen=True)
class Result:
    """A file of a request that was processed."""

    name: str
    batch_id: str
    bytes: int
    rows: int


@dataclass(frozen=True)
class Results:
    """The files of a request; times are UTC."""

    files: Sequence[Result]
    made_at: datetime
    kept_until: datetime


def under_way(
    project: "Settings", course_id: str, batch_id: str, *, user_id: str | None = None
) -> list[UnderWay]:
    """Returns the requests for a batch that are under way, newest first.

    For a user, those that keep them from requesting it in the same form: their own, and those of
    colleagues, who see the same learners. Raises NotFound if the user may not have the batch.
    """
    from exhaust.errors import NotFound
    from exhaust.marts.access import find_requester
    from exhaust.marts.courses import batches
    from exhaust.reports.kinds import PROGRESS

    with _marts(project, user_id, SILENCE) as marts, marts.state():
        requester = find_requester(marts, user_id)
        if batch_id not in {batch.id for batch in batches(marts, course_id, requester)}:
            raise NotFound("There is no such batch.")
    channel = None if requester is None else requester.root_org_id or ""
    with _ledger(project, user_id, writing=False) as ledger:
        found = ledger.under_way(PROGRESS, course_id, batch_id, channel)
    return [
        UnderWay(
            request.request_id if requester is None or is_own else None,
            is_own,
            request.request_data.get("roles", {}).get(batch_id),
            request.form,
            request.submitted_at,
            request.status,
            request.position,
            request.rows_done,
            request.rows_expected,
        )
        for request in found
        for is_own in [requester is not None and request.requester == requester.user_id]
    ]


def has_worker(project: "Settings", *, user_id: str | None = None) -> bool:
    """Returns whether a worker was seen in the last ten minutes."""
    with _ledger(project, user_id, writing=False) as ledger:
        workers = ledger.workers()
    now = SYSTEM_CLOCK.now().replace(tzinfo=None)
    return any(worker.is_expected(now) for worker in workers)


def results(project: "Settings", request_id: str, *, user_id: str | None = None) -> Results:
    """Returns the files of a request that was processed, by batch, without their receipts.

    Raises NotFound if there is no such request of the user, or it has no files, or no longer.
    """
    from exhaust.errors import NotFound
    from exhaust.reports.receipt import receipt_path
    from exhaust.reports.receipt_reader import ReadReceipt
    from exhaust.requests.desk import earlier_report

    with _ledger(project, user_id, writing=False) as ledger:
        request = ledger.request(request_id, user_id)
        files = [
            (batch_id, file)
            for batch_id in request.batch_ids
            for file in earlier_report(
                project, ledger, request.request_id, user_id, None, [batch_id]
            ).files
        ]
    if request.completed_at is None:
        raise NotFound(f"The request {request.request_id} has no files.")
    return Results(
        [
            Result(file.name, batch_id, file.stat().st_size, receipt.rows)
            for batch_id, file in files
            for receipt in [ReadReceipt.of(receipt_path(file))]
        ],
        request.completed_at,
        request.completed_at + project.results_retention,
    )


def changes(
    project: "Settings",
    old_id: str,
    new_id: str,
    *,
    user_id: str | None = None,
    old_password: str | None = None,
    new_password: str | None = None,
    limit: int | None = None,
) -> "list[Diff]":
    """Compares the files of two requests, for each batch that both have.

    Raises NotFound if one of them is not the user's, or has no files; PermissionDenied if the user
    has lost the right to one; UsageError if they have no batch in common, or one of them is split
    or has only what is new; what `diff` raises.
    """
    from exhaust.errors import UsageError
    from exhaust.reports.diff import diff
    from exhaust.requests.desk import earlier_report
    from exhaust.text import Message

    with _ledger(project, user_id, writing=False) as ledger:
        pair = [_allowed(project, ledger, one, user_id) for one in (old_id, new_id)]
        old, new = pair
        common = [one for one in old.batch_ids if one in new.batch_ids]
        if old.course_id != new.course_id or not common:
            raise UsageError(
                Message("The two reports have no batch in common."),
                Message("Choose two of the same batch."),
            )
        if any(one.form.split_by or one.form.since for one in pair):
            raise UsageError(
                Message("Only reports in one file, with all rows, can be compared here."),
                Message("`exhaust diff` compares any two files."),
            )
        files = [
            [
                earlier_report(project, ledger, one.request_id, user_id, None, [batch]).files[0]
                for one in pair
            ]
            for batch in common
        ]
    return [
        diff(
            before,
            after,
            project.receipt_public_keys,
            old_password=old_password,
            new_password=new_password,
            limit=limit,
        )
        for before, after in files
    ]


def _allowed(
    project: "Settings", ledger: "Ledger", request_id: str, user_id: str | None
) -> "Request":
    """Returns a request, if its requester may still have what it is for."""
    from exhaust.requests.desk import select_again

    request = ledger.request(request_id, user_id)
    if user_id is not None:
        with _marts(project, user_id, SILENCE) as marts, marts.state(request.kind.marts):
            select_again(marts, request)
    return request
