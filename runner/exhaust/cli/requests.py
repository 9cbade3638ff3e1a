"""The commands for report requests."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from exhaust import api
from exhaust.cli.command import Options, command
from exhaust.cli.options import (
    Batches,
    Course,
    LayoutName,
    Output,
    OutputDir,
    RequestId,
    UserId,
)
from exhaust.cli.reports import output_of
from exhaust.console import SYSTEM_CLOCK
from exhaust.errors import Busy, NoConnection
from exhaust.reports.layout import Layout
from exhaust.text import counted, ordinal, visible

if TYPE_CHECKING:
    from exhaust.requests.entities import Request


@command
def request(
    options: Options,
    course: Course,
    batches: Batches = None,
    user: UserId = None,
    layout: LayoutName = Layout.EXHAUST,
) -> None:
    """Request the report of a course; `exhaust process` makes it.

    Prints the ID of the request. A report cannot be requested again while it is being processed.

    \b
    Example:
      exhaust request do_31296123374084915214 --as 90e616e7-8a79-52d7-99e9-3aaf5457b015
    """
    display = options.display
    new = api.submit(
        options.project(),
        course,
        batches=batches or [],
        user_id=user,
        layout=layout,
        console=display,
    )
    if options.json:
        display.json(asdict(new))
    else:
        print(new.request_id)
    display.say(
        f"Requested: {counted(len(new.batch_ids), 'batch', 'batches')} of "
        f"{visible(new.course_id)}, {counted(new.rows_expected, 'row')}; {_state(new)}."
    )


@command
def process(
    options: Options,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep running, and wait for more requests.")
    ] = False,
) -> None:
    """Make the reports that were requested, one after the other.

    Several may run at once. If one is killed, another takes up its request.

    \b
    Examples:
      exhaust process
      exhaust process --watch
    """
    display = options.display
    project = options.project()
    done = []
    for _ in _rounds(watch):
        try:
            for processed in api.process(project, console=display):
                done.append(processed)
                display.say(f"{processed.request_id}: {_state(processed)}")
        except (Busy, NoConnection) as error:
            if not watch:
                raise
            display.say(error.message)
    if options.json:
        display.json({"requests": [asdict(processed) for processed in done]})
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

    With --as, shows only the user's own requests.

    \b
    Examples:
      exhaust status
      exhaust status 778A3669531143769B5E8C98D42E1CAD --watch
    """
    display = options.display
    project = options.project()
    shown: list[Request] = []
    for _ in _rounds(watch):
        before = shown
        shown = (
            [api.request(project, request_id, user_id=user)]
            if request_id
            else api.requests(project, user_id=user)
        )
        if shown == before:
            continue
        if options.json:
            display.json({"requests": [asdict(one) for one in shown]})
        elif shown:
            _show(shown, options)
        if not any(one.is_under_way for one in shown):
            break
    if request_id and not options.json:
        for file in shown[0].files.values():
            print(visible(file))
    if not shown:
        display.say("There are no requests.")


def _show(requests: "list[Request]", options: Options) -> None:
    options.display.table(
        ["ID", "Course", "Batches", "Requested", "State"],
        [
            (
                one.request_id,
                one.course_id,
                len(one.batch_ids),
                f"{one.submitted_at:%Y-%m-%d %H:%M} UTC",
                _state(one),
            )
            for one in requests
        ],
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
        output=output_of(options, output, output_dir),
        output_dir=output_dir,
        user_id=user,
        console=display,
    )
    if options.json:
        display.json({"files": [str(file) for file in files]})
    for file in files:
        display.say(str(file))


@command
def cancel(options: Options, request_id: RequestId, user: UserId = None) -> None:
    """Cancel a request that is waiting or being processed.

    \b
    Example:
      exhaust cancel 778A3669531143769B5E8C98D42E1CAD
    """
    cancelled = api.cancel(options.project(), request_id, user_id=user)
    if options.json:
        options.display.json(asdict(cancelled))
    options.display.say(f"{cancelled.request_id}: {_state(cancelled)}")
