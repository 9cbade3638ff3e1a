"""The commands that write and check report files."""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from exhaust import api
from exhaust.cli.command import Options, command
from exhaust.cli.display import Display
from exhaust.cli.form import FormOptions
from exhaust.cli.options import Batches, Output, UserId
from exhaust.cli.streams import standard_output
from exhaust.console import STANDARD_OUTPUT
from exhaust.errors import UsageError
from exhaust.text import counted, local_minute

if TYPE_CHECKING:
    from exhaust.marts.records import Build
    from exhaust.reports.export import ExportReport
    from exhaust.reports.report_file import ReportFile


@command
def export(
    options: Options,
    courses: Annotated[
        list[str] | None,
        typer.Argument(metavar="COURSE", help="IDs or names of courses, or IDs of batches."),
    ] = None,
    all_courses: Annotated[
        bool, typer.Option("--all", help="Every course that is not retired.")
    ] = False,
    batches: Batches = None,
    output: Output = None,
    output_dir: Annotated[
        Path | None,
        typer.Option(
            "--output-dir",
            metavar="DIR",
            help="Folder for one file per batch, <batch id>_progress_<yyyymmdd>.csv. [default: .]",
        ),
    ] = None,
    user: UserId = None,
    form: FormOptions = FormOptions(),  # noqa: B008
) -> None:
    """Write the reports of courses, each file with a receipt next to it.

    With a password, an Excel file is encrypted as Excel does it. CSV, and Excel files over 200 MB,
    become a zip with AES-256: 7-Zip opens it, the Explorer of Windows does not.

    \b
    Examples:
      exhaust export do_31296123374084915214
      exhaust export "Open University module AAA" -b "AAA 2013J" -o aaa.xlsx
      exhaust export AAA -b "AAA 2013J" --format xlsx --split-by block --password
      exhaust export --all --output-dir out
    """
    report = api.export(
        options.project(),
        courses or [],
        all_courses=all_courses,
        batches=batches or [],
        output=output_of(options, output),
        output_dir=output_dir,
        user_id=user,
        form=form.form(output),
        password=form.new_password(),
        console=options.display,
    )
    options.answer.give_all(report)
    _show_export(report, options.display)


def output_of(options: Options, output: str | None) -> Path | BinaryIO | None:
    """Returns what `-o` names. Raises UsageError if --json takes standard output already, or if it
    is closed."""
    if output is None:
        return None
    if output != STANDARD_OUTPUT:
        return Path(output)
    if options.json:
        raise UsageError("Both --json and -o - write to standard output.", "Give only one of them.")
    return standard_output()


def _show_export(report: "ExportReport", display: Display) -> None:
    for index, files in groupby(report.files, attrgetter("index")):
        of_split = list(files)
        if index:
            _show_split(index, of_split, display)
            continue
        for file in of_split:
            display.say(f"{file.file}: {counted(file.rows, 'row')}{_left_out(file)}")
    if report.files:
        _sum_up(report, display)
    for course in report.without_batches:
        display.say(f"{course.id}  {course.name} has no batches.")
    for course in report.retired:
        display.say(f"{course.id}  {course.name} is retired: left out.")
    if not report.files and not report.without_batches and not report.retired:
        display.say("There are no courses.")


def _show_split(index: str, files: "Sequence[ReportFile]", display: Display) -> None:
    rows = counted(sum(file.rows for file in files), "row")
    display.say(f"{index} lists {counted(len(files), 'file')}: {rows}{_left_out(files[0])}")


def _left_out(file: "ReportFile") -> str:
    """Returns what is in no file, and why."""
    from exhaust.reports.report_file import IN_OTHER_FILES

    left_out = [
        f"{number:,} {reason}"
        for reason, number in file.left_out.items()
        if number and reason != IN_OTHER_FILES
    ]
    return f"; left out: {', '.join(left_out)}" if left_out else ""


def as_of(build: "Build") -> str:
    """Returns how new the data of a build is, and when it was loaded and built."""
    zone = build.report_timezone
    newest = local_minute(build.newest_activity_at, zone) if build.newest_activity_at else None
    loads = [
        local_minute(moment, zone)
        for moment in (build.oldest_loaded_at, build.loaded_at)
        if moment is not None
    ]
    parts = [
        f"Newest activity {newest}" if newest else "Newest activity not known",
        f"loaded {' to '.join(dict.fromkeys(loads))}" if loads else "loaded at a time not known",
        f"built {local_minute(build.started_at, zone)}",
    ]
    return f"{', '.join(parts)} ({zone})."


def _sum_up(report: "ExportReport", display: Display) -> None:
    """Says in three lines what the receipts of all files say."""
    rows = sum(file.rows for file in report.files)
    left_out = report.left_out
    files = f" in {len(report.files):,} files" if len(report.files) > 1 else ""
    display.say(
        f"{counted(rows + left_out, 'enrolment')} = {counted(rows, 'row')}{files} "
        f"+ {left_out:,} left out."
    )
    display.say(as_of(report.build))
    if len(report.files) > 1:
        display.say("Each file has a receipt next to it: <file>.receipt.json.")
        return
    (file,) = report.files
    display.say(f"SHA-256 {file.sha256}" + (f"; receipt: {file.receipt}" if file.receipt else ""))
