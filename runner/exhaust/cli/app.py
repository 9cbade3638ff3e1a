"""The entry point, and the list of commands."""

import io
import signal
import sys
from typing import Annotated, NoReturn

import typer

from exhaust.cli.catalogue import batches, courses
from exhaust.cli.pipeline import build, demo, load
from exhaust.cli.reports import export, verify
from exhaust.cli.requests import cancel, download, process, request, status

app = typer.Typer(
    name="exhaust",
    help="Export the Course Progress Exhaust of Sunbird courses: load an extract, build, export.",
    epilog="Try it on a sample: exhaust demo",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# `--help` lists them in this order.
for command in (
    *(demo, load, build),
    *(courses, batches),
    *(export, verify),
    *(request, process, status, download, cancel),
):
    app.command()(command)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"exhaust {version('exhaust')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Runs the command."""
    signal.signal(signal.SIGTERM, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show Tamil still shows the other names.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app()


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
