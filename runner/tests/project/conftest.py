"""Fixtures for the tests of the code that reads the project."""

from pathlib import Path

import pytest
from project_files import EXAMPLE, PROJECT


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def project(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Creates a project, and changes to a folder in it."""
    project = tmp_path / "project"
    (project / "deep" / "er").mkdir(parents=True)
    (project / "dbt_project.yml").write_text(PROJECT)
    (project / "profiles.example.yml").write_text(EXAMPLE)
    monkeypatch.chdir(project / "deep" / "er")
    return project
