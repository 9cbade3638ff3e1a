"""Another dbt project that uses ours as a package, with plain dbt, as its owners set it up.

It has its own `generate_schema_name` and `generate_alias_name`, and a model named like ours.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import PROJECT, NewSettings, load_extract, relation

from exhaust import api
from exhaust.project.fingerprint import models_hash
from exhaust.project.settings import Settings, read_settings
from exhaust.project.sources import read_sources
from exhaust.warehouse import connect

pytestmark = [pytest.mark.install, pytest.mark.not_on_spark]

PROJECT_FILE = {
    "name": "state_analytics",
    "profile": "warehouse",
    "flags": {"send_anonymous_usage_stats": False},
    "models": {
        "state_analytics": {"+schema": "analytics", "+materialized": "table"},
        "exhaust": {
            "staging": {"+schema": "ex_staging"},
            "intermediate": {"+schema": "ex_work"},
            "marts": {"+schema": "ex_marts", "core": {"courses": {"+alias": "sunbird_courses"}}},
        },
    },
    "data_tests": {"exhaust": {"set_aside": {"+schema": "ex_set_aside"}}},
    "vars": {
        "exhaust": {
            "landing_schemas": {"dev": "sunbird", "unrecorded": "sunbird", "loaded": "landing"},
            "report_timezones": {"dev": "Pacific/Auckland"},
            "assessment_content_types": ["SelfAssess", "Quiz"],
        }
    },
}
PROFILES: dict[str, dict[str, object]] = {
    "duckdb": {"type": "duckdb", "path": "{{ env_var('EXHAUST_DUCKDB_PATH') }}"},
    "postgres": {
        "type": "postgres",
        "host": "{{ env_var('PGHOST') }}",
        "port": 5432,
        "user": "{{ env_var('PGUSER') }}",
        "password": "",
        "dbname": "{{ env_var('PGDATABASE') }}",
    },
}
FILES = {
    "macros/generate_schema_name.sql": """
        {% macro generate_schema_name(custom_schema_name, node) %}
            {{ return(custom_schema_name or target.schema) }}
        {% endmacro %}
    """,
    "macros/generate_alias_name.sql": """
        {% macro generate_alias_name(custom_alias_name=none, node=none) %}
            {%- set is_mart = node.fqn[:2] == ["exhaust", "marts"] %}
            {{ return(custom_alias_name or ("sb_" if is_mart else "") ~ node.name) }}
        {% endmacro %}
    """,
    "models/courses.sql": "select 'ours' as course_id union all select 'ours'",
    "models/learners.sql": """
        select courses.course_id, count(*) as learners
        from {{ ref('exhaust', 'course_progress') }} as progress
        inner join {{ ref('exhaust', 'courses') }} as courses using (course_id)
        group by courses.course_id
    """,
    "models/broken.sql": """
        {{ config(enabled=var('with_broken', false)) }}
        select * from nowhere
    """,
    "models/_models.yml": """
sources:
  - name: sunbird
    schema: another
    tables: [{name: user}]
unit_tests:
  - name: learners_are_counted
    model: learners
    given:
      - input: ref('exhaust', 'course_progress')
        rows: [{course_id: a}, {course_id: a}, {course_id: "b'"}]
      - input: ref('exhaust', 'courses')
        rows: [{course_id: a}, {course_id: "b'"}]
    expect:
      rows: [{course_id: a, learners: 2}, {course_id: "b'", learners: 1}]
    """,
    "models/overview.md": "{% docs __overview__ %}Of the State{% enddocs %}",
}


@dataclass(frozen=True)
class OtherProject:
    """A dbt project in a folder, and the warehouse that it builds in."""

    folder: Path
    settings: Settings

    def dbt(
        self, *arguments: str, variables: Mapping[str, Any] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *(str(Path(sys.executable).with_name("dbt")), *arguments),
                *(("--vars", json.dumps(variables)) if variables else ()),
            ],
            cwd=self.folder,
            env={**self.settings.environment, "DBT_PROFILES_DIR": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with connect(self.settings.profile, writing=False) as warehouse:
            return warehouse.query(sql)

    def tables(self, schema: str) -> set[str]:
        with connect(self.settings.profile, writing=False) as warehouse:
            return warehouse.tables(schema)

    def statuses(self) -> dict[str, str]:
        """Returns the status of each node of the latest run by its ID."""
        results = json.loads((self.folder / "target" / "run_results.json").read_text("utf-8"))
        return {result["unique_id"]: result["status"] for result in results["results"]}

    def builds(self) -> list[tuple[Any, ...]]:
        builds = relation("state", "builds")
        return self.query(f"select status, missing, models_hash from {builds} order by started_at")


@pytest.fixture(scope="module")
def project(
    engine: str, new_settings: NewSettings, tmp_path_factory: pytest.TempPathFactory
) -> OtherProject:
    """The project, with our package installed, and the sample extract loaded."""
    settings = new_settings(engine)
    load_extract(settings, PROJECT / "seeds")
    folder = tmp_path_factory.mktemp("state_analytics")
    schemas = {"dev": "state", "unrecorded": "unrecorded", "loaded": "loaded"}
    outputs = {
        target: {**PROFILES[engine], "schema": schema, "threads": 2}
        for target, schema in schemas.items()
    }
    profiles = {"warehouse": {"target": "dev", "outputs": outputs}}
    packages = {"packages": [{"local": str(PROJECT)}]}
    for name, content in {
        "dbt_project.yml": PROJECT_FILE,
        "profiles.yml": profiles,
        "packages.yml": packages,
    }.items():
        (folder / name).write_text(yaml.safe_dump(content), "utf-8")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    project = OtherProject(folder, settings)
    installed = project.dbt("deps")
    assert installed.returncode == 0, installed.stdout
    return project


@pytest.fixture(scope="module")
def built(project: OtherProject) -> OtherProject:
    """The project after its first `dbt build`."""
    done = project.dbt("build", "--show-all-deprecations")
    assert done.returncode == 0, done.stdout
    assert "deprecat" not in done.stdout.lower(), done.stdout
    assert "depends on the root project node" not in done.stdout
    shutil.copytree(project.folder / "target", project.folder / "first_target")
    return project


def our_unit_tests() -> set[str]:
    files = (PROJECT / "models").rglob("*.unit_tests.yml")
    tests = [test for file in files for test in yaml.safe_load(file.read_text())["unit_tests"]]
    return {f"unit_test.exhaust.{test['model']}.{test['name']}" for test in tests}


def test_all_unit_tests_pass_in_another_project(built: OtherProject) -> None:
    results = json.loads((built.folder / "first_target" / "run_results.json").read_text("utf-8"))
    statuses = {result["unique_id"]: result["status"] for result in results["results"]}
    unit_tests = {id: status for id, status in statuses.items() if id.startswith("unit_test.")}
    theirs = "unit_test.state_analytics.learners.learners_are_counted"

    assert unit_tests == dict.fromkeys({*our_unit_tests(), theirs}, "pass")
    assert set(statuses.values()) <= {"success", "pass", "warn", "no-op"}


def test_marts_have_the_schemas_and_names_of_the_project(built: OtherProject) -> None:
    assert {"sb_course_progress", "sunbird_courses", "sb_course_batches"} <= built.tables(
        "ex_marts"
    )
    assert "int_enrolments" in built.tables("ex_work")
    assert "stg_enrolments" in built.tables("ex_staging")
    assert built.tables("analytics") == {"courses", "learners"}
    assert built.tables("state") - {"build_lease"} == {"builds", "built_marts", "course_report"}
    marts = built.query(
        f"select mart, schema_name, table_name from {relation('state', 'built_marts')}"
    )
    assert ("courses", "ex_marts", "sunbird_courses") in marts
    assert ("course_progress", "ex_marts", "sb_course_progress") in marts


def test_models_of_the_project_read_our_marts(built: OtherProject) -> None:
    learners = relation("analytics", "learners")
    ours = relation("ex_marts", "sb_course_progress")

    assert built.query(f"select sum(learners) from {learners}") == built.query(
        f"select count(*) from {ours}"
    )


def test_the_build_is_recorded_as_whole(built: OtherProject) -> None:
    """Whatever else the project has; and with the hash that the command computes."""
    assert built.builds()[0] == ("success", None, models_hash(PROJECT))
    ((variables,),) = built.query(
        f"select variables from {relation('state', 'builds')} order by started_at limit 1"
    )
    assert json.loads(variables)["report_timezone"] == "Pacific/Auckland"
    assert json.loads(variables)["assessment_content_types"] == ["SelfAssess", "Quiz"]


def test_a_failed_model_of_the_project_is_not_ours(built: OtherProject) -> None:
    before = built.builds()

    done = built.dbt("build", variables={"with_broken": True, "exhaust_unit_tests": False})

    assert done.returncode == 1
    assert built.statuses()["model.state_analytics.broken"] == "error"
    assert [status for status, *_ in built.builds()] == [*(one[0] for one in before), "success"]
    assert not [id for id in built.statuses() if id.startswith("unit_test.exhaust.")]


def test_only_runs_of_our_models_are_recorded(built: OtherProject) -> None:
    before = built.builds()

    assert built.dbt("run", "--select", "learners").returncode == 0
    assert built.builds() == before
    assert built.dbt("run", "--select", "package:exhaust,requesters").returncode == 0
    assert len(built.builds()) == len(before) + 1


def test_docs_and_freshness_know_our_package(built: OtherProject) -> None:
    docs = built.dbt("docs", "generate")
    freshness = built.dbt("source", "freshness", "--select", "package:exhaust")

    assert docs.returncode == 0, docs.stdout
    manifest = json.loads((built.folder / "target" / "manifest.json").read_text("utf-8"))
    overviews = {id for id in manifest["docs"] if id.endswith(".__overview__")}
    # `dbt docs` shows the last one that is not dbt's, and the page of a package by its name.
    assert overviews == {"doc.dbt.__overview__", "doc.state_analytics.__overview__"}
    assert "doc.exhaust.__exhaust__" in manifest["docs"]
    accesses = {node["access"] for node in manifest["nodes"].values() if is_mart(node)}
    assert accesses == {"public"}
    assert freshness.returncode == 0, freshness.stdout
    states = json.loads((built.folder / "target" / "sources.json").read_text("utf-8"))["results"]
    assert len(states) == len(read_sources(PROJECT))
    assert {state["status"] for state in states} == {"pass"}


def is_mart(node: Mapping[str, Any]) -> bool:
    return bool(node["resource_type"] == "model" and node["fqn"][:2] == ["exhaust", "marts"])


def test_primary_keys_are_constraints(built: OtherProject) -> None:
    """On the tables; some marts are views, and the names in summaries may be too long."""
    found = built.query(
        "select distinct table_name from information_schema.table_constraints "
        "where table_schema = 'ex_marts' and constraint_type = 'PRIMARY KEY'"
    )
    explanations = (PROJECT / "models" / "marts" / "explanations").glob("*.sql")
    without = {"assessment_scores", "location_summaries", "week_summaries", "score_summaries"}
    without |= {file.stem for file in explanations}
    tables = built.tables("ex_marts") - {f"sb_{name}" for name in without}
    assert {table for (table,) in found} == tables


def test_the_records_can_be_switched_off(built: OtherProject) -> None:
    """For another target, because marts without a record lose the one that they had."""
    run = ("run", "--target", "unrecorded", "--select", "package:exhaust,+requesters")
    assert built.dbt(*run).returncode == 0
    assert {"builds", "built_marts"} <= built.tables("unrecorded")
    count = f"select count(*) from {relation('unrecorded', 'builds')}"
    before = built.query(count)

    done = built.dbt(*run, variables={"record_builds": False})

    assert done.returncode == 0, done.stdout
    assert built.query(count) == before
    assert "built_marts" not in built.tables("unrecorded")


def test_the_command_works_in_the_project(built: OtherProject, tmp_path: Path) -> None:
    """Loads for a target of its own, makes a whole build with the project's models, exports."""
    project = read_settings(
        built.folder, built.folder, "loaded", environ=built.settings.environment
    )
    assert (project.landing_schema, project.report_timezone.key) == ("landing", "Asia/Kolkata")

    loaded = api.load(project, PROJECT / "seeds")
    report = api.build(project)
    exported = api.export(project, all_courses=True, output_dir=tmp_path)

    assert sum(table.rows for table in loaded.tables) > 0
    assert (report.failed, report.missing) == ([], None)
    assert sum(file.rows for file in exported.files) > 0
    assert api.info(project).mart_schemas == ["ex_marts"]
    assert all(api.verify(file.file).is_unchanged for file in exported.files)
