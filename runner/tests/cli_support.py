"""Helpers for the tests of the commands."""

import os
import shutil
from pathlib import Path

import pytest
from support import PROJECT

from exhaust.cli import app
from exhaust.project.settings import Settings

SAMPLE = PROJECT / "seeds"
COURSE = "do_31300000000000000001"
BATCH = "0130300000000000103"
RETIRED = "do_31300000000000000004"
LEARNER = "17dbfdce-d6a1-58db-a6ed-467e44cad72a"
"""Made an attempt in a batch without being enrolled in it."""
MENTOR = "911ce132-8344-52ec-b886-dd566ca43537"
TRACEBACK = "Traceback"


def call(*arguments: str) -> int:
    """Runs a command in this process and returns its exit code; unexpected errors are raised."""
    with pytest.raises(SystemExit) as ended:
        app.app(list(arguments), prog_name="exhaust")
    return int(ended.value.code or 0)


def use_warehouse(settings: Settings, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Points the commands at a warehouse of the tests, and changes to an empty folder."""
    shutil.copy(settings.profiles_file, folder / "profiles.yml")
    (folder / "here").mkdir()
    monkeypatch.chdir(folder / "here")
    for name in os.environ:
        if name.startswith(("EXHAUST_", "DBT_", "PG")):
            monkeypatch.delenv(name)
    for name, value in settings.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("EXHAUST_PROJECT_DIR", str(PROJECT))
    monkeypatch.setenv("EXHAUST_PROFILES_DIR", str(folder))
