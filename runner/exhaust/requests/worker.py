"""Report requests: put into the ledger, worked off, handed out. Rights are checked each time."""

import os
import secrets
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import date
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
from zoneinfo import ZoneInfo

from exhaust.cli.display import Progress, visible
from exhaust.errors import Busy, ExhaustError, NoConnection, NotFound, PermissionDenied, UsageError
from exhaust.marts import courses as catalogue
from exhaust.marts.courses import Batch, Course, Requester
from exhaust.project.settings import Settings
from exhaust.reports import export
from exhaust.reports.export import ExportReport
from exhaust.reports.files import check_file, file_name, make_folder, plain_errors, whole_file
from exhaust.reports.layout import Layout
from exhaust.reports.receipt import receipt_path
from exhaust.reports.writer import STANDARD_OUTPUT
from exhaust.requests.ledger import DATASET, UNDER_WAY, Claim, LeaseLost, Ledger, Request, Status
from exhaust.warehouse import Warehouse, connect

HEARTBEATS_PER_LEASE = 4
"""How often in a lease it is renewed."""

TRY = ".try-"
"""Begins the name of the folder where a worker makes a file; it is removed with it."""

NOT_ITS_FAULT = (Busy, NoConnection, KeyboardInterrupt)
"""What keeps a request waiting, and is no try of it."""


def worker_name() -> str:
    """A name that no other worker has."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def submit(
    warehouse: Warehouse,
    settings: Settings,
    ledger: Ledger,
    *,
    course: str,
    batches: Sequence[str],
    user_id: str,
    layout: Layout,
    today: Callable[[ZoneInfo], date] = export.today,
) -> Request:
    """Puts a request for batches of a course, or for all that the user may have, into the ledger.

    Raises what export raises for what cannot be had, UsageError for too many batches, Busy while
    one of them is being processed.
    """
    schema = settings.profile.schema
    requester = _requester(warehouse, settings, user_id)
    chosen = catalogue.find_course(warehouse, schema, course, requester)
    export.refuse_retired(chosen)
    found = catalogue.find_batches(warehouse, schema, chosen, batches, requester)
    return _submit(settings, ledger, chosen, found, requester, layout, today)


def _requester(warehouse: Warehouse, settings: Settings, user_id: str) -> Requester:
    requester = catalogue.requester(warehouse, settings.profile.schema, user_id)
    if requester is None:
        raise TypeError("an operator makes no requests")
    return requester


def _submit(
    settings: Settings,
    ledger: Ledger,
    course: Course,
    batches: Sequence[Batch],
    requester: Requester,
    layout: Layout,
    today: Callable[[ZoneInfo], date],
    worker: str | None = None,
) -> Request:
    if not batches:
        raise NotFound(f"{visible(course.id)} {visible(course.name)} has no batches.")
    if len(batches) > settings.most_batches:
        raise UsageError(
            f"{len(batches):,} batches of {visible(course.id)} were asked for, and a request may "
            f"be for {settings.most_batches:,}.",
            "Choose some by -b.",
        )
    return ledger.submit(
        course_id=course.id,
        course_name=course.course_name,
        batches={batch.id: batch.enrolled for batch in batches},
        requester=requester.user_id,
        channel=requester.root_org_id or "",
        day=today(settings.report_timezone),
        request_data={
            "collectionId": course.id,
            "batchId": [batch.id for batch in batches],
            "layout": layout,
            "allLearners": _sees_all(batches),
        },
        worker=worker,
    )


def _sees_all(batches: Sequence[Batch]) -> bool:
    return all(batch.sees_all_learners for batch in batches)


def process(
    settings: Settings,
    ledger: Ledger,
    worker: str,
    *,
    notify: Callable[[str], None],
    progress: Progress,
    today: Callable[[ZoneInfo], date] = export.today,
) -> Iterator[Request]:
    """Works off the requests that wait, one after the other, and gives each as it then is.

    Ends when none waits. Raises Busy or NoConnection if the warehouse cannot be had; the request
    waits then as before.
    """
    _remove_old_files(settings, ledger)
    while claim := ledger.claim(worker):
        yield _work(settings, ledger, claim, notify, progress, today)


def _work(
    settings: Settings,
    ledger: Ledger,
    claim: Claim,
    notify: Callable[[str], None],
    progress: Progress,
    today: Callable[[ZoneInfo], date],
) -> Request:
    request = claim.request
    try:
        with (
            _holding(ledger, [claim]) as pulse,
            connect(settings.profile, writing=False, notify=notify) as warehouse,
        ):
            for batch in _check_rights(warehouse, settings, request):
                if not _is_there(Path(request.files.get(batch.id, ""))):
                    _make_file(
                        warehouse, settings, ledger, claim, batch, pulse, notify, progress, today
                    )
            pulse.check()
        return ledger.succeed(claim)
    except LeaseLost:
        pass
    except NOT_ITS_FAULT as error:
        with suppress(LeaseLost):
            ledger.put_back(claim, _reason(error))
        raise
    except ExhaustError as error:
        _fail(ledger, claim, error, is_final=True)
    except Exception as error:
        _fail(ledger, claim, error, is_final=False)
        raise
    return ledger.request(request.request_id)


def _reason(error: BaseException) -> str:
    if isinstance(error, ExhaustError):
        return error.message
    if isinstance(error, KeyboardInterrupt):
        return "Its worker was stopped."
    if isinstance(error, BrokenPipeError):
        return "The reader of standard output had enough."
    return f"Something unexpected: {type(error).__name__}. The log of its worker says where."


def _fail(ledger: Ledger, claim: Claim, error: BaseException, *, is_final: bool) -> None:
    with suppress(LeaseLost):
        ledger.fail(claim, _reason(error), is_final=is_final)


def _make_file(
    warehouse: Warehouse,
    settings: Settings,
    ledger: Ledger,
    claim: Claim,
    batch: Batch,
    pulse: "_Pulse",
    notify: Callable[[str], None],
    progress: Progress,
    today: Callable[[ZoneInfo], date],
) -> None:
    request = claim.request
    folder = settings.results_dir / DATASET / request.request_id
    make_folder(folder)
    for left_behind in folder.glob(f"{TRY}*"):
        shutil.rmtree(left_behind, ignore_errors=True)
    file = folder / file_name(batch.id, today(settings.report_timezone))
    rows_before = pulse.rows

    def tell(what: str, share: float) -> None:
        pulse.check()
        pulse.rows = rows_before + int(share * batch.enrolled)
        progress(what, share)

    with plain_errors(folder), TemporaryDirectory(prefix=TRY, dir=folder) as try_folder:
        made = Path(try_folder) / file.name
        report = export.export(
            warehouse,
            settings,
            export.Request(
                courses=[request.course_id],
                batches=[batch.id],
                output=str(made),
                requester=request.requester,
                layout=Layout(request.request_data["layout"]),
                request_ids={request.course_id: request.request_id},
            ),
            standard_output=BytesIO(),  # Not written to.
            notify=notify,
            progress=tell,
            today=today,
        )
        rows = sum(written.rows for written in report.files)
        ledger.batch_done(claim, batch.id, str(file), rows, partial(_publish, made, file))
    pulse.rows = rows_before + rows


def _is_there(file: Path) -> bool:
    return file.is_file() and receipt_path(file).is_file()


def _publish(made: Path, file: Path) -> None:
    # The receipt first: there is no file without one.
    receipt_path(made).replace(receipt_path(file))
    made.replace(file)


class _Pulse:
    """What the heartbeat of a worker tells, and was told."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.lost: str | None = None
        """The request that is no longer the worker's."""

    def check(self) -> None:
        if self.lost:
            raise LeaseLost(self.lost)


@contextmanager
def _holding(ledger: Ledger, claims: Sequence[Claim]) -> Iterator[_Pulse]:
    """Renews the leases of claims until the block ends."""
    pulse = _Pulse(sum(claim.request.rows_done for claim in claims))
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(ledger.lease.total_seconds() / HEARTBEATS_PER_LEASE):
            for claim in claims:
                try:
                    ledger.heartbeat(claim, min(pulse.rows, claim.request.rows_expected))
                except LeaseLost:
                    pulse.lost = claim.request.request_id
                    return
                except ExhaustError:
                    continue  # It cannot be reached now; the lease has some beats left.

    heart = threading.Thread(target=beat)
    heart.start()
    try:
        yield pulse
    finally:
        ended.set()
        heart.join()


def export_at_once(
    ledger: Ledger,
    warehouse: Warehouse,
    settings: Settings,
    request: export.Request,
    *,
    standard_output: BinaryIO,
    notify: Callable[[str], None],
    progress: Progress,
    today: Callable[[ZoneInfo], date] = export.today,
) -> ExportReport:
    """Requests, processes and hands out in one step: `export` for a requester."""
    requester = _requester(warehouse, settings, request.requester or "")
    worker = worker_name()
    with ExitStack() as stack:
        claims: dict[str, Claim] = {}
        for course, batches in export.chosen(warehouse, settings, request).items():
            if batches:
                new = _submit(
                    settings, ledger, course, batches, requester, request.layout, today, worker
                )
                claims[course.id] = claim = Claim(new, worker)
                stack.push(_failing(ledger, claim))
        ids = {course_id: claim.request.request_id for course_id, claim in claims.items()}
        pulse = stack.enter_context(_holding(ledger, list(claims.values())))
        stack.enter_context(_saying_what_was_lost(ledger))

        rows = sum(claim.request.rows_expected for claim in claims.values())

        def tell(what: str, share: float) -> None:
            pulse.check()
            if len(claims) == 1:  # Of several nobody knows whose rows they are.
                pulse.rows = int(share * rows)
            progress(what, share)

        report = export.export(
            warehouse,
            settings,
            replace(request, request_ids=ids),
            standard_output=standard_output,
            notify=notify,
            progress=tell,
            today=today,
        )
        for file in report.files:
            claim = claims[file.course_id]
            path = str(Path(file.file).absolute()) if file.receipt else None
            for batch_id, rows_of_batch in file.batches.items():
                ledger.batch_done(claim, batch_id, path, rows_of_batch)
        for claim in claims.values():
            ledger.succeed(claim)
    return report


def _failing(ledger: Ledger, claim: Claim) -> Callable[..., None]:
    """What ends a claim, as an exit of an ExitStack, if an error leaves it."""

    def end(_: object, error: BaseException | None, __: object) -> None:
        if error is not None:
            _fail(ledger, claim, error, is_final=True)

    return end


@contextmanager
def _saying_what_was_lost(ledger: Ledger) -> Iterator[None]:
    """Busy for a lease that an export has lost."""
    try:
        yield
    except LeaseLost as error:
        lost = ledger.request(str(error))
        raise Busy(
            f"The request {lost.request_id} was taken from this export: it is {lost.status}.",
            "Somebody has cancelled it, or a worker has taken it up.",
        ) from error


def download(
    settings: Settings,
    ledger: Ledger,
    request_id: str,
    *,
    user_id: str | None,
    output: str | None,
    output_dir: Path | None,
    standard_output: BinaryIO,
    notify: Callable[[str], None],
) -> list[Path]:
    """Copies the files of a request, with their receipts, and gives where they are; a file that
    goes to standard output goes without.

    Raises NotFound if the request has none, or no longer, Busy while it is being processed,
    PermissionDenied if the requester has lost the right to them since.
    """
    request = ledger.request(request_id, user_id)
    files = _files(request, settings)
    if output is not None and len(files) > 1:
        raise UsageError(
            f"The request has {len(files)} files, and -o names one.", "Use --output-dir."
        )
    if user_id is not None:
        with connect(settings.profile, writing=False, notify=notify) as warehouse:
            _check_rights(warehouse, settings, request)
    if output == STANDARD_OUTPUT:
        with files[0].open("rb") as read, plain_errors("Standard output"):
            shutil.copyfileobj(read, standard_output)
        return []
    if output is not None:
        check_file(Path(output))
    folder = output_dir or Path()
    make_folder(folder)
    return [_copy(file, Path(output) if output else folder / file.name) for file in files]


def _files(request: Request, settings: Settings) -> list[Path]:
    if request.status in UNDER_WAY:
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
    files = sorted({Path(file) for file in request.files.values()})
    if not files or not all(map(_is_there, files)):
        raise NotFound(
            f"The files of the request {request.request_id} are not there, or no longer.",
            f"They are kept for {settings.results_kept.days} days, and those of an export where it "
            "put them. Request the report again.",
        )
    return files


def _check_rights(warehouse: Warehouse, settings: Settings, request: Request) -> list[Batch]:
    """The batches of a request, if its requester may still have them, with the same learners."""
    schema = settings.profile.schema
    requester = _requester(warehouse, settings, request.requester)
    try:
        course = catalogue.find_course(warehouse, schema, request.course_id, requester)
        export.refuse_retired(course)
        batches = catalogue.find_batches(warehouse, schema, course, request.batch_ids, requester)
    except NotFound as error:
        raise NotFound(
            f"The course {visible(request.course_id)}, or a batch of the request, is no longer "
            "built here."
        ) from error
    learners = (request.channel, request.request_data["allLearners"])
    if (requester.root_org_id or "", _sees_all(batches)) != learners:
        raise PermissionDenied(
            f"`{visible(request.requester)}` may see other learners than when the report was "
            "requested.",
            "Request it again.",
        )
    return batches


def _copy(file: Path, target: Path) -> Path:
    # The receipt first, as above.
    for source, copy in ((receipt_path(file), receipt_path(target)), (file, target)):
        with source.open("rb") as read, whole_file(copy) as written:
            shutil.copyfileobj(read, written)
    return target


def _remove_old_files(settings: Settings, ledger: Ledger) -> None:
    """Removes the folders of requests that were kept long enough."""
    results = settings.results_dir / DATASET
    folders = [folder.name for folder in results.iterdir()] if results.is_dir() else []
    for request_id in ledger.forget_files(folders, settings.results_kept) if folders else ():
        shutil.rmtree(results / request_id, ignore_errors=True)
