"""What every command has: its options, and how its errors become a message and an exit code."""

import inspect
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from exhaust import api
from exhaust.cli.answer import Answer, error_of
from exhaust.cli.display import Display
from exhaust.cli.options import Json, ProfilesDir, ProjectDir, Quiet, Target
from exhaust.cli.stopping import MESSAGE, ignore_signals, stopped_by
from exhaust.cli.streams import drop_output, flush_output
from exhaust.errors import DiskFull, ExhaustError, UsageError
from exhaust.reports.files import NO_ROOM

if TYPE_CHECKING:
    from exhaust.project.settings import Settings


INTERRUPTED: dict[str, object] = {
    "code": "interrupted",
    "message": MESSAGE,
    "hint": None,
}


@dataclass(frozen=True)
class Options:
    """The options that every command has."""

    target: Target = None
    project_dir: ProjectDir = None
    profiles_dir: ProfilesDir = None
    json: Json = False
    quiet: Quiet = False

    @cached_property
    def display(self) -> Display:
        return Display(quiet=self.quiet)

    @cached_property
    def answer(self) -> Answer:
        return Answer(is_wanted=self.json)

    def project(self) -> "Settings":
        """Opens the project that the options name."""
        return api.open_project(
            self.project_dir, self.profiles_dir, self.target, console=self.display
        )


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Turns a function of `Options` and arguments of its own into one that Typer can register.

    An argument whose type is a dataclass stands for the options that are its fields. The only place
    where an error becomes a message and an exit code.
    """

    def run(**arguments: Any) -> None:
        for name, group in groups.items():
            values = {field: arguments.pop(field) for field in _parameters(group)}
            arguments[name] = group(**values)
        options = arguments.pop("options")
        try:
            _run(function, options, arguments)
        finally:
            options.display.close()
            drop_output()

    common, *own = _parameters(function).values()
    given = [*own, common]
    groups = {
        one.name: one.annotation
        for one in given
        if isinstance(one.annotation, type) and is_dataclass(one.annotation)
    }
    parameters = [
        parameter
        for one in given
        for parameter in (_parameters(groups[one.name]).values() if one.name in groups else [one])
    ]
    # Typer reads a command's parameters from its signature and its annotations.
    vars(run)["__signature__"] = inspect.Signature(
        [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    )
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__name__ = function.__name__
    run.__doc__ = function.__doc__
    return run


def _parameters(function: Callable[..., object]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(function, eval_str=True).parameters


def _run(function: Callable[..., None], options: Options, arguments: dict[str, Any]) -> None:
    try:
        _check_folder()
        function(options, **arguments)
        options.answer.end()
        flush_output()
    except typer.Exit:
        raise
    except (Exception, KeyboardInterrupt) as error:
        _fail(options, error)
    finally:
        ignore_signals()


def _fail(options: Options, error: Exception | KeyboardInterrupt) -> None:
    number = stopped_by(error)
    ignore_signals()
    if number:
        options.display.interrupted()
        _end(options, INTERRUPTED)
        raise typer.Exit(128 + number) from None
    if isinstance(error, BrokenPipeError):
        return  # The reader stopped reading.
    if not isinstance(error, ExhaustError):
        error = _unexpected(error, options.project_dir)
    options.display.error(error)
    _end(options, error_of(error))
    raise typer.Exit(error.exit_code) from None


def _end(options: Options, error: dict[str, object]) -> None:
    """Prints an error for programs; the command ends with that error even if this fails."""
    with suppress(ExhaustError, BrokenPipeError):
        options.answer.end(error)


def _check_folder() -> None:
    """Raises UsageError if the current folder was deleted: no relative path works in it."""
    try:
        Path.cwd()
    except FileNotFoundError:
        raise UsageError(
            "The current folder no longer exists.", "Change to another folder with `cd`."
        ) from None


def _unexpected(error: BaseException, project_dir: Path | None) -> ExhaustError:
    """Returns the error for what no code expected, with the log that it writes."""
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return DiskFull(_of_the_system(error))
    try:
        log = f"The log {_write_log(error, project_dir)} has the details."
    except OSError as reason:
        log = f"No log could be written: {_of_the_system(reason)}."
    if isinstance(error, OSError) and error.strerror:
        # A file or folder has vanished, or a limit of the system was reached.
        return ExhaustError(f"{_of_the_system(error)}.", f"Check it, and try again. {log}")
    first_line = str(error).strip().partition("\n")[0]
    return ExhaustError(
        f"Unexpected: {type(error).__name__}: {first_line}", f"{log} Please report it."
    )


def _of_the_system(error: OSError) -> str:
    paths = [os.fspath(path) for path in (error.filename, error.filename2) if path]
    return ": ".join([*map(str, paths), error.strerror or str(error)])


def _write_log(error: BaseException, project_dir: Path | None) -> Path:
    """Writes the traceback to the log of the project, else to a temporary file."""
    import tempfile
    import traceback

    from exhaust.permissions import make_folder, private_opener
    from exhaust.project.settings import find_project

    text = "".join(traceback.format_exception(error))
    try:
        log = find_project(project_dir) / "logs" / "exhaust.log"
        make_folder(log.parent, is_private=True)
        with open(log, "a", encoding="utf-8", opener=private_opener) as file:
            file.write(text)
    except (OSError, ExhaustError):
        log = Path(tempfile.mkstemp(prefix="exhaust-", suffix=".log")[1])
        log.write_text(text, "utf-8")
    return log
