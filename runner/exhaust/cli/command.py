"""What every command has: its options, and how its errors become a message and an exit code."""

import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from exhaust import api
from exhaust.cli.display import Display
from exhaust.cli.options import Json, ProfilesDir, ProjectDir, Quiet, Target
from exhaust.errors import ExhaustError, UsageError

if TYPE_CHECKING:
    from exhaust.project.settings import Settings


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

    def project(self) -> "Settings":
        """Opens the project that the options name."""
        return api.open_project(
            self.project_dir, self.profiles_dir, self.target, console=self.display
        )


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Turns a function of `Options` and arguments of its own into one that Typer can register.

    The only place where an error becomes a message and an exit code.
    """

    def run(**arguments: Any) -> None:
        options = Options(**{name: arguments.pop(name) for name in common})
        try:
            _run(function, options, arguments)
        finally:
            options.display.close()

    common = inspect.signature(Options, eval_str=True).parameters
    _, *own = inspect.signature(function, eval_str=True).parameters.values()
    parameters = [*own, *common.values()]
    # Typer reads a command's parameters from its signature and its annotations.
    vars(run)["__signature__"] = inspect.Signature(
        [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    )
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__name__ = function.__name__
    run.__doc__ = function.__doc__
    return run


def _run(function: Callable[..., None], options: Options, arguments: dict[str, Any]) -> None:
    try:
        function(options, **arguments)
        sys.stdout.flush()
    except ExhaustError as error:
        options.display.error(error)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        options.display.close()
        print("Interrupted.", file=sys.stderr)
        raise typer.Exit(130) from None
    except BrokenPipeError:
        # The reader stopped reading. Python would flush once more when it ends, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except typer.Exit:
        raise
    except Exception as error:
        options.display.error(_unexpected(error, options.project_dir))
        raise typer.Exit(1) from None


def _unexpected(error: Exception, project_dir: Path | None) -> ExhaustError:
    """Writes the traceback to a log, and returns the error that names the log."""
    import tempfile
    import traceback

    from exhaust.project.settings import find_project

    text = "".join(traceback.format_exception(error))
    try:
        log = find_project(project_dir) / "logs" / "exhaust.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(text)
    except (OSError, UsageError):
        log = Path(tempfile.mkstemp(prefix="exhaust-", suffix=".log")[1])
        log.write_text(text, "utf-8")
    first_line = str(error).strip().partition("\n")[0]
    return ExhaustError(
        f"Unexpected: {type(error).__name__}: {first_line}",
        f"The log {log} has the details. Please report it.",
    )
