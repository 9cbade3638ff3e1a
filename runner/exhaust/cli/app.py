"""The command `exhaust`: parses, calls, reports, exits."""

import dataclasses
import inspect
import io
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from exhaust.cli.display import Display, counted, visible
from exhaust.errors import Busy, DataError, ExhaustError, NoConnection, UsageError
from exhaust.reports.layout import Layout

if TYPE_CHECKING:
    from exhaust.pipeline.dbt import BuildReport, Failure
    from exhaust.pipeline.load import LoadReport
    from exhaust.project.settings import Settings
    from exhaust.reports.export import ExportReport
    from exhaust.reports.writer import ReportFile
    from exhaust.requests.ledger import Request

SHOWN = 10
"""How many of a list are shown."""

app = typer.Typer(
    name="exhaust",
    help="The Course Progress Exhaust of Sunbird courses: load an extract, build, export.",
    epilog="Try it on a sample: exhaust demo",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Target = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="NAME",
        help="Output of the dbt profile to work on. [env: EXHAUST_TARGET; default: the profile's]",
    ),
]
ProjectDir = Annotated[
    Path | None,
    typer.Option(
        "--project-dir",
        metavar="DIR",
        help="Folder of the project. [env: EXHAUST_PROJECT_DIR; default: found from here up]",
    ),
]
ProfilesDir = Annotated[
    Path | None,
    typer.Option(
        "--profiles-dir",
        metavar="DIR",
        help="Folder of profiles.yml. [env: EXHAUST_PROFILES_DIR; default: where dbt finds it]",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write the result as JSON to standard output.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No messages but errors.")]
Batches = Annotated[
    list[str] | None,
    typer.Option(
        "-b",
        "--batch",
        metavar="BATCH",
        help="Id or name of a batch of the course; may be repeated. [default: all]",
    ),
]
LayoutName = Annotated[
    Layout,
    typer.Option("--layout", help="`sunbird` for tools that read the file of Sunbird's own job."),
]
RequestId = Annotated[str, typer.Argument(metavar="ID", help="Id of the request.")]
RequesterId = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="USER",
        envvar="EXHAUST_USER",
        show_envvar=False,
        help="User id of who asks. [env: EXHAUST_USER; default: the operator, who sees all]",
    ),
]


@dataclasses.dataclass(frozen=True)
class Options:
    """The options that every command has."""

    target: Target = None
    project_dir: ProjectDir = None
    profiles_dir: ProfilesDir = None
    json: Json = False
    quiet: Quiet = False

    def display(self) -> Display:
        return Display(quiet=self.quiet)

    def settings(self) -> "Settings":
        from exhaust.project.settings import read_settings

        return read_settings(self.project_dir, self.profiles_dir, self.target)


def main() -> None:
    """The entry point."""
    signal.signal(signal.SIGTERM, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows no Tamil still shows the other names.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app()


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


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


def _command(function: Callable[..., None]) -> Callable[..., None]:
    """Makes a command of a function of `Options` and arguments of its own.

    Every error becomes a line and an exit code here.
    """

    def command(**arguments: Any) -> None:
        options = Options(**{name: arguments.pop(name) for name in common})
        try:
            function(options, **arguments)
            sys.stdout.flush()
        except ExhaustError as error:
            Display().error(error)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            print("Interrupted.", file=sys.stderr)
            raise typer.Exit(130) from None
        except BrokenPipeError:
            # The reader has what it wanted. Python would flush, and complain, once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except typer.Exit:
            raise
        except Exception as error:
            Display().error(_unexpected(error, options.project_dir))
            raise typer.Exit(1) from None

    common = inspect.signature(Options, eval_str=True).parameters
    _, *own = inspect.signature(function, eval_str=True).parameters.values()
    parameters = [*own, *common.values()]
    # Typer reads a command's parameters from its signature and its annotations.
    vars(command)["__signature__"] = inspect.Signature(
        [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    )
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__doc__ = function.__doc__
    return app.command(name=function.__name__)(command)


def _unexpected(error: Exception, project_dir: Path | None) -> ExhaustError:
    """Writes the traceback to a log, and gives the error that names it."""
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
        f"The log {log} says where. Please report it.",
    )


@_command
def demo(options: Options) -> None:
    """Make a report from the sample extract.

    Needs no configuration and touches nothing but demo.duckdb in the project's folder, where it
    loads and builds, and the report, which it writes here.

    \b
    Example:
      exhaust demo
    """
    from exhaust.pipeline.demo import build_sample, demo_settings, export_sample, first_learners

    display = options.display()
    settings = demo_settings(options.project_dir, options.profiles_dir, options.target)
    _report_build(build_sample(settings, display), display)
    report = export_sample(settings, display)
    if options.json:
        display.json(dataclasses.asdict(report))
    display.say(f"\nThe report of batch {report.batch_id} is {report.file}. It begins:\n")
    display.preview(*first_learners(report.file))


@_command
def load(
    options: Options,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the extract.")],
) -> None:
    """Load an extract into the warehouse.

    Replaces the raw tables that the folder holds, all of them or none. The folder has, for each
    table, a file `<table>.csv`, `.json`, `.jsonl` (also gzipped) or `.parquet`, or a folder of
    such parts; they may stand in folders or tar archives of keyspaces. CSV may be dsbulk's,
    cqlsh's, that of the successor's backup, or any other with doubled quotes.

    \b
    Example:
      exhaust load extracts/2026-11-01
    """
    from exhaust.extract.folder import read_extract
    from exhaust.pipeline.load import load
    from exhaust.project.sources import read_sources
    from exhaust.warehouse import connect

    display = options.display()
    settings = options.settings()
    extract = read_extract(folder, read_sources(settings.project_dir))
    with (
        connect(settings.profile, writing=True, notify=display.say) as warehouse,
        display.progress() as progress,
    ):
        report = load(warehouse, settings, extract, progress)
    if options.json:
        display.json(report.as_json())
    _report_load(report, display)


def _report_load(report: "LoadReport", display: Display) -> None:
    display.preview(
        ["Table", "Rows", "Files", "Newest row (UTC)"],
        [
            (table.name, table.rows, table.files, table.newest and f"{table.newest:%Y-%m-%d %H:%M}")
            for table in report.tables
        ],
    )
    for table in report.tables:
        if table.missing_columns:
            columns = ", ".join(table.missing_columns)
            display.say(f"{table.name}: columns not in the extract, left blank: {columns}")
    for table in report.tables:
        if table.has_shrunk:
            display.say(
                f"warning: {table.name} has {counted(table.rows, 'row')}, and had "
                f"{table.rows_before:,} before. Is the extract whole?"
            )
    if report.ignored:
        shown = ", ".join(report.ignored[:SHOWN])
        more = f" and {len(report.ignored) - SHOWN:,} more" if len(report.ignored) > SHOWN else ""
        display.say(f"Ignored (not a table that is read): {shown}{more}")


@_command
def build(
    options: Options,
    dbt_arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[-- DBT...]", help="Arguments for dbt build.")
    ] = None,
) -> None:
    """Build and test the report's tables from what is loaded.

    Says what was built, what failed, and what data was set aside and why. Everything after `--`
    goes to dbt.

    \b
    Examples:
      exhaust build
      exhaust build -- --full-refresh
    """
    from exhaust.pipeline.dbt import build

    display = options.display()
    settings = options.settings()
    with display.progress() as progress:
        report = build(settings, dbt_arguments or [], notify=display.say, progress=progress)
    if options.json:
        display.json(dataclasses.asdict(report))
    _report_build(report, display)
    if report.failed:
        raise DataError(
            "The build failed:\n" + "\n".join(map(_failure, report.failed)),
            "Correct the data and load it again, or see logs/dbt.log. Until then no export.",
        )


def _failure(failure: "Failure") -> str:
    reason = "; ".join(map(visible, failure.named)) or failure.message
    if failure.description:
        return f"  {failure.name} ({failure.description}): {reason}"
    return f"  {failure.name}: {reason}"


def _report_build(report: "BuildReport", display: Display) -> None:
    skipped = f", {report.skipped:,} not reached" if report.skipped else ""
    display.say(
        f"{counted(report.models, 'model')} built, {counted(report.tests, 'test')} passed, "
        f"{len(report.failed):,} failed{skipped}."
    )
    if report.set_aside:
        display.say("Set aside:")
    for found in report.set_aside:
        display.say(f"  {counted(found.rows, 'row')}: {found.reason}")
        for name, rows in found.named.items():
            display.say(f"    {visible(name)}" + (f" ({rows:,})" if rows > 1 else ""))
        if found.others:
            display.say(f"    and {found.others:,} more")


@_command
def courses(
    options: Options,
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="Id, or part of the name.")] = "",
    user: RequesterId = None,
) -> None:
    """Find courses by id or part of the name; with --as those that the user may export.

    \b
    Example:
      exhaust courses "open university"
    """
    from exhaust.marts import courses as catalogue
    from exhaust.warehouse import connect

    display = options.display()
    settings = options.settings()
    schema = settings.profile.schema
    catalogue.check_requester(settings, user)
    with connect(settings.profile, writing=False, notify=display.say) as warehouse:
        requester = catalogue.requester(warehouse, schema, user)
        found = catalogue.courses(warehouse, schema, text, requester)
    if options.json:
        display.json({"courses": [dataclasses.asdict(course) for course in found]})
    elif found:
        display.table(
            ["ID", "Name", "Status", "Tenant", "Batches", "Enrolments"],
            [dataclasses.astuple(course) for course in found],
        )
    if not found:
        display.say(f"No course has the id `{text}`, or it in its name." if text else "No courses.")


@_command
def batches(
    options: Options,
    course: Annotated[str, typer.Argument(metavar="COURSE", help="Id or name of the course.")],
    user: RequesterId = None,
) -> None:
    """List the batches of a course; with --as those that the user may export.

    \b
    Example:
      exhaust batches do_31296123374084915214
    """
    from exhaust.marts import courses as catalogue
    from exhaust.warehouse import connect

    display = options.display()
    settings = options.settings()
    schema = settings.profile.schema
    catalogue.check_requester(settings, user)
    with connect(settings.profile, writing=False, notify=display.say) as warehouse:
        requester = catalogue.requester(warehouse, schema, user)
        chosen = catalogue.find_course(warehouse, schema, course, requester)
        found = catalogue.batches(warehouse, schema, chosen.id, requester)
    if options.json:
        display.json(
            {
                "course_id": chosen.course_id,
                "course_name": chosen.course_name,
                "batches": [dataclasses.asdict(batch) for batch in found],
            }
        )
    elif found:
        display.say(f"{chosen.id}  {chosen.name}")
        display.table(
            ["ID", "Name", "Status", "Starts", "Ends", "Enrolled", "Completed"],
            [dataclasses.astuple(batch)[1:8] for batch in found],
        )
    if not found:
        display.say(f"{chosen.id}  {chosen.name} has no batches.")


@_command
def export(
    options: Options,
    courses: Annotated[
        list[str] | None, typer.Argument(metavar="COURSE", help="Ids or names of courses.")
    ] = None,
    all_courses: Annotated[
        bool, typer.Option("--all", help="Every course that is not retired.")
    ] = False,
    batches: Batches = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            metavar="FILE",
            help="One file with all batches chosen, of one course; `-` is standard output.",
        ),
    ] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option(
            "--output-dir",
            metavar="DIR",
            help="Folder for one file a batch, <batch id>_progress_<yyyymmdd>.csv. [default: .]",
        ),
    ] = None,
    user: RequesterId = None,
    layout: LayoutName = Layout.EXHAUST,
) -> None:
    """Write the report of courses as CSV, each file with a receipt beside it.

    \b
    Examples:
      exhaust export do_31296123374084915214
      exhaust export "Open University module AAA" -b "AAA 2013J" -o aaa.csv
      exhaust export --all --output-dir out
    """
    from exhaust.reports.export import Request
    from exhaust.reports.writer import STANDARD_OUTPUT
    from exhaust.warehouse import connect

    display = options.display()
    if options.json and output == STANDARD_OUTPUT:
        raise UsageError("--json and -o - both want standard output.", "Give one or the other.")
    request = Request(courses or [], all_courses, batches or [], output, output_dir, user, layout)
    request.check()
    settings = options.settings()
    with (
        connect(settings.profile, writing=False, notify=display.say) as warehouse,
        display.progress() as progress,
        _exporter(settings, user) as export,
    ):
        report = export(
            warehouse,
            settings,
            request,
            standard_output=sys.stdout.buffer,
            notify=display.say,
            progress=progress,
        )
    if options.json:
        display.json(dataclasses.asdict(report))
    _report_export(report, display)


@contextmanager
def _exporter(settings: "Settings", user: str | None) -> "Iterator[Callable[..., ExportReport]]":
    """What exports: for an operator without the ledger, for a requester through it."""
    if user is None:
        from exhaust.reports.export import export

        yield export
        return
    from exhaust.requests.ledger import Ledger
    from exhaust.requests.worker import export_at_once

    with Ledger.open(settings.profile) as ledger:
        yield partial(export_at_once, ledger)


def _report_export(report: "ExportReport", display: Display) -> None:
    for file in report.files:
        display.say(f"{file.file}: {_rows(file)}")
    if report.files:
        _sum_up(report, display)
    for course in report.without_batches:
        display.say(f"{course.id}  {course.name} has no batches.")
    for course in report.retired:
        display.say(f"{course.id}  {course.name} is retired: left out.")
    if not report.files and not report.without_batches and not report.retired:
        display.say("There are no courses.")


def _rows(file: "ReportFile") -> str:
    left_out = [f"{number:,} {reason}" for reason, number in file.left_out.items() if number]
    return counted(file.rows, "row") + (f"; left out: {', '.join(left_out)}" if left_out else "")


def _sum_up(report: "ExportReport", display: Display) -> None:
    """What the receipts say of all files, in two lines."""
    rows = sum(file.rows for file in report.files)
    left_out = sum(sum(file.left_out.values()) for file in report.files)
    files = f" in {len(report.files):,} files" if len(report.files) > 1 else ""
    build = report.build
    loaded = f"data of {build.loaded_at:%Y-%m-%d %H:%M}, " if build.loaded_at else ""
    display.say(
        f"{counted(rows + left_out, 'enrolment')} = {counted(rows, 'row')}{files} "
        f"+ {left_out:,} left out; {loaded}built {build.started_at:%Y-%m-%d %H:%M} UTC."
    )
    if len(report.files) > 1:
        display.say("Beside each file is its receipt, <file>.receipt.json.")
        return
    (file,) = report.files
    display.say(f"SHA-256 {file.sha256}" + (f"; receipt: {file.receipt}" if file.receipt else ""))


@_command
def verify(
    options: Options,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A report that was exported.")],
) -> None:
    """Check a report file against its receipt.

    Says what was changed, also by a spreadsheet program: ids that became numbers, lost zeros, dates
    in another form, missing rows. Exit code 7 if anything was.

    \b
    Example:
      exhaust verify 0130300000000000101_progress_20261123.csv
    """
    from exhaust.reports.verify import verify

    display = options.display()
    found = verify(file)
    if options.json:
        display.json(dataclasses.asdict(found))
    if not found.is_unchanged:
        changes = "\n".join(f"  {change}" for change in found.changes)
        raise DataError(
            f"{found.file} is not what {found.receipt} tells of:\n{changes}",
            "Take the file as it was exported. To keep ids and dates, import it as text.",
        )
    display.say(f"{found.file} is unchanged: {counted(found.rows, 'row')}.")


@_command
def request(
    options: Options,
    course: Annotated[str, typer.Argument(metavar="COURSE", help="Id or name of the course.")],
    batches: Batches = None,
    user: RequesterId = None,
    layout: LayoutName = Layout.EXHAUST,
) -> None:
    """Request the report of a course, to be made by `exhaust process`.

    Writes the id of the request. A report cannot be requested again while it is being processed.

    \b
    Example:
      exhaust request do_31296123374084915214 --as 90e616e7-8a79-52d7-99e9-3aaf5457b015
    """
    from exhaust.marts import courses as catalogue
    from exhaust.requests.ledger import Ledger
    from exhaust.requests.worker import submit
    from exhaust.warehouse import connect

    display = options.display()
    settings = options.settings()
    catalogue.check_requester(settings, user)
    if user is None:
        raise UsageError("Who asks was not said.", "Give your user id by --as or EXHAUST_USER.")
    with (
        connect(settings.profile, writing=False, notify=display.say) as warehouse,
        Ledger.open(settings.profile) as ledger,
    ):
        new = submit(
            warehouse,
            settings,
            ledger,
            course=course,
            batches=batches or [],
            user_id=user,
            layout=layout,
        )
    if options.json:
        display.json(dataclasses.asdict(new))
    else:
        print(new.request_id)
    display.say(
        f"Requested: {counted(len(new.batch_ids), 'batch', 'batches')} of "
        f"{visible(new.course_id)}, {counted(new.rows_expected, 'row')}; {_state(new)}."
    )


@_command
def process(
    options: Options,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, and wait for further requests.")
    ] = False,
) -> None:
    """Make the reports that were requested, one after the other.

    Several may run at once. One that is killed has its request taken up by another.

    \b
    Examples:
      exhaust process
      exhaust process --watch
    """
    from exhaust.requests.ledger import Ledger
    from exhaust.requests.worker import process, worker_name

    display = options.display()
    settings = options.settings()
    done = []
    with Ledger.open(settings.profile) as ledger, display.progress() as progress:
        for _ in _rounds(watch):
            try:
                for worked_off in process(
                    settings, ledger, worker_name(), notify=display.say, progress=progress
                ):
                    done.append(worked_off)
                    display.say(f"{worked_off.request_id}: {_state(worked_off)}")
            except (Busy, NoConnection) as error:
                if not watch:
                    raise
                display.say(error.message)
    if options.json:
        display.json({"requests": [dataclasses.asdict(worked_off) for worked_off in done]})
    if not done:
        display.say("No request waits.")


def _rounds(watch: bool) -> Iterator[None]:
    """Once; with `watch` every two seconds, without an end."""
    yield
    while watch:
        time.sleep(2)
        yield


@_command
def status(
    options: Options,
    request_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Id of a request. [default: all]")
    ] = None,
    user: RequesterId = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show every change, until all that is shown has ended.")
    ] = False,
) -> None:
    """Show what became of requests; with --as the user's own.

    \b
    Examples:
      exhaust status
      exhaust status 778A3669531143769B5E8C98D42E1CAD --watch
    """
    from exhaust.marts import courses as catalogue
    from exhaust.requests.ledger import UNDER_WAY, Ledger

    display = options.display()
    settings = options.settings()
    catalogue.check_requester(settings, user)
    shown: list[Request] = []
    with Ledger.open(settings.profile) as ledger:
        for _ in _rounds(watch):
            before = shown
            shown = [ledger.request(request_id, user)] if request_id else ledger.requests(user)
            if shown == before:
                continue
            if options.json:
                display.json({"requests": [dataclasses.asdict(one) for one in shown]})
            elif shown:
                display.table(
                    ["ID", "Course", "Batches", "Requested", "State"],
                    [
                        (
                            one.request_id,
                            one.course_id,
                            len(one.batch_ids),
                            f"{one.submitted_at:%Y-%m-%d %H:%M} UTC",
                            _state(one),
                        )
                        for one in shown
                    ],
                )
            if all(one.status not in UNDER_WAY for one in shown):
                break
    if request_id and not options.json:
        for file in shown[0].files.values():
            print(visible(file))
    if not shown:
        display.say("There are no requests.")


def _state(request: "Request") -> str:
    if request.position is not None:
        last = f"; the last time: {request.error}" if request.error else ""
        return f"{request.status}, place {request.position} of those that wait{last}"
    if request.completed_at is None or not request.error:
        return f"{request.status}, {request.rows_done:,} of {request.rows_expected:,} rows"
    return f"{request.status}: {request.error}"


@_command
def download(
    options: Options,
    request_id: RequestId,
    output: Annotated[
        str | None,
        typer.Option(
            "-o", metavar="FILE", help="File for the report of one batch; `-` is standard output."
        ),
    ] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option("--output-dir", metavar="DIR", help="Folder for the files. [default: .]"),
    ] = None,
    user: RequesterId = None,
) -> None:
    """Get the files of a request that was processed, with their receipts.

    \b
    Example:
      exhaust download 778A3669531143769B5E8C98D42E1CAD
    """
    from exhaust.marts import courses as catalogue
    from exhaust.reports.writer import STANDARD_OUTPUT
    from exhaust.requests.ledger import Ledger
    from exhaust.requests.worker import download

    display = options.display()
    if options.json and output == STANDARD_OUTPUT:
        raise UsageError("--json and -o - both want standard output.", "Give one or the other.")
    if output is not None and output_dir is not None:
        raise UsageError("-o and --output-dir were given.", "Give one or the other.")
    settings = options.settings()
    catalogue.check_requester(settings, user)
    with Ledger.open(settings.profile) as ledger:
        files = download(
            settings,
            ledger,
            request_id,
            user_id=user,
            output=output,
            output_dir=output_dir,
            standard_output=sys.stdout.buffer,
            notify=display.say,
        )
    if options.json:
        display.json({"files": [str(file) for file in files]})
    for file in files:
        display.say(str(file))


@_command
def cancel(options: Options, request_id: RequestId, user: RequesterId = None) -> None:
    """Cancel a request that waits or is being processed.

    \b
    Example:
      exhaust cancel 778A3669531143769B5E8C98D42E1CAD
    """
    from exhaust.marts import courses as catalogue
    from exhaust.requests.ledger import Ledger

    display = options.display()
    settings = options.settings()
    catalogue.check_requester(settings, user)
    with Ledger.open(settings.profile) as ledger:
        cancelled = ledger.cancel(request_id, user)
    if options.json:
        display.json(dataclasses.asdict(cancelled))
    display.say(f"{cancelled.request_id}: {_state(cancelled)}")
