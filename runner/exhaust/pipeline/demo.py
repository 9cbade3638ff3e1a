"""`exhaust demo`: the sample extract, from its files to a report, in a DuckDB file of its own."""

import csv
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from exhaust.cli.display import Display
from exhaust.errors import DataError, UsageError
from exhaust.extract.folder import read_extract
from exhaust.marts import courses as catalogue
from exhaust.pipeline.dbt import BuildReport, build
from exhaust.pipeline.load import load
from exhaust.project.settings import Settings, find_project, read_settings
from exhaust.project.sources import read_sources
from exhaust.reports.export import Request, export
from exhaust.warehouse import connect

LEARNERS_SHOWN = 3
LABEL_WIDTH = 32
VALUE_WIDTH = 20


@dataclass(frozen=True)
class DemoReport:
    file: Path
    course_id: str
    batch_id: str


def demo_settings(
    project_dir: Path | None,
    profiles_dir: Path | None,
    target: str | None,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """The example profile, with `demo.duckdb` in the project; UsageError if it is not DuckDB's."""
    if profiles_dir:
        raise UsageError("demo takes no --profiles-dir: it uses the project's example profile.")
    project = find_project(project_dir, environ)
    settings = read_settings(
        project,
        target=target or "duckdb",
        environ={**environ, "EXHAUST_DUCKDB_PATH": str(project / "demo.duckdb")},
        use_example=True,
    )
    if settings.profile.engine != "duckdb":
        raise UsageError(
            f"demo works on DuckDB, and `{target}` is of type {settings.profile.engine}.",
            "Leave --target out.",
        )
    return replace(settings, require_requester=False)


def build_sample(settings: Settings, display: Display) -> BuildReport:
    """Loads and builds the sample extract.

    Raises what loading and building raise; DataError if the build failed.
    """
    folder = settings.project_dir / "seeds"
    display.say(f"Loading the sample extract in {folder} ...")
    extract = read_extract(folder, read_sources(settings.project_dir))
    with (
        connect(settings.profile, writing=True, notify=display.say) as warehouse,
        display.progress() as progress,
    ):
        load(warehouse, settings, extract, progress)
    display.say("Building and testing the models ...")
    with display.progress() as progress:
        built = build(settings, [], notify=display.say, progress=progress)
    if built.failed:
        raise DataError(
            f"The build of the sample failed: {built.failed[0].name}: {built.failed[0].message}"
        )
    return built


def export_sample(settings: Settings, display: Display) -> DemoReport:
    """Exports the first batch of the course with most learners to this folder.

    Raises what exporting raises.
    """
    display.say("Exporting a report ...")
    with (
        connect(settings.profile, writing=False, notify=display.say) as warehouse,
        display.progress() as progress,
    ):
        schema = settings.profile.schema
        course = max(catalogue.courses(warehouse, schema), key=lambda course: course.enrolments)
        batch = catalogue.batches(warehouse, schema, course.id)[0]
        report = export(
            warehouse,
            settings,
            Request(courses=[course.id], batches=[batch.id]),
            standard_output=sys.stdout.buffer,
            notify=display.say,
            progress=progress,
        )
    return DemoReport(Path(report.files[0].file).absolute(), course.id, batch.id)


def first_learners(file: Path) -> tuple[list[str], list[list[str]]]:
    """The columns of a report as rows of a table, with a column for each of the first learners."""
    with file.open(encoding="utf-8", newline="") as lines:
        header, *learners = islice(csv.reader(lines), 1 + LEARNERS_SHOWN)
    rows = [
        [_cut(label, LABEL_WIDTH), *(_cut(value, VALUE_WIDTH) for value in values)]
        for label, *values in zip(header, *learners, strict=True)
    ]
    return ["Column", *(f"Learner {place + 1}" for place in range(len(learners)))], rows


def _cut(value: str, width: int) -> str:
    return value if len(value) <= width else value[: width - 1] + "…"
