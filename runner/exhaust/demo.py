"""`exhaust demo`: the sample extract, from files to a report, in a DuckDB file of its own."""

import csv
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from exhaust import catalogue
from exhaust.dbt import BuildReport, build
from exhaust.display import Progress
from exhaust.errors import UsageError
from exhaust.export import Request, export
from exhaust.extract import read_extract
from exhaust.load import load
from exhaust.settings import Settings, find_project, read_settings
from exhaust.sources import read_sources
from exhaust.warehouse import connect

LEARNERS_SHOWN = 3


@dataclass(frozen=True)
class DemoReport:
    build: BuildReport
    course_id: str
    batch_id: str
    file: Path | None
    """None if the build failed."""


def demo_settings(project_dir: Path | None, profiles_dir: Path | None, target: str | None) -> Settings:
    """The example profile on DuckDB, with `demo.duckdb` in the project; UsageError if not so."""
    if profiles_dir:
        raise UsageError("demo takes no --profiles-dir: it uses the project's example profile.")
    project = find_project(project_dir)
    settings = read_settings(
        project,
        target=target or "duckdb",
        environ={**os.environ, "EXHAUST_DUCKDB_PATH": str(project / "demo.duckdb")},
        use_example=True,
    )
    if settings.profile.engine != "duckdb":
        raise UsageError(
            f"demo works on DuckDB, and the target `{target}` is of type "
            f"{settings.profile.engine}.",
            "Leave --target out.",
        )
    return settings
