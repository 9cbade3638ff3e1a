"""The entry point, and the list of commands."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from exhaust.cli.answer import as_json
from exhaust.cli.catalogue import batches, courses
from exhaust.cli.diff import diff
from exhaust.cli.display import Display
from exhaust.cli.explain import explain
from exhaust.cli.grants import grant
from exhaust.cli.info import info
from exhaust.cli.pipeline import build, demo, init, load
from exhaust.cli.reports import export
from exhaust.cli.requests import cancel, download, process, request, status
from exhaust.cli.serve import serve
from exhaust.cli.streams import drop_output, open_closed_streams, print_line
from exhaust.cli.verify import verify
from exhaust.errors import ExhaustError, UsageError
from exhaust.reports.files import plain_errors


class Commands(TyperGroup):
    """The commands. If Typer refuses what was typed, `--json` prints the error as JSON too."""

    _wants_json = False

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        # What follows `--` is for dbt.
        self._wants_json = "--json" in takewhile(lambda argument: argument != "--", args)
        with self._errors_as_json():
            _check_text(args)
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: Any) -> Any:
        with self._errors_as_json():
            return super().invoke(ctx)

    @contextmanager
    def _errors_as_json(self) -> Iterator[None]:
        try:
            yield
        except TyperException as error:
            if self._wants_json:
                print_line(as_json({"error": _error_of(error)}))
            raise


def _check_text(arguments: list[str]) -> None:
    """Refuses bytes that are not UTF-8: names, IDs and paths in files and databases are text."""
    for argument in arguments:
        if not _is_text(argument):
            escaped = os.fsencode(argument).decode("utf-8", "backslashreplace")
            raise typer.BadParameter("It is not UTF-8.", param_hint=f"`{escaped}`")
    for name, value in os.environ.items():
        # Not quoted: it may be a secret.
        if name.startswith("EXHAUST_") and not _is_text(value):
            raise typer.BadParameter("It is not UTF-8.", param_hint=name)


def _is_text(text: str) -> bool:
    return text == text.encode("utf-8", "replace").decode()


def _error_of(error: TyperException) -> dict[str, object]:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "exhaust"
    return {
        "code": UsageError.code,
        "message": error.format_message(),
        "hint": f"`{command} -h` shows an example.",
    }


app = typer.Typer(
    name="exhaust",
    cls=Commands,
    help="Export the Course Progress Exhaust of Sunbird courses: load an extract, build, export.",
    epilog="Try it on a sample: exhaust demo",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# `--help` lists them in this order.
for command in (
    *(demo, init, load, build, info),
    *(courses, batches),
    *(export, explain, verify, diff),
    *(request, process, status, download, cancel),
    serve,
    grant,
):
    app.command()(command)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        from exhaust.project.package import DISTRIBUTION, OWN_PACKAGE

        print_line(f"exhaust {version(DISTRIBUTION)}")
        print_line(f"models: {OWN_PACKAGE}")
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
    open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show Tamil still shows the other names.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        # What Typer prints itself: the help, and what is wrong with the arguments.
        with plain_errors("Standard output"):
            app()
    except BrokenPipeError:
        drop_output()
    except ExhaustError as error:
        drop_output()
        Display().error(error)
        sys.exit(error.exit_code)
