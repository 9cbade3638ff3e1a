"""The commands for report requests."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import typer

from exhaust import api
from exhaust.cli.command import Options, command
from exhaust.cli.form import FormOptions
from exhaust.cli.options import (
    Batches,
    Course,
    Output,
    OutputDir,
    RequestId,
    UserId,
)
from exhaust.cli.reports import output_of
from exhaust.cli.stopping import stopped_by
from exhaust.console import SYSTEM_CLOCK
from exhaust.errors import Busy, NoConnection
from exhaust.reports.formats import Format
from exhaust.reports.layout import Layout
from exhaust.requests.entities import WORKER_MINUTES
from exhaust.text import counted, ordinal

if TYPE_CHECKING:
    from exhaust.project.settings import Settings
    from exhaust.requests.entities import Request

LOOK_SECONDS = 0.5
"""How often an idle worker looks for a request: somebody may be waiting at a page."""
RETRY_SECONDS = 2.0
"""How long it then waits if the warehouse could not be had."""


@dataclass(frozen=True)
class _Workers:
    """Whether somebody makes the reports that are requested."""

    are_seen: bool
    last_seen_at: datetime | None

    @classmethod
    def of(cls, project: "Settings", user_id: str | None) -> Self:
        last = next(iter(api.workers(project, user_id=user_id)), None)
        now = SYSTEM_CLOCK.now().replace(tzinfo=None)
        return cls(last.is_expected(now), last.last_seen_at) if last else cls(False, None)

    @property
    def answer(self) -> dict[str, object]:
        return {"has_worker": self.are_seen, "worker_last_seen_at": self.last_seen_at}


@command
def request(
    options: Options,
    course: Course,
    batches: Batches = None,
    user: UserId = None,
    form: FormOptions = FormOptions(),  # noqa: B008
) -> None:
    """Request the report of a course; `exhaust process` makes it.

    Prints the ID of the request. A report cannot be requested again in the same form while it is
    being processed. The ID of a batch in place of the course requests this batch. Only the workers
    can read the password. It is forgotten when the request ends, or after a day.

    \b
    Examples:
      exhaust request do_31296123374084915214 --as 90e616e7-8a79-52d7-99e9-3aaf5457b015
      exhaust request do_31296123374084915214 --format xlsx --split-by block --password
    """
    display = options.display
    project = options.project()
    new = api.submit(
        project,
        course,
        batches=batches or [],
        user_id=user,
        form=form.form(),
        password=form.new_password(),
        console=display,
    )
    options.answer.give_all(new)
    if not options.json:
        display.line(new.request_id)
    display.say(
        f"Requested: {counted(len(new.batch_ids), 'batch', 'batches')} of "
        f"{new.course_id}, {counted(new.rows_expected, 'row')}; {_state(new)}."
    )
    workers = _Workers.of(project, user)
    options.answer.give(**workers.answer)
    _warn([new], workers, options)


@command
def process(
    options: Options,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep running, and wait for more requests.")
    ] = False,
) -> None:
    """Make the reports that were requested, one after the other.

    Several may run at once. If one is killed, another takes up its request. With --watch, each
    message begins with the time, --json prints a line of JSON after each request, and SIGTERM ends
    it with exit code 0. Then the request that it was making waits again.

    \b
    Examples:
      exhaust process
      exhaust process --watch
    """
    if watch:
        options.answer.print_lines()
        options.display.begin_lines_with_the_time()
    try:
        _process(options, watch)
    except (Exception, KeyboardInterrupt):
        if not watch or stopped_by() is not signal.SIGTERM:
            raise
        options.display.say("Stopped.")


def _process(options: Options, watch: bool) -> None:
    display = options.display
    project = options.project()
    done: list[Request] = []
    options.answer.give(requests=done)
    while True:
        pause = LOOK_SECONDS
        try:
            for processed in api.process(project, console=display):
                display.say(f"{processed.request_id}: {_state(processed)}")
                if watch:
                    options.answer.give_line(requests=[processed])
                else:
                    done.append(processed)
        except (Busy, NoConnection) as error:
            if not watch or stopped_by():
                raise
            display.say(error.message)
            pause = RETRY_SECONDS
        if not watch:
            break
        SYSTEM_CLOCK.sleep(pause)
    if not done:
        display.say("No requests are waiting.")


def _rounds(watch: bool) -> Iterator[None]:
    """Yields once; with `watch`, every two seconds without end."""
    yield
    while watch:
        SYSTEM_CLOCK.sleep(2)
        yield


@command
def status(
    options: Options,
    request_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="ID of a request. [default: all]")
    ] = None,
    user: UserId = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show each change until the requests have ended.")
    ] = False,
) -> None:
    """Show the state of requests.

    With --as, shows only the user's own requests. With --watch and --json, prints a line of JSON
    after each change.

    \b
    Examples:
      exhaust status
      exhaust status 778A3669531143769B5E8C98D42E1CAD --watch
    """
    display = options.display
    project = options.project()
    if watch:
        options.answer.print_lines()
    shown: tuple[list[Request], bool] | None = None
    for _ in _rounds(watch):
        requests = (
            [api.request(project, request_id, user_id=user)]
            if request_id is not None
            else api.requests(project, user_id=user)
        )
        workers = _Workers.of(project, user)
        if (requests, workers.are_seen) != shown:
            shown = requests, workers.are_seen
            _show(requests, workers, options, watch)
        if not any(one.is_under_way for one in requests):
            break
    if request_id is not None and not options.json:
        for file in requests[0].files.values():
            display.line(file)
    if not requests:
        display.say("There are no requests.")


def _show(requests: "list[Request]", workers: _Workers, options: Options, watch: bool) -> None:
    give = options.answer.give_line if watch else options.answer.give
    give(requests=requests, **workers.answer)
    if requests and not options.json:
        forms = [", ".join(_form(one)) for one in requests]
        has_forms = any(forms)
        options.display.table(
            ["ID", "Course", "Batches", *(["Form"] if has_forms else []), "Requested", "State"],
            [
                (
                    one.request_id,
                    one.course_name or one.course_id,
                    _batches(one),
                    *([form] if has_forms else []),
                    f"{one.submitted_at:%Y-%m-%d %H:%M} UTC",
                    _state(one),
                )
                for one, form in zip(requests, forms, strict=True)
            ],
        )
    _warn(requests, workers, options)


def _form(request: "Request") -> Iterator[str]:
    """Yields in what a request differs from one for the default file."""
    form = request.form
    if form.layout is not Layout.EXHAUST:
        yield f"layout {form.layout}"
    if form.format is not Format.CSV:
        yield form.format
    if form.columns or form.additions or form.headers:
        yield "other columns"
    if form.split_by:
        yield f"by {form.split_by}"
    if form.since:
        yield "changes"
    if form.is_protected:
        yield "password"


def _batches(request: "Request") -> str:
    """Returns the name of the only batch, or how many there are."""
    if len(request.batch_ids) != 1:
        return counted(len(request.batch_ids), "batch", "batches")
    (batch_id,) = request.batch_ids
    return request.batch_names.get(batch_id, batch_id)


def _warn(requests: "list[Request]", workers: _Workers, options: Options) -> None:
    """Warns if a request waits, but nobody seems to work."""
    if not workers.are_seen and any(one.position is not None for one in requests):
        options.display.say(
            f"warning: No worker has been seen in the last {WORKER_MINUTES} minutes: "
            "run `exhaust process`."
        )


def _state(request: "Request") -> str:
    if request.position is not None:
        last = f"; the last try failed: {request.error}" if request.error else ""
        return f"{request.status}, {ordinal(request.position)} in the queue{last}"
    if request.completed_at is None or not request.error:
        return f"{request.status}, {request.rows_done:,} of {request.rows_expected:,} rows"
    return f"{request.status}: {request.error}"


@command
def download(
    options: Options,
    request_id: RequestId,
    output: Output = None,
    output_dir: OutputDir = None,
    user: UserId = None,
) -> None:
    """Get the files of a request that has been processed, with their receipts.

    \b
    Example:
      exhaust download 778A3669531143769B5E8C98D42E1CAD
    """
    display = options.display
    files = api.download(
        options.project(),
        request_id,
        output=output_of(options, output),
        output_dir=output_dir,
        user_id=user,
        console=display,
    )
    options.answer.give(files=files)
    for file in files:
        display.say(str(file))


@command
def cancel(options: Options, request_id: RequestId, user: UserId = None) -> None:
    """Cancel a request that is waiting or being processed.

    \b
    Example:
      exhaust cancel 778A3669531143769B5E8C98D42E1CAD
    """
    cancelled = api.cancel(options.project(), request_id, user_id=user, console=options.display)
    options.answer.give_all(cancelled)
    options.display.say(f"{cancelled.request_id}: {_state(cancelled)}")
