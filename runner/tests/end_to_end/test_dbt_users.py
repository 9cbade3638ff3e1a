"""Plain dbt, as analytics engineers use it, with the example profile as profiles.yml."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from dbt_support import dbt, query
from support import PROJECT, Built, export_all, load_extract, relation

from exhaust.errors import DataError
from exhaust.project.settings import Settings
from exhaust.project.sources import read_sources
from exhaust.reports.export import ExportReport
from exhaust.warehouse import connect

pytestmark = pytest.mark.not_on_spark

SEEDS = PROJECT / "seeds"


def landed(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    names = [*(table.name for table in read_sources(PROJECT)), "loads"]
    return {
        name: sorted(
            query(settings, f"select * from {relation(settings.landing_schema, name)}"), key=repr
        )
        for name in names
    }


def test_a_build_leaves_the_landing_schema_unchanged(settings: Settings, tmp_path: Path) -> None:
    load_extract(settings, SEEDS)
    before = landed(settings)

    done = dbt(settings, tmp_path, "build")

    assert done.returncode == 0, done.stdout
    assert landed(settings) == before
    assert export_all(settings, tmp_path / "out", day=date(2024, 7, 1)).files


def test_the_sample_can_be_built_without_a_load(settings: Settings, tmp_path: Path) -> None:
    done = dbt(settings, tmp_path, "build", "--vars", "sample: true")

    assert done.returncode == 0, done.stdout
    rows = query(settings, f"select count(*) from {relation(settings.profile.schema, 'courses')}")
    assert rows == [(4,)]
    with connect(settings.profile, writing=False) as warehouse:
        assert warehouse.tables(settings.landing_schema) == set()


def test_compile_needs_no_data(settings: Settings, tmp_path: Path) -> None:
    done = dbt(settings, tmp_path, "compile")

    assert done.returncode == 0, done.stdout


def test_docs_generate_and_source_freshness_succeed(built: Built, tmp_path: Path) -> None:
    settings = built(SEEDS)

    docs = dbt(settings, tmp_path, "docs", "generate")
    freshness = dbt(settings, tmp_path, "source", "freshness")

    assert docs.returncode == 0, docs.stdout
    catalog = json.loads((tmp_path / "target" / "catalog.json").read_text())
    assert "model.exhaust.course_progress" in catalog["nodes"]
    pages = json.loads((tmp_path / "target" / "manifest.json").read_text())["docs"]
    assert {"doc.exhaust.__overview__", "doc.exhaust.__exhaust__"} <= pages.keys()
    assert freshness.returncode == 0, freshness.stdout
    states = json.loads((tmp_path / "target" / "sources.json").read_text())["results"]
    assert {state["unique_id"].split(".")[-1]: state["status"] for state in states} == {
        table.name: "pass" for table in read_sources(PROJECT)
    }


def test_dbt_show_gives_the_columns_of_a_course(built: Built, tmp_path: Path) -> None:
    settings = built(SEEDS)
    ((course_id,),) = query(
        settings,
        f"select course_id from {relation(settings.profile.schema, 'courses')} "
        "order by enrolments desc limit 1",
    )

    shown = dbt(
        settings,
        tmp_path,
        *("show", "--select", "course_report", "--limit", "-1", "--output", "json"),
        *("--log-format", "json", "--vars", json.dumps({"course_id": course_id})),
    )

    assert shown.returncode == 0, shown.stdout
    events = [json.loads(line) for line in shown.stdout.splitlines()]
    [preview] = [event["data"]["preview"] for event in events if "preview" in event["data"]]
    plan = query(
        settings,
        f"select label from {relation(settings.profile.schema, 'course_report_columns')} "
        f"where course_id = (select course_id from {relation(settings.profile.schema, 'courses')} "
        "order by enrolments desc limit 1) order by ordinal",
    )
    assert list(json.loads(preview)[0]) == [label for (label,) in plan]


def test_a_builds_table_of_an_earlier_version_is_extended(
    settings: Settings, tmp_path: Path
) -> None:
    load_extract(settings, SEEDS)
    builds = relation(settings.profile.schema, "builds")
    with connect(settings.profile, writing=True) as warehouse:
        warehouse.create_schema(settings.profile.schema)
        warehouse.execute(
            f"create table {builds} (invocation_id text, command text, status text, "
            "started_at timestamp, ended_at timestamp)"
        )
        warehouse.execute(
            f"insert into {builds} values ('earlier', 'build', 'success', "
            "timestamp '2026-11-01', timestamp '2026-11-01')"
        )

    assert dbt(settings, tmp_path, "run", "--select", "stg_users").returncode == 0

    rows = query(settings, f"select command, missing is null from {builds} order by started_at")
    assert rows == [("build", True), ("run", False)]


def test_a_failed_test_stops_exports_until_a_whole_build(
    settings: Settings, tmp_path: Path
) -> None:
    """A certificate has a status that there is not, so a test of severity error fails."""

    def export() -> ExportReport:
        return export_all(settings, tmp_path / "out", day=date(2024, 7, 1))

    load_extract(settings, SEEDS)
    assert dbt(settings, tmp_path, "build", "--exclude-resource-type", "unit_test").returncode == 0
    progress = relation(settings.profile.schema, "course_progress")
    with connect(settings.profile, writing=True) as warehouse:
        warehouse.execute(f"update {progress} set certificate_status = 'Lost'")
    assert dbt(settings, tmp_path, "test", "--select", "course_progress").returncode == 1
    with pytest.raises(DataError, match="failed"):
        export()

    assert dbt(settings, tmp_path, "run", "--select", "courses").returncode == 0
    with pytest.raises(DataError):
        export()

    assert dbt(settings, tmp_path, "build", "--exclude-resource-type", "unit_test").returncode == 0
    assert export().files


def test_a_model_that_its_unit_test_keeps_from_running_has_failed(
    settings: Settings, tmp_path: Path
) -> None:
    load_extract(settings, SEEDS)
    with connect(settings.profile, writing=True) as warehouse:
        landed = relation(settings.landing_schema, "user_enrolments")
        warehouse.execute(f"alter table {landed} rename column userid to another")

    dbt(settings, tmp_path, "build", "--select", "stg_duplicate_enrolments")

    results = json.loads((tmp_path / "target" / "run_results.json").read_text())["results"]
    found = {result["unique_id"].split(".")[0]: result["status"] for result in results}
    assert (found["unit_test"], found["model"]) == ("error", "skipped")
    builds = relation(settings.profile.schema, "builds")
    assert query(settings, f"select status from {builds}") == [("failed",)]
