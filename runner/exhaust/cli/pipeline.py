"""The commands from an extract to the marts, and the demo of the whole way."""

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exhaust import api
from exhaust.cli.answer import fields_of
from exhaust.cli.command import Options, command
from exhaust.cli.display import Display
from exhaust.errors import DataError, UsageError
from exhaust.text import counted, visible

if TYPE_CHECKING:
    from exhaust.marts.set_aside import SetAside
    from exhaust.pipeline.build import BuildReport, Failure
    from exhaust.pipeline.load import LoadReport

MAX_IGNORED = 10
"""Names in an extract that are listed as ignored."""

LEARNERS_SHOWN = 3
LABEL_WIDTH = 32
VALUE_WIDTH = 20


@command
def demo(options: Options) -> None:
    """Make a report from the sample extract.

    Needs no configuration and no project. Loads and builds in demo.duckdb, which is in the
    project's folder or, without a project, in the current one. Writes the report to the current
    folder, and changes nothing else.

    \b
    Example:
      exhaust demo
    """
    display = options.display
    if options.profiles_dir:
        raise UsageError("demo does not take --profiles-dir: it uses an example profile.")
    project = api.open_demo(options.project_dir, options.target)
    sample = project.package_dir / "seeds"
    display.say(f"Loading the sample extract in {sample} ...")
    api.load(project, sample, console=display)
    display.say("Building and testing the models ...")
    built = api.build(project, console=display)
    _show_build(built, display)
    if built.failed:
        raise DataError("The build of the sample failed:\n" + _failures(built.failed))
    display.say("Exporting a report ...")
    course = max(api.courses(project), key=lambda course: course.enrolments)
    _, (batch, *_) = api.batches(project, course.id)
    report = api.export(project, [course.id], batches=[batch.id], console=display)
    file = Path(report.files[0].file).absolute()
    options.answer.give(file=file, course_id=course.id, batch_id=batch.id)
    display.say(f"\nThe report of batch {batch.id} is {file}. It starts with:\n")
    display.preview(*first_learners(file))


def first_learners(file: Path) -> tuple[list[str], list[list[str]]]:
    """Returns the columns of a report as rows of a table, with a column per learner."""
    import csv

    with file.open(encoding="utf-8", newline="") as lines:
        header, *learners = islice(csv.reader(lines), 1 + LEARNERS_SHOWN)
    rows = [
        [_cut(label, LABEL_WIDTH), *(_cut(value, VALUE_WIDTH) for value in values)]
        for label, *values in zip(header, *learners, strict=True)
    ]
    return ["Column", *(f"Learner {number + 1}" for number in range(len(learners)))], rows


def _cut(value: str, width: int) -> str:
    return value if len(value) <= width else value[: width - 1] + "…"


@command
def init(
    options: Options,
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Folder of the project. [default: .]")
    ] = Path(),
) -> None:
    """Make a dbt project of your own, with the models of this command.

    Writes dbt_project.yml, profiles.yml, packages.yml and .gitignore, and installs the models as a
    package of dbt. Existing files stay as they are. Run it again after a clone, or if the command
    was installed elsewhere: it writes what is missing, and corrects the path in packages.yml.

    \b
    Example:
      exhaust init reports
    """
    if options.target or options.project_dir or options.profiles_dir:
        raise UsageError(
            "init takes no --target, --project-dir or --profiles-dir.",
            "Give only the folder of the project: exhaust init DIR",
        )
    report = api.init(folder, console=options.display)
    options.answer.give_all(report)
    if report.written:
        options.display.say(f"Wrote to {report.project_dir}: {', '.join(report.written)}.")
    else:
        options.display.say(f"The files of {report.project_dir} are complete.")
    options.display.say(f"The models are those in {report.package_dir}.")
    options.display.say("Next, in this folder: `exhaust load DIR`, then `exhaust build`.")


@command
def load(
    options: Options,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the extract.")],
) -> None:
    """Load an extract into the warehouse.

    Replaces the raw tables that are in the folder: all of them, or none if one cannot be read. For
    each table, the folder has a file `<table>.csv`, `.json`, `.jsonl` (each may be gzipped) or
    `.parquet`, or a folder of such files as parts. The tables may be in folders or tar archives of
    keyspaces. CSV may come from dsbulk, from cqlsh, from the successor's backup, or from any other
    tool that doubles quotes.

    \b
    Example:
      exhaust load extracts/2026-11-01
    """
    report = api.load(options.project(), folder, console=options.display)
    options.answer.give(
        tables=[{**fields_of(table), "has_shrunk": table.has_shrunk} for table in report.tables],
        ignored=report.ignored,
        warehouse=report.warehouse,
        schema=report.schema,
    )
    _show_load(report, options.display)


def _show_load(report: "LoadReport", display: Display) -> None:
    display.preview(
        ["Table", "Rows", "Files", "Newest row (UTC)"],
        [
            (table.name, table.rows, table.files, table.newest and f"{table.newest:%Y-%m-%d %H:%M}")
            for table in report.tables
        ],
    )
    display.say(f"Loaded into {report.warehouse}, schema {report.schema}.")
    for table in report.tables:
        if table.missing_columns:
            columns = ", ".join(table.missing_columns)
            display.say(f"{table.name}: columns not in the extract, left blank: {columns}")
    for table in report.tables:
        if table.has_shrunk:
            display.say(
                f"warning: {table.name} has {counted(table.rows, 'row')}; before, it had "
                f"{table.rows_before:,}. Is the extract complete?"
            )
    if report.ignored:
        shown = ", ".join(report.ignored[:MAX_IGNORED])
        others = len(report.ignored) - MAX_IGNORED
        more = f" and {others:,} more" if others > 0 else ""
        display.say(f"Ignored (not a Sunbird table): {shown}{more}")


@command
def build(
    options: Options,
    dbt_arguments: Annotated[
        list[str] | None, typer.Argument(metavar="-- DBT", help="Arguments for dbt build.")
    ] = None,
) -> None:
    """Build and test the report's tables from the loaded data.

    Says what was built, what failed, and which data was set aside and why. Everything after `--`
    goes to dbt.

    \b
    Examples:
      exhaust build
      exhaust build -- --full-refresh
    """
    report = api.build(options.project(), dbt_arguments or [], console=options.display)
    options.answer.give_all(report)
    _show_build(report, options.display)
    if report.failed:
        raise DataError(
            "The build failed:\n" + _failures(report.failed),
            "Correct the data and load it again, or see logs/dbt.log. Until a build succeeds, "
            "nothing can be exported."
            if report.missing
            else "These are your project's own. The models of the package are built and tested: "
            "their reports can be exported.",
        )


def _failures(failures: "list[Failure]") -> str:
    return "\n".join(map(failure_line, failures))


def failure_line(failure: "Failure") -> str:
    """Returns a failure as a line of the error."""
    reason = "; ".join(map(visible, failure.named)) or failure.message
    if failure.description:
        return f"  {failure.name} ({failure.description}): {reason}"
    return f"  {failure.name}: {reason}"


def _show_build(report: "BuildReport", display: Display) -> None:
    skipped = f", {report.skipped:,} not reached" if report.skipped else ""
    display.say(
        f"{counted(report.models, 'model')} built, {counted(report.tests, 'test')} passed, "
        f"{len(report.failed):,} failed{skipped}."
    )
    display.say(f"Built in {report.warehouse}, schema {report.schema}.")
    if report.missing and not report.failed:
        display.say(
            f"warning: this was not a whole build: {report.missing}. If it replaced marts, they "
            "cannot be exported until `exhaust build` has made all of them."
        )
    _show_found("Set aside:", [one for one in report.set_aside if not one.is_kept], display)
    _show_found("Kept, but incomplete:", [one for one in report.set_aside if one.is_kept], display)


def _show_found(heading: str, found: "list[SetAside]", display: Display) -> None:
    if found:
        display.say(heading)
    for one in found:
        display.say(f"  {counted(one.rows, 'row')}: {one.reason}")
        for name, rows in one.named.items():
            display.say(f"    {visible(name)}" + (f" ({rows:,})" if rows > 1 else ""))
        if one.others:
            display.say(f"    and {one.others:,} more")
