"""Builds do not depend on dbt's own settings, with the real dbt."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from support import NO_MESSAGES, PROJECT, export_all, load_extract

from exhaust.pipeline.build import build
from exhaust.project.settings import Settings

pytestmark = pytest.mark.not_on_spark

OF_DBT = {
    "DBT_CACHE_SELECTED_ONLY": "true",
    "DBT_DEFER": "true",
    "DBT_EMPTY": "1",
    "DBT_EXCLUDE_RESOURCE_TYPES": "model",
    "DBT_FAIL_FAST": "true",
    "DBT_INTROSPECT": "false",
    "DBT_LOG_FORMAT": "text",
    "DBT_LOG_LEVEL": "none",
    "DBT_PRINT": "false",
    "DBT_PROFILE": "other",
    "DBT_PROFILES_DIR": "/x",
    "DBT_PROJECT_DIR": "/x",
    "DBT_QUIET": "1",
    "DBT_RESOURCE_TYPES": "seed",
    "DBT_SAMPLE": "3 days",
    "DBT_STATE": "/x",
    "DBT_STORE_FAILURES": "false",
    "DBT_TARGET": "other",
    "DBT_USE_COLORS": "true",
    "DBT_WARN_ERROR": "true",
    "DBT_WRITE_JSON": "false",
}
"""Variables of dbt that change what it does, or the output that a build reads."""


def test_a_build_succeeds_whatever_dbt_is_set_to(settings_duckdb: Settings, tmp_path: Path) -> None:
    load_extract(settings_duckdb, PROJECT / "seeds")
    environment = {**settings_duckdb.environment, **OF_DBT}
    options = ["--quiet", "--log-level", "none", "--no-write-json", "--log-format", "text"]
    folders = ["--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")]

    report = build(
        replace(settings_duckdb, environment=environment), [*options, *folders], NO_MESSAGES
    )

    assert not report.failed
    assert report.missing is None
    assert report.models > 30
    assert report.set_aside
    assert (tmp_path / "target" / "run_results.json").exists()
    assert (tmp_path / "logs" / "dbt.log").exists()
    assert export_all(settings_duckdb, tmp_path / "out", day=date(2024, 7, 1)).files
