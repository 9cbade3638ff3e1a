"""The command for the pages."""

import logging
import os
import signal
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from exhaust import api
from exhaust.cli.command import Options, command
from exhaust.cli.display import Display
from exhaust.cli.options import UserId
from exhaust.cli.stopping import stopped_by
from exhaust.errors import UsageError
from exhaust.permissions import private_opener

if TYPE_CHECKING:
    from exhaust.web.site import Site
    from exhaust.web.worker import Workers

PORT = 8765
SIGN_IN = "/sign-in"


@command
def serve(
    options: Options,
    host: Annotated[
        str,
        typer.Option(
            "--host", metavar="HOST", help="Address to listen on, or `unix:` and a socket's path."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="Port to listen on.")
    ] = PORT,
    workers: Annotated[
        int,
        typer.Option(
            "--workers",
            metavar="N",
            min=0,
            help="Processes that make reports; 0 where `exhaust process --watch` runs.",
        ),
    ] = 1,
    user: UserId = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open a browser.")
    ] = False,
) -> None:
    """Serve the pages where course owners find, request and download reports.

    On your own machine, it prints an address that signs you in once, and opens it in a browser;
    Enter prints a new one. For an organisation, the project says how people sign in: see
    docs/serve.md. SIGTERM ends it with exit code 0.

    \b
    Examples:
      exhaust serve
      exhaust serve --as 90e616e7-8a79-52d7-99e9-3aaf5457b015
    """
    try:
        _serve(options, host, port, workers, user, not no_browser)
    except KeyboardInterrupt:
        if stopped_by() is not signal.SIGTERM:
            raise
    options.display.say("Stopped.")


def _serve(
    options: Options, host: str, port: int, workers: int, user: str | None, opens_browser: bool
) -> None:
    server = _import_server()
    project = options.project()
    address = server.Address(host, port)
    server.check(project, address, user)
    _log_to(options.display)
    with ExitStack() as stack:
        listening = stack.enter_context(address.listening())
        # From here on, the way in says who is asking.
        kept = stack.enter_context(api.keep_open(replace(project, require_requester=False)))
        number = 0 if address.socket_file else listening.getsockname()[1]
        site = server.make_site(kept, address, number, user)
        options.display.say(f"Serving the pages at {project.web.public_url or site.public_url}")
        if project.web.identity == "laptop":
            stack.enter_context(_signing_in(site, options.display, opens_browser))
        stack.enter_context(_workers(workers, options).running())
        stack.enter_context(server.serving_metrics(site, project.web.metrics_port))
        server.run(site, listening)


def _import_server() -> ModuleType:
    """Imports what only this command needs. Raises UsageError if it is not installed."""
    try:
        from exhaust.web import server
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("exhaust"):
            raise
        raise UsageError(
            f"The pages need more packages: {error.name} is not installed.",
            "Install them with: pip install 'sunbird-exhaust[web]'",
        ) from error
    return server


@contextmanager
def _signing_in(site: "Site", display: Display, opens_browser: bool) -> Iterator[None]:
    """Hands out addresses that sign in once: the first also to the browser, by a private file."""
    from exhaust.web.identity.laptop import Laptop, opening_page

    identity = site.identity
    assert isinstance(identity, Laptop)  # noqa: S101

    def new_address() -> str:
        return f"{site.public_url}{SIGN_IN}?token={identity.new_token()}"

    with ExitStack() as stack:
        if opens_browser and _has_browser():
            # Others on this machine can read the arguments of a process, but not this file.
            folder = stack.enter_context(TemporaryDirectory(prefix="exhaust-"))
            file = Path(folder) / "open.html"
            with open(file, "x", encoding="utf-8", opener=private_opener) as page:
                page.write(opening_page(new_address()))
            display.say("Opening it in a browser. Press Enter for an address that signs you in.")
            threading.Thread(target=webbrowser.open, args=(file.as_uri(),), daemon=True).start()
        else:
            display.say(f"Sign in, once, at {new_address()}")
        if sys.stdin is not None and sys.stdin.isatty():
            reader = threading.Thread(target=_print_more, args=(new_address, display), daemon=True)
            reader.start()
        yield


def _has_browser() -> bool:
    """Returns whether a browser with a window can be opened from here."""
    if sys.platform != "darwin" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def _print_more(new_address: Callable[[], str], display: Display) -> None:
    for _ in sys.stdin:
        display.say(f"Sign in, once, at {new_address()}")


def _workers(number: int, options: Options) -> "Workers":
    from exhaust.web.worker import Workers

    given = {
        "--target": options.target,
        "--project-dir": options.project_dir,
        "--profiles-dir": options.profiles_dir,
    }
    arguments = [f"{name}={value}" for name, value in given.items() if value is not None]
    child = Path(__file__).with_name("worker_child.py")
    command = [sys.executable, str(child), "process", "--watch", *arguments]
    return Workers(number, command, options.display.say)


class _ToDisplay(logging.Handler):
    """Writes the logs of the server as messages, one line after the other."""

    def __init__(self, display: Display) -> None:
        super().__init__()
        self._display = display

    def emit(self, record: logging.LogRecord) -> None:
        self._display.say(self.format(record))


def _log_to(display: Display) -> None:
    display.begin_lines_with_the_time()
    for name, level in (("exhaust", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.propagate = False
        logger.handlers = [_ToDisplay(display)]
