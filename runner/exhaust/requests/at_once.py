"""An export of a requester: requests, makes and hands out the reports in one step."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.errors import Busy
from exhaust.marts.state import Marts
from exhaust.project.settings import Settings
from exhaust.reports.earlier import Earlier
from exhaust.reports.export import ExportReport, write
from exhaust.reports.form import ReportForm
from exhaust.reports.selection import Criteria, Destination, Selection, select
from exhaust.reports.signature import read_signer
from exhaust.requests.desk import new_request
from exhaust.requests.entities import SINCE_A_FILE, Claim, LeaseLost
from exhaust.requests.lease import CountingConsole, Pulse, fail, holding, worker_name
from exhaust.requests.ledger import Ledger


def export_at_once(
    marts: Marts,
    ledger: Ledger,
    criteria: Criteria,
    destination: Destination,
    console: Console = SILENCE,
    clock: Clock = SYSTEM_CLOCK,
    earlier: Earlier | None = None,
) -> ExportReport:
    """Exports for the requester of the criteria, with a request in the ledger for each course.

    Requests, files and receipts all come from one selection, in one state of the marts. Raises
    what `export` raises, and Busy while a report is being processed or if a request is cancelled
    meanwhile.
    """
    signer = read_signer(marts.settings, console)
    form = criteria.form
    if earlier is not None:
        form = replace(form, since=earlier.request_id or SINCE_A_FILE)
    with marts.state(criteria.kind.marts, console, clock) as build:
        selection = select(marts, criteria)
        with _claiming(ledger, marts.settings, selection, clock, form) as (claims, pulse):
            ids = {course_id: claim.request.request_id for course_id, claim in claims.items()}
            counting = CountingConsole(console, pulse, _rows_done(claims, pulse))
            report = write(
                marts, build, selection, destination, ids, signer, counting, clock, earlier
            )
            for course_id, batch_id, path, rows in report.done():
                ledger.batch_done(claims[course_id], batch_id, path, rows)
            for claim in claims.values():
                ledger.succeed(claim)
    return report


@contextmanager
def _claiming(
    ledger: Ledger, settings: Settings, selection: Selection, clock: Clock, form: ReportForm
) -> Iterator[tuple[dict[str, Claim], Pulse]]:
    """Submits and holds a request for each course that has batches; fails them if the block
    raises."""
    worker = worker_name()
    claims: dict[str, Claim] = {}
    with ExitStack() as stack:
        for course, batches in selection.batches.items():
            if batches:
                new = new_request(settings, selection, course, batches, clock, form)
                claims[course.id] = claim = Claim(ledger.submit(new, worker), worker)
                stack.push(_failing(ledger, claim))
        pulse = stack.enter_context(holding(ledger, list(claims.values())))
        stack.enter_context(_saying_what_was_lost(ledger))
        yield claims, pulse


def _rows_done(claims: dict[str, Claim], pulse: Pulse) -> Callable[[float], int]:
    """Returns how to count rows; of several requests, it is not known whose rows are done."""
    if len(claims) != 1:
        return lambda _: pulse.rows
    (claim,) = claims.values()
    return lambda share: int(share * claim.request.rows_expected)


def _failing(ledger: Ledger, claim: Claim) -> Callable[..., None]:
    """Returns an exit for an ExitStack that fails a claim if an error leaves the stack."""

    def end(_: object, error: BaseException | None, __: object) -> None:
        if error is not None:
            fail(ledger, claim, error, is_final=True)

    return end


@contextmanager
def _saying_what_was_lost(ledger: Ledger) -> Iterator[None]:
    """Raises Busy for a lease that an export has lost."""
    try:
        yield
    except LeaseLost as error:
        lost = ledger.request(str(error))
        raise Busy(
            f"The request {lost.request_id} was taken from this export: it is {lost.status}.",
            "Somebody cancelled it, or another worker took it up.",
        ) from error
