"""Helpers for the tests with the real dbt: a run, a query, and a copy of the project."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from support import PROJECT

from exhaust.project.profile import Profile
from exhaust.project.settings import Settings
from exhaust.warehouse import connect


def dbt(settings: Settings, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs plain dbt in the project and writes its output to `folder`."""
    shutil.copy(PROJECT / "profiles.example.yml", folder / "profiles.yml")
    return subprocess.run(
        [
            str(Path(sys.executable).with_name("dbt")),
            *arguments,
            *("--profiles-dir", str(folder)),
            *("--target", settings.profile.target),
            *("--target-path", str(folder / "target")),
            *("--log-path", str(folder / "logs")),
        ],
        cwd=PROJECT,
        env=dict(settings.environment),
        capture_output=True,
        text=True,
        check=False,
    )


def query(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with connect(settings.profile, writing=False) as warehouse:
        return warehouse.query(sql)


def settings_in(folder: Path, environment: dict[str, str]) -> Settings:
    """Returns settings of a folder, for tests in which something stands in for dbt."""
    return Settings(
        project_dir=folder,
        package_dir=folder,
        work_dir=folder,
        profiles_file=folder / "profiles.yml",
        profile=Profile("one", "duckdb", "main", {}),
        landing_schema="raw",
        report_timezone=ZoneInfo("UTC"),
        environment=environment,
    )


def copy_of_project(folder: Path) -> Path:
    folder.mkdir()
    for name in ("models", "macros", "seeds", "tests"):
        shutil.copytree(PROJECT / name, folder / name)
    for name in ("dbt_project.yml", "profiles.example.yml"):
        shutil.copy(PROJECT / name, folder)
    return folder
