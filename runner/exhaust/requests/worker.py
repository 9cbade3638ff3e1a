"""A worker: makes the reports that were requested, one request after the other."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.errors import ExhaustError, NotFound
from exhaust.marts.entities import Batch
from exhaust.marts.records import Build
from exhaust.marts.state import Marts, open_marts
from exhaust.project.settings import Settings
from exhaust.reports.export import write
from exhaust.reports.kinds import KINDS
from exhaust.reports.parts import sweep
from exhaust.reports.selection import Destination, Selection
from exhaust.reports.signature import Signer, read_signer
from exhaust.requests.desk import select_again
from exhaust.requests.entities import Claim, LeaseLost, Request
from exhaust.requests.lease import NOT_COUNTED, CountingConsole, Pulse, fail, holding, reason_for
from exhaust.requests.ledger import Ledger
from exhaust.requests.results import find_file, folder_of, roots


def process(
    settings: Settings,
    ledger: Ledger,
    name: str,
    console: Console = SILENCE,
    clock: Clock = SYSTEM_CLOCK,
) -> Iterator[Request]:
    """Processes the requests that are waiting, as the worker `name`, and yields each afterwards.

    Ends when none is waiting. Raises UsageError for a key that cannot sign, before it claims a
    request; Busy or NoConnection if the warehouse cannot be had: the request then waits as before.
    """
    signer = read_signer(settings, console)
    _remove_old_files(settings, ledger)
    try:
        while claim := ledger.claim(name):
            yield _process(settings, ledger, claim, signer, console, clock)
    except KeyboardInterrupt as error:
        # It may have come just after a claim, before anything could put that back.
        ledger.release(name, reason_for(error))
        raise


def _process(
    settings: Settings,
    ledger: Ledger,
    claim: Claim,
    signer: Signer | None,
    console: Console,
    clock: Clock,
) -> Request:
    request = claim.request
    try:
        with holding(ledger, [claim]) as pulse, open_marts(settings, console, clock) as marts:
            with marts.state(request.kind.marts, console, clock) as build:
                selection = select_again(marts, request)
                one_try = _Try(marts, build, ledger, claim, pulse, signer, console, clock)
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


@dataclass(frozen=True)
class _Try:
    """One try to make the files of a request, from one state of the marts."""

    marts: Marts
    build: Build
    ledger: Ledger
    claim: Claim
    pulse: Pulse
    signer: Signer | None
    console: Console
    clock: Clock

    def make_files(self, selection: Selection) -> None:
        """Makes the file of each batch that an earlier try has not made."""
        ((course, batches),) = selection.batches.items()
        request = self.claim.request
        for batch in batches:
            is_done = batch.id in request.files
            if not is_done or not find_file(self.marts.settings, request, batch.id):
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
            ),
            {request.course_id: request.request_id},
            self.signer,
            CountingConsole(
                self.console, self.pulse, lambda share: rows_before + int(share * batch.enrolled)
            ),
            self.clock,
        )
        self.pulse.rows = rows_before + batch.enrolled


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
