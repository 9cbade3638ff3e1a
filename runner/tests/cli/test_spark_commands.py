"""Commands on Spark, in a process and a project of their own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import PROJECT

from exhaust.project.settings import Settings


@pytest.fixture
def project(settings_spark: Settings, tmp_path: Path) -> Path:
    project = tmp_path / "project"
    for folder in ("macros", "models"):
        shutil.copytree(PROJECT / folder, project / folder)
    for file in ("dbt_project.yml", "profiles.example.yml"):
        shutil.copy(PROJECT / file, project)
    return project


def run(project: Path, *arguments: str, **variables: str) -> tuple[int, str, str]:
    elsewhere = project.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("EXHAUST_", "DBT_"))
    }
    done = subprocess.run(
        [str(Path(sys.executable).with_name("exhaust")), *arguments],
        cwd=elsewhere,
        env={
            **environment,
            "EXHAUST_TARGET": "spark",
            "EXHAUST_PROJECT_DIR": str(project),
            "HOME": str(elsewhere),
            "SPARK_DRIVER_MEMORY": "1g",
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert not any(elsewhere.iterdir())
    return done.returncode, done.stdout, done.stderr


def test_spark_prints_nothing(project: Path) -> None:
    code, output, errors = run(project, "courses")
    assert (code, output) == (7, "")
    assert errors.startswith("error: Nothing is built")
    assert len(errors.splitlines()) == 2
    assert (project / "logs" / "spark.log").read_text()
    assert {path.name for path in project.iterdir() if path.is_dir()} == {
        *("macros", "models", "logs", "spark-metastore"),
    } | {path.name for path in project.glob("spark-warehouse")}
    assert not (project / "derby.log").exists()


def test_a_java_that_fails_to_start_is_logged(project: Path, tmp_path: Path) -> None:
    java = tmp_path / "java" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\necho too old >&2\nexit 1\n")
    java.chmod(0o755)
    code, output, errors = run(project, "courses", JAVA_HOME=str(tmp_path / "java"))
    assert (code, output) == (7, "")
    assert errors.splitlines()[0] == "error: Java did not start Spark."
    assert "too old" in (project / "logs" / "spark.log").read_text()
