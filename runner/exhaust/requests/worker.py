"""A worker: makes the reports that were requested, one request after the other."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.errors import DataError, ExhaustError, NotFound
from exhaust.marts.entities import Batch
from exhaust.marts.records import Build
from exhaust.marts.state import Marts, open_marts
from exhaust.project.settings import Settings
from exhaust.reports.earlier import Earlier
from exhaust.reports.export import write
from exhaust.reports.kinds import KINDS
from exhaust.reports.parts import sweep
from exhaust.reports.selection import Destination, Selection
from exhaust.reports.signature import Signer, read_signer
from exhaust.requests.desk import earlier_report, select_again
from exhaust.requests.entities import SINCE_A_FILE, Claim, LeaseLost, Request
from exhaust.requests.lease import NOT_COUNTED, CountingConsole, Pulse, fail, holding, reason_for
from exhaust.requests.ledger import Ledger
from exhaust.requests.results import find_files, folder_of, roots
from exhaust.requests.sealing import WorkerKey, worker_key
from exhaust.text import Message


def process(
    settings: Settings,
    ledger: Ledger,
    name: str,
    console: Console = SILENCE,
    clock: Clock = SYSTEM_CLOCK,
) -> Iterator[Request]:
    """Processes the requests that are waiting, as the worker `name`, and yields each afterwards.

    Ends when none is waiting. Raises UsageError for a key that cannot sign, and what `worker_key`
    raises, before it claims a request; Busy or NoConnection if the warehouse cannot be had: the
    request then waits as before.
    """
    keys = _Keys(read_signer(settings, console), worker_key(settings.worker_key_file))
    _remove_old_files(settings, ledger)
    try:
        while claim := ledger.claim(name, keys.passwords.public):
            yield _process(settings, ledger, claim, keys, console, clock)
    except KeyboardInterrupt as error:
        # It may have come just after a claim, before anything could put that back.
        ledger.release(name, reason_for(error))
        raise


@dataclass(frozen=True)
class _Keys:
    """The keys of a worker."""

    signer: Signer | None
    """Of receipts."""
    passwords: WorkerKey


def _process(
    settings: Settings,
    ledger: Ledger,
    claim: Claim,
    keys: "_Keys",
    console: Console,
    clock: Clock,
) -> Request:
    request = claim.request
    try:
        password = _password(claim, keys.passwords)
        with holding(ledger, [claim]) as pulse, open_marts(settings, console, clock) as marts:
            with marts.state(request.kind.marts, console, clock) as build:
                selection = select_again(marts, request)
                one_try = _Try(
                    marts, build, ledger, claim, pulse, keys.signer, password, console, clock
                )
                one_try.make_files(selection)
            pulse.check()
        return ledger.succeed(claim)
    except LeaseLost:
        pass
    except NOT_COUNTED as error:
        with suppress(LeaseLost):
            ledger.put_back(claim, reason_for(error))
        raise
    except ExhaustError as error:
        fail(ledger, claim, error, is_final=True)
    except Exception as error:
        fail(ledger, claim, error, is_final=False)
        raise
    with suppress(NotFound):
        return ledger.request(request.request_id)
    return request


def _password(claim: Claim, key: WorkerKey) -> str | None:
    """Returns the password of a request that has one. Raises DataError if it cannot be known."""
    if not claim.request.form.is_protected:
        return None
    if claim.sealed_password is None:
        raise DataError(
            Message(
                "Its password was forgotten: a request keeps it for a day, and an export only "
                "while it runs. Request it again."
            )
        )
    return key.open(claim.sealed_password)


@dataclass(frozen=True)
class _Try:
    """One try to make the files of a request, from one state of the marts."""

    marts: Marts
    build: Build
    ledger: Ledger
    claim: Claim
    pulse: Pulse
    signer: Signer | None
    password: str | None = field(repr=False)
    console: Console
    clock: Clock

    def make_files(self, selection: Selection) -> None:
        """Makes the file of each batch that an earlier try has not made."""
        ((course, batches),) = selection.batches.items()
        request = self.claim.request
        for batch in batches:
            is_done = batch.id in request.files
            if not is_done or not find_files(self.marts.settings, request, batch.id):
                self._make_file(replace(selection, batches={course: [batch]}), batch)

    def _make_file(self, selection: Selection, batch: Batch) -> None:
        request = self.claim.request
        rows_before = self.pulse.rows

        def publish(file: Path, rows: int, take_names: Callable[[], None]) -> None:
            self.ledger.batch_done(self.claim, batch.id, str(file), rows, take_names)

        write(
            self.marts,
            self.build,
            selection,
            Destination(
                folder=folder_of(self.marts.settings.results_dir, request),
                is_private=True,
                publish=publish,
                password=self.password,
            ),
            {request.course_id: request.request_id},
            self.signer,
            CountingConsole(
                self.console, self.pulse, lambda share: rows_before + int(share * batch.enrolled)
            ),
            self.clock,
            self._earlier(batch),
        )
        self.pulse.rows = rows_before + batch.enrolled

    def _earlier(self, batch: Batch) -> Earlier | None:
        """Returns the earlier report of a batch that the request names."""
        request = self.claim.request
        since = request.form.since
        if since is None:
            return None
        if since == SINCE_A_FILE:
            raise NotFound(
                Message(
                    "Only the export that was stopped had the earlier report, as a file. Export "
                    "again."
                )
            )
        settings, user_id = self.marts.settings, request.requester
        return earlier_report(settings, self.ledger, since, user_id, self.password, [batch.id])


def _remove_old_files(settings: Settings, ledger: Ledger) -> None:
    """Removes the folders of requests that ended longer ago than files are kept, and what killed
    workers have left in the others."""
    for results in (root / dataset for root in roots(settings) for dataset in KINDS):
        folders = [folder.name for folder in results.iterdir()] if results.is_dir() else []
        old = ledger.forget_files(folders, settings.results_retention) if folders else []
        for request_id in old:
            shutil.rmtree(results / request_id, ignore_errors=True)
        for folder in folders:
            sweep(results / folder)
    ledger.forget_downloads(settings.web.download_log)
