"""Fixtures for the tests of the commands, which mostly run in this process."""

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from cli_support import SAMPLE, use_warehouse
from support import PROJECT, Built

from exhaust.cli import command
from exhaust.project.settings import Settings
from exhaust.requests import store
from exhaust.requests.ledger import Ledger


@pytest.fixture(autouse=True)
def raise_unexpected_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes unexpected errors fail the test, where a command would log them."""

    def fail(error: Exception, project_dir: Path | None) -> None:
        raise error

    monkeypatch.setattr(command, "_unexpected", fail)


@pytest.fixture
def sample(built: Built, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Builds the sample extract and returns the current folder."""
    use_warehouse(built(SAMPLE), monkeypatch, tmp_path)
    return tmp_path / "here"


@pytest.fixture
def sample_with_results(built: Built, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Does the same with an empty ledger, in a copy of the project with a folder for results."""
    settings = built(SAMPLE)
    use_warehouse(settings, monkeypatch, tmp_path)
    with Ledger.open(settings.profile) as ledger, ledger._store.begin() as connection:
        for table in (store.REQUESTS, store.WORKERS):
            connection.execute(sa.delete(table))
    project = tmp_path / "project"
    shutil.copytree(PROJECT / "macros", project / "macros")
    text = (PROJECT / "dbt_project.yml").read_text("utf-8")
    (project / "dbt_project.yml").write_text(
        text.replace("results_dir: results", f"results_dir: {tmp_path / 'results'}"), "utf-8"
    )
    monkeypatch.setenv("EXHAUST_PROJECT_DIR", str(project))
    return tmp_path / "here"


@pytest.fixture
def no_warehouse(
    settings_duckdb: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Path:
    """Points at a warehouse that does not exist yet and returns the current folder."""
    use_warehouse(settings_duckdb, monkeypatch, tmp_path)
    return tmp_path / "here"
