"""What `exhaust info` shows of an answer."""

from dataclasses import replace
from datetime import datetime

import pytest

from exhaust.cli.info import _lines
from exhaust.info import Info
from exhaust.marts.records import Build

pytestmark = pytest.mark.not_on_spark

DAY = datetime(2026, 11, 1)
BUILD = Build(
    id="one",
    command="build",
    status="success",
    started_at=DAY,
    ended_at=DAY,
    loaded_at=DAY,
    oldest_loaded_at=DAY,
    newest_activity_at=DAY,
    variables={"report_timezone": "Asia/Kolkata"},
    missing=None,
    exhaust_version="0.1.0",
    contract=1,
    models_hash=None,
    needed_tests=73,
)
INFO = Info(
    target="ap",
    engine="postgres",
    engine_version="18",
    warehouse="db",
    project_dir="project",
    package_dir="project",
    profile="profiles.yml",
    report_timezone="Asia/Kolkata",
    landing_schema="sunbird",
    mart_schemas=["ap"],
    ledger="schema ap_requests",
    results_dir="results",
    loads=[],
    newest_activity_at=None,
    build=BUILD,
    problem=None,
    builds=[BUILD],
    requests=None,
    workers=[],
)


def test_raw_tables_that_a_role_cannot_read_are_not_called_missing() -> None:
    """The role for readers in docs/access.md sees the marts only."""
    assert dict(_lines(INFO))["Raw tables"] == "schema sunbird: none that this role can see"
    not_built = replace(INFO, build=None, problem="Nothing is built.")
    assert dict(_lines(not_built))["Raw tables"] == "schema sunbird: none loaded"


def test_models_from_elsewhere_are_named() -> None:
    assert "Models" not in dict(_lines(INFO))
    installed = replace(INFO, package_dir="site-packages/exhaust/dbt_project")
    assert dict(_lines(installed))["Models"] == "site-packages/exhaust/dbt_project"


def test_the_time_zone_of_the_marts_is_named_if_it_is_another() -> None:
    assert dict(_lines(INFO))["Time zone"] == "Asia/Kolkata"
    changed = replace(INFO, report_timezone="UTC")
    assert dict(_lines(changed))["Time zone"] == "UTC; the days of the marts are of Asia/Kolkata"
