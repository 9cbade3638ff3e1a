"""What builds record is what they made, with the real dbt: moved marts, partial runs, variables."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from dbt_support import copy_of_project, dbt
from support import PROJECT, ManualClock, RecordingConsole, load_extract, reports

from exhaust.errors import DataError, UsageError
from exhaust.marts.records import read_marts
from exhaust.marts.state import open_marts
from exhaust.pipeline.build import build
from exhaust.project.fingerprint import models_hash
from exhaust.project.settings import Settings
from exhaust.reports.export import ExportReport
from exhaust.reports.export import export as export_report
from exhaust.reports.selection import Criteria, Destination
from exhaust.warehouse import connect

pytestmark = pytest.mark.not_on_spark

SEEDS = PROJECT / "seeds"
DAY = date(2024, 7, 1)
WRONG_VARIABLES = [
    ("assessment_content_types: SelfAssess", "assessment_content_types"),
    ("report_timezone: IST", "report_timezone"),
]


@pytest.fixture
def loaded(settings: Settings) -> Settings:
    load_extract(settings, SEEDS)
    return settings


def export(settings: Settings, folder: Path) -> ExportReport:
    with open_marts(settings) as marts:
        criteria = Criteria(all_courses=True)
        return export_report(marts, criteria, Destination(folder=folder), clock=ManualClock(DAY))


def warnings(settings: Settings) -> list[str]:
    """Returns what a command that reads the marts warns of."""
    console = RecordingConsole()
    with open_marts(settings) as marts, marts.state(console=console):
        return console.messages


def test_marts_that_dbt_project_moves_are_followed(loaded: Settings, tmp_path: Path) -> None:
    build(loaded)
    before = export(loaded, tmp_path / "before").build
    project = copy_of_project(tmp_path / "project")
    text = (project / "dbt_project.yml").read_text()
    moved = text.replace("    marts:\n", "    marts:\n      +schema: reporting\n")
    (project / "dbt_project.yml").write_text(moved)

    assert not build(replace(loaded, project_dir=project)).failed

    after = export(loaded, tmp_path / "after").build
    assert after.started_at > before.started_at
    with connect(loaded.profile, writing=False) as warehouse:
        schemas = {one.schema for one in read_marts(warehouse, loaded.profile.schema).values()}
        assert schemas == {f"{loaded.profile.schema}_reporting"}
        # The old marts are still there; the new ones are what is read.
        assert "courses" in warehouse.tables(loaded.profile.schema)
    assert reports(tmp_path / "before") == reports(tmp_path / "after")


def test_a_partial_run_is_not_a_build(loaded: Settings, tmp_path: Path) -> None:
    build(loaded)
    whole = export(loaded, tmp_path / "1").build
    assert warnings(loaded) == []
    load_extract(loaded, SEEDS)
    (warning,) = warnings(loaded)
    assert "data was loaded" in warning

    # Of views only: the marts stay what they are, and the warning stands.
    assert dbt(loaded, tmp_path, "run", "--select", "stg_users").returncode == 0
    assert warnings(loaded) == [warning]
    assert export(loaded, tmp_path / "2").build == whole

    # Of everything, but without data (which dbt cannot do on Postgres); then without tests.
    for arguments, reason in ((["run", "--empty"], "--empty|failed"), (["run"], "0 of .* tests")):
        dbt(loaded, tmp_path, *arguments)
        with pytest.raises(DataError, match=reason):
            export(loaded, tmp_path / "3")


def test_the_sample_does_not_replace_what_was_loaded(loaded: Settings, tmp_path: Path) -> None:
    build(loaded)
    before = export(loaded, tmp_path / "1").build

    with pytest.raises(UsageError, match="The sample would replace its marts"):
        build(loaded, ["--vars", "sample: true"])
    done = dbt(loaded, tmp_path, "build", "--vars", "sample: true")

    assert done.returncode != 0
    assert "has loaded data in the schema sunbird" in done.stdout
    assert export(loaded, tmp_path / "2").build == before


def test_a_build_records_the_variables_and_models_that_made_it(
    loaded: Settings, tmp_path: Path
) -> None:
    """Not those of the project: the days in the file are those of the build's zone."""
    assert not build(loaded, ["--vars", "report_timezone: UTC"]).failed

    report = export(loaded, tmp_path)

    assert report.build.models_hash == models_hash(PROJECT)
    receipt = json.loads(Path(str(report.files[0].receipt)).read_text("utf-8"))
    assert receipt["report_timezone"] == "UTC"
    assert receipt["build"]["variables"]["report_timezone"] == "UTC"
    page = (PROJECT / "docs" / "builds.md").read_text("utf-8")
    assert f"of this version, all are {receipt['build']['tests']}." in page
    assert receipt["data"]["newest_activity_at"] == "2024-06-20T06:00:01Z"


def test_variables_of_a_build_are_checked_first(loaded: Settings) -> None:
    for variables, name in (*WRONG_VARIABLES, ("[]", "--vars")):
        with pytest.raises(UsageError, match=name):
            build(loaded, ["--vars", variables])


@pytest.mark.parametrize(("variables", "name"), WRONG_VARIABLES)
def test_plain_dbt_checks_variables_too(
    settings_duckdb: Settings, tmp_path: Path, variables: str, name: str
) -> None:
    done = dbt(settings_duckdb, tmp_path, "run", "--vars", variables)
    assert done.returncode != 0
    assert f"The variable {name} has to be" in done.stdout
