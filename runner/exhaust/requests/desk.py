"""The desk: takes requests and hands out their files. Rights are checked each time."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.errors import Busy, NotFound, PasswordNeeded, PermissionDenied, UsageError
from exhaust.marts.access import USER_ID_HINT
from exhaust.marts.entities import Batch, Course, Requester
from exhaust.marts.state import Marts, open_marts
from exhaust.project.settings import Settings
from exhaust.reports.earlier import Earlier
from exhaust.reports.files import check_file, make_folder
from exhaust.reports.form import ReportForm
from exhaust.reports.pair import copy_index, copy_report
from exhaust.reports.protection import check_password
from exhaust.reports.selection import Criteria, Destination, Job, Selection, select
from exhaust.reports.source import Source
from exhaust.requests.entities import NewRequest, Request, Status
from exhaust.requests.ledger import Ledger
from exhaust.requests.results import BatchFiles, find_files, folder_of, roots
from exhaust.requests.sealing import seal
from exhaust.text import Message, counted, visible


def submit(
    marts: Marts,
    ledger: Ledger,
    criteria: Criteria,
    clock: Clock = SYSTEM_CLOCK,
    password: str | None = None,
    portal_dataset: str | None = None,
) -> Request:
    """Adds a request for batches of one course, or for all that the user may have, to the ledger.

    A password is sealed to the key of the workers. Raises what selecting the batches raises,
    UsageError without a user ID, for too many batches and for a form that the report cannot have,
    NotFound if there is no such earlier request, or no key of workers, Busy while one of the
    batches is being processed.
    """
    if criteria.user_id is None:
        raise UsageError("No user ID given.", USER_ID_HINT)
    if password is not None:
        check_password(password)
    selection = select(marts, criteria)
    ((course, batches),) = selection.batches.items()
    form = replace(criteria.form, is_protected=password is not None)
    if form.since is not None:
        form = replace(form, since=_earlier_id(ledger, form, selection))
    new = new_request(marts.settings, selection, course, batches, clock, form)
    if portal_dataset is not None:
        data = {**new.request_data, "portalDataset": portal_dataset}
        new = replace(new, request_data=data)
    # Names of columns that do not exist are refused here, and not by the worker.
    job = Job(course, batches, are_all_batches=False, output=Path())
    Source(marts, criteria.kind, form, selection.requester).columns(job)
    if password is not None:
        new = replace(new, sealed_password=seal(password, ledger.public_key()))
    return ledger.submit(new, max_under_way=marts.settings.max_requests_under_way)


def new_request(
    settings: Settings,
    selection: Selection,
    course: Course,
    batches: Sequence[Batch],
    clock: Clock,
    form: ReportForm,
) -> NewRequest:
    """Returns the request for batches of one course of a selection, in a form.

    Raises NotFound if there are none, UsageError if there are too many.
    """
    if not batches:
        raise NotFound(
            Message(
                "{course} {name} has no batches.",
                course=visible(course.id),
                name=visible(course.name),
            )
        )
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
            "layout": form.layout,
            "allLearners": _sees_all(batches),
            **form.as_data(),
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
        form=request.form,
        kind=request.kind,
    )
    gone = NotFound(
        Message(
            "The course {course}, or a batch of the request, is no longer in the data that is "
            "built here.",
            course=visible(request.course_id),
        )
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
            Message(
                "`{user}` may see other learners now than when the report was requested.",
                user=visible(request.requester),
            ),
            Message("Request it again."),
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
    request, found = find_files_for(settings, ledger, request_id, user_id, console)
    files = [file for one in found for file in one.reports]
    output = destination.output
    if output is not None and (len(files) != 1 or request.form.split_by):
        raise UsageError(
            f"The request has {counted(len(files), 'file')}, but one output was given.",
            "Use --output-dir.",
        )
    if output is None:
        make_folder(destination.folder)
        for file in files:
            copy_report(file, destination.folder / file.name, is_named=False)
        # Last, as when they were made: an index says that its files are there.
        indexes = [one.index for one in found if one.index is not None]
        for index in indexes:
            copy_index(index, destination.folder / index.name)
        return [destination.folder / file.name for file in [*files, *indexes]]
    (file,) = files
    if isinstance(output, Path):
        check_file(output)
    copy_report(file, output, is_named=True)
    return [output] if isinstance(output, Path) else []


def find_files_for(
    settings: Settings,
    ledger: Ledger,
    request_id: str,
    user_id: str | None,
    console: Console = SILENCE,
) -> tuple[Request, list[BatchFiles]]:
    """Returns a request and its files, if the user may still have them. Raises as `download`
    does."""
    request = ledger.request(request_id, user_id)
    found = _files(request, settings)
    if user_id is not None:
        with open_marts(settings, console) as marts:
            select_again(marts, request)
    return request, found


def earlier_report(
    settings: Settings,
    ledger: Ledger,
    request_id: str,
    user_id: str | None,
    password: str | None,
    batch_ids: Sequence[str] | None = None,
) -> Earlier:
    """Returns the files of a request as the report that a new one is compared with.

    Those of some batches, or of all. Raises NotFound if the request has no files, or no longer,
    Busy while it is being processed.
    """
    request = ledger.request(request_id, user_id)
    found = _files(request, settings, batch_ids)
    files = [file for one in found for file in one.reports]
    return Earlier(files, request.request_id, password)


def _earlier_id(ledger: Ledger, form: ReportForm, selection: Selection) -> str:
    """Returns the ID of the request that a new one is compared with.

    Raises NotFound if the requester has no such request, or it has no files, Busy while it is being
    processed, UsageError if it is of other batches, or its files need a password and there is none.
    """
    earlier = ledger.request(form.since or "", _requester_of(selection).user_id)
    _check_done(earlier)
    ((course, batches),) = selection.batches.items()
    missing = [batch.id for batch in batches if batch.id not in earlier.batch_ids]
    if course.id != earlier.course_id or missing:
        what = f"the batch {visible(missing[0])} of {visible(course.id)}"
        raise UsageError(
            f"The request {earlier.request_id} has not got {what}.",
            "Give a request for the same batches, or choose batches with -b.",
        )
    if earlier.form.is_protected and not form.is_protected:
        raise PasswordNeeded(
            Message("The report of the request {request}", request=earlier.request_id)
        )
    return earlier.request_id


def _requester_of(selection: Selection) -> Requester:
    if selection.requester is None:
        raise TypeError("the operator does not make requests")
    return selection.requester


def _sees_all(batches: Sequence[Batch]) -> bool:
    return all(batch.sees_all_learners for batch in batches)


def _check_done(request: Request) -> None:
    if request.is_under_way:
        raise Busy(
            Message(
                "The request {request} is being processed: it is {status}, with {done:,} of "
                "{expected:,} rows.",
                request=request.request_id,
                status=request.status,
                done=request.rows_done,
                expected=request.rows_expected,
            ),
            Message("`exhaust status {request} --watch` follows it.", request=request.request_id),
        )
    if request.status != Status.SUCCESS:
        values = {"request": request.request_id, "status": request.status}
        raise NotFound(
            Message(
                "The request {request} has no files: it is {status}. {reason}",
                **values,
                reason=request.error,
            )
            if request.error
            else Message("The request {request} has no files: it is {status}.", **values),
            Message("Request the report again."),
        )


def _files(
    request: Request, settings: Settings, batch_ids: Sequence[str] | None = None
) -> list[BatchFiles]:
    """Returns the files of a request, by batch."""
    _check_done(request)
    found = [
        find_files(settings, request, batch_id)
        for batch_id in (request.batch_ids if batch_ids is None else batch_ids)
    ]
    if not all(found):
        raise NotFound(
            Message(
                "The request {request} has no files in the folder of results, or no longer.",
                request=request.request_id,
            ),
            _hint_for_missing(request, settings),
        )
    return list(filter(None, found))


def _hint_for_missing(request: Request, settings: Settings) -> Message:
    folders = [folder_of(root, request) for root in roots(settings)]
    paths = {Path(file) for file in request.files.values()}
    elsewhere = sorted(str(path) for path in paths if path.parent not in folders)
    if elsewhere:
        return Message(
            "An export wrote {files}. Only files of workers can be downloaded.",
            files=", ".join(elsewhere),
        )
    return Message(
        "They are kept for {days} days, and an export to standard output keeps none. Request the "
        "report again.",
        days=settings.results_retention.days,
    )
