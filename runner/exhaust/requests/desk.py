"""The desk: takes requests and hands out their files. Rights are checked each time."""

from collections.abc import Sequence
from pathlib import Path

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.errors import Busy, NotFound, PermissionDenied, UsageError
from exhaust.marts.access import USER_ID_HINT
from exhaust.marts.entities import Batch, Course, Requester
from exhaust.marts.state import Marts, open_marts
from exhaust.project.settings import Settings
from exhaust.reports.earlier import Earlier
from exhaust.reports.files import check_file, make_folder
from exhaust.reports.form import ReportForm
from exhaust.reports.pair import copy_report
from exhaust.reports.selection import Criteria, Destination, Selection, select
from exhaust.requests.entities import NewRequest, Request, Status
from exhaust.requests.ledger import Ledger
from exhaust.requests.results import find_file, folder_of, roots
from exhaust.text import visible


def submit(
    marts: Marts, ledger: Ledger, criteria: Criteria, clock: Clock = SYSTEM_CLOCK
) -> Request:
    """Adds a request for batches of one course, or for all that the user may have, to the ledger.

    Raises what selecting them raises, UsageError without a user ID and for too many batches, Busy
    while one of them is being processed.
    """
    if criteria.user_id is None:
        raise UsageError("No user ID given.", USER_ID_HINT)
    selection = select(marts, criteria)
    ((course, batches),) = selection.batches.items()
    return ledger.submit(new_request(marts.settings, selection, course, batches, clock))


def new_request(
    settings: Settings,
    selection: Selection,
    course: Course,
    batches: Sequence[Batch],
    clock: Clock,
) -> NewRequest:
    """Returns the request for batches of one course of a selection.

    Raises NotFound if there are none, UsageError if there are too many.
    """
    if not batches:
        raise NotFound(f"{visible(course.id)} {visible(course.name)} has no batches.")
    if len(batches) > settings.max_batches_per_request:
        raise UsageError(
            f"The request is for {len(batches):,} batches of {visible(course.id)}; the project "
            f"allows {settings.max_batches_per_request:,} (`max_batches_per_request`).",
            "Choose some with -b.",
        )
    requester = _requester_of(selection)
    return NewRequest(
        kind=selection.criteria.kind,
        course_id=course.id,
        course_name=course.course_name,
        batches={batch.id: batch.enrolled for batch in batches},
        requester=requester.user_id,
        channel=requester.root_org_id or "",
        day=clock.today(settings.report_timezone),
        target=settings.profile.target,
        request_data={
            "collectionId": course.id,
            "batchId": [batch.id for batch in batches],
            "batchNames": {batch.id: batch.name for batch in batches if batch.name},
            "roles": {batch.id: batch.role for batch in batches},
            "layout": selection.criteria.form.layout,
            "allLearners": _sees_all(batches),
        },
    )


def select_again(marts: Marts, request: Request) -> Selection:
    """Selects what a request is for, if its requester may still have it, with the same learners.

    Raises NotFound if it is no longer built, PermissionDenied if the rights have changed.
    """
    criteria = Criteria(
        courses=[request.course_id],
        batches=request.batch_ids,
        user_id=request.requester,
        form=ReportForm(layout=request.layout),
        kind=request.kind,
    )
    gone = NotFound(
        f"The course {visible(request.course_id)}, or a batch of the request, is no longer in the "
        "data that is built here."
    )
    try:
        selection = select(marts, criteria)
    except NotFound as error:
        raise gone from error
    ((course, batches),) = selection.batches.items()
    # Without its ID, another one of a similar ID or name may be found.
    if (course.id, {batch.id for batch in batches}) != (request.course_id, {*request.batch_ids}):
        raise gone
    learners = (_requester_of(selection).root_org_id or "", _sees_all(batches))
    if learners != (request.channel, request.sees_all_learners):
        raise PermissionDenied(
            f"`{visible(request.requester)}` may see other learners now than when the report was "
            "requested.",
            "Request it again.",
        )
    return selection


def download(
    settings: Settings,
    ledger: Ledger,
    request_id: str,
    user_id: str | None,
    destination: Destination,
    console: Console = SILENCE,
) -> list[Path]:
    """Copies the files of a request, with their receipts, and returns their paths.

    A file that goes to a stream goes without its receipt. Raises NotFound if the request has no
    files, or no longer, Busy while it is being processed, PermissionDenied if the requester has
    lost the right to them, or if they are not what the ledger says.
    """
    request = ledger.request(request_id, user_id)
    files = _files(request, settings)
    output = destination.output
    if output is not None and len(files) > 1:
        raise UsageError(
            f"The request has {len(files)} files, but one output was given.", "Use --output-dir."
        )
    if user_id is not None:
        with open_marts(settings, console) as marts:
            select_again(marts, request)
    if output is None:
        make_folder(destination.folder)
        copies = [destination.folder / file.name for file in files]
        for file, copy in zip(files, copies, strict=True):
            copy_report(file, copy, is_named=False)
        return copies
    (file,) = files
    if isinstance(output, Path):
        check_file(output)
    copy_report(file, output, is_named=True)
    return [output] if isinstance(output, Path) else []


def earlier_report(
    settings: Settings,
    ledger: Ledger,
    request_id: str,
    user_id: str | None,
    password: str | None,
) -> Earlier:
    """Returns the files of a request as the report that a new one is compared with.

    Raises NotFound if the request has no files, or no longer, Busy while it is being processed.
    """
    request = ledger.request(request_id, user_id)
    return Earlier(_files(request, settings), request.request_id, password)


def _requester_of(selection: Selection) -> Requester:
    if selection.requester is None:
        raise TypeError("the operator does not make requests")
    return selection.requester


def _sees_all(batches: Sequence[Batch]) -> bool:
    return all(batch.sees_all_learners for batch in batches)


def _files(request: Request, settings: Settings) -> list[Path]:
    if request.is_under_way:
        raise Busy(
            f"The request {request.request_id} is being processed: it is {request.status}, with "
            f"{request.rows_done:,} of {request.rows_expected:,} rows.",
            f"`exhaust status {request.request_id} --watch` follows it.",
        )
    if request.status != Status.SUCCESS:
        raise NotFound(
            f"The request {request.request_id} has no files: it is {request.status}."
            + (f" {request.error}" if request.error else ""),
            "Request the report again.",
        )
    files = [find_file(settings, request, batch_id) for batch_id in request.batch_ids]
    if not all(files):
        raise NotFound(
            f"The request {request.request_id} has no files in the folder of results, or no "
            "longer.",
            _hint_for_missing(request, settings),
        )
    return list(filter(None, files))


def _hint_for_missing(request: Request, settings: Settings) -> str:
    folders = [folder_of(root, request) for root in roots(settings)]
    paths = {Path(file) for file in request.files.values()}
    elsewhere = sorted(str(path) for path in paths if path.parent not in folders)
    if elsewhere:
        return f"An export wrote {', '.join(elsewhere)}. Only files of workers can be downloaded."
    return (
        f"They are kept for {settings.results_retention.days} days, and an export to standard "
        "output keeps none. Request the report again."
    )
