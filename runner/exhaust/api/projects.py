"""Projects and their data: opening, loading, building."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from exhaust.api.opening import StrPath
from exhaust.console import SILENCE, Console

if TYPE_CHECKING:
    from exhaust.info import Info
    from exhaust.pipeline.build import BuildReport
    from exhaust.pipeline.load import LoadReport
    from exhaust.pipeline.starter import InitReport
    from exhaust.project.settings import Settings


def open_project(
    project_dir: StrPath | None = None,
    profiles_dir: StrPath | None = None,
    target: str | None = None,
    *,
    console: Console = SILENCE,
) -> "Settings":
    """Reads the settings of a project; the other functions take them.

    An argument left out comes from the environment (EXHAUST_PROJECT_DIR, EXHAUST_PROFILES_DIR,
    EXHAUST_TARGET), then from where dbt looks. Raises UsageError if a file or a setting is missing
    or wrong, PermissionDenied if the project was not named, and others may change it.
    """
    from exhaust.project.settings import read_settings

    return read_settings(
        Path(project_dir) if project_dir else None,
        Path(profiles_dir) if profiles_dir else None,
        target,
        console=console,
    )


def init(folder: StrPath, *, console: Console = SILENCE) -> "InitReport":
    """Makes a dbt project that uses the installed package, or completes and corrects one.

    Raises UsageError if the folder holds another dbt project or cannot be written.
    """
    from exhaust.pipeline.starter import init

    return init(Path(folder), console)


def open_demo(project_dir: StrPath | None = None, target: str | None = None) -> "Settings":
    """Returns the settings of the demo.

    Its warehouse is demo.duckdb, in the folder of the project or, if there is none, in the current
    folder. Raises UsageError if a project was named and does not exist.
    """
    from exhaust.pipeline.demo import demo_settings

    return demo_settings(Path(project_dir) if project_dir else None, target)


def load(project: "Settings", folder: StrPath, *, console: Console = SILENCE) -> "LoadReport":
    """Loads an extract into the landing schema: all the tables that the folder has, or none.

    Raises DataError if a file cannot be read, Busy or NoConnection if the warehouse cannot be had
    or another load or build is running, UsageError if the landing schema is another target's.
    """
    from exhaust.extract.folder import read_extract
    from exhaust.pipeline.lease import LeaseConsole, holding_target
    from exhaust.pipeline.load import load
    from exhaust.project.package import OWN_PACKAGE
    from exhaust.project.sources import read_sources
    from exhaust.warehouse import connect

    extract = read_extract(Path(folder), read_sources(OWN_PACKAGE))
    with (
        holding_target(project, "load", console) as lease,
        connect(project.profile, writing=True, console=console) as warehouse,
    ):
        return load(warehouse, project, extract, LeaseConsole(console, lease))


def build(
    project: "Settings", dbt_arguments: Sequence[str] = (), *, console: Console = SILENCE
) -> "BuildReport":
    """Builds and tests the marts; `dbt_arguments` go to `dbt build`.

    A failed model or test is in the report and raises nothing. Raises DataError if nothing is
    loaded, Busy or NoConnection if the warehouse cannot be had, ExhaustError if dbt breaks off.
    """
    from exhaust.pipeline.build import build

    return build(project, dbt_arguments, console)


def info(project: "Settings", *, console: Console = SILENCE) -> "Info":
    """Returns where everything of the target is, and how old it is.

    What is not loaded or not built is no error. Raises Busy or NoConnection if the warehouse cannot
    be had.
    """
    from exhaust.info import info

    return info(project, console)
