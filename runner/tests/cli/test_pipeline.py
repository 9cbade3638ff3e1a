import csv
import json
import re
import shutil
from pathlib import Path

import pytest
from cli_support import COURSE, SAMPLE, call
from json_page import assert_documented
from support import PROJECT

from exhaust import api
from exhaust.cli.pipeline import failure_line
from exhaust.marts.set_aside import SetAside
from exhaust.pipeline.build import BuildReport, Failure
from exhaust.project.settings import Settings


def test_missing_enrolments_fail_the_build_and_stop_exports(
    no_warehouse: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extract = tmp_path / "extract"
    shutil.copytree(SAMPLE, extract)
    learners = (extract / "user_enrolments.csv").read_text().splitlines()
    (extract / "user_enrolments.csv").write_text(learners[0] + "\n")
    assert call("load", str(extract), "--json") == 0
    loaded = assert_documented("load", capsys.readouterr().out)["tables"]
    assert {table["name"]: table["rows"] for table in loaded}["user_enrolments"] == 0
    assert call("build", "--json") == 7
    shown = capsys.readouterr()
    built = json.loads(shown.out)
    assert built.pop("error")["code"] == "data"
    assert_documented("build", json.dumps(built))
    assert [one["name"] for one in built["failed"]] == ["landing_is_complete"]
    assert (
        "  landing_is_complete (the tables and settings that every report needs are loaded): "
        in shown.err
    )
    assert call("export", COURSE) == 7
    assert "Run `exhaust build`" in capsys.readouterr().err


class TestBuild:
    @pytest.fixture
    def dbt_arguments(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Returns the arguments that dbt gets, from a build that sets rows aside."""
        arguments_seen: list[str] = []
        report = BuildReport(
            models=2,
            tests=1,
            skipped=0,
            failed=[],
            set_aside=[
                SetAside(
                    "unknown", "unknown courses", 1234, {"do_\x1b": 1230, "do_2": 1}, 3, False
                ),
                SetAside("no_user", "without a profile", 2, {}, 0, True),
            ],
            missing=None,
            warehouse="w.duckdb",
            schema="main",
        )

        def build(project: Settings, arguments: list[str], **_: object) -> BuildReport:
            arguments_seen.extend(arguments)
            return report

        monkeypatch.setattr(api, "build", build)
        return arguments_seen

    def test_the_summary_lists_what_was_set_aside(
        self, no_warehouse: Path, dbt_arguments: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert call("build") == 0
        assert capsys.readouterr().err.splitlines() == [
            "2 models built, 1 test passed, 0 failed.",
            "Built in w.duckdb, schema main.",
            "Set aside:",
            "  1,234 rows: unknown courses",
            r"    do_\x1b (1,230)",
            "    do_2",
            "    and 3 more",
            "Kept, but incomplete:",
            "  2 rows: without a profile",
        ]

    def test_arguments_after_two_dashes_go_to_dbt(
        self, no_warehouse: Path, dbt_arguments: list[str]
    ) -> None:
        assert call("build", "-q", "--", "--select", "marts", "-x") == 0
        assert dbt_arguments == ["--select", "marts", "-x"]
        assert call("build", "--select", "marts") == 2

    @pytest.mark.parametrize(
        ("missing", "hint"),
        [
            ("72 of 73 tests ran and passed", "Until a build succeeds, nothing can be exported."),
            (None, "These are your project's own."),
        ],
    )
    def test_a_failure_says_whether_reports_can_be_exported(
        self,
        no_warehouse: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        missing: str | None,
        hint: str,
    ) -> None:
        failed = [Failure("own", "", "no", [])]
        report = BuildReport(33, 80, 0, failed, [], missing, "w.duckdb", "main")
        monkeypatch.setattr(api, "build", lambda *_, **__: report)
        assert call("build") == 7
        assert hint in capsys.readouterr().err

    def test_a_failure_says_what_and_why(self) -> None:
        described = Failure("key_twice", "A key is unique.", "Got 2 results", [])
        assert failure_line(described) == "  key_twice (A key is unique.): Got 2 results"
        assert failure_line(Failure("model", "", "no", [])) == "  model: no"
        named = Failure(
            "landing_is_complete", "The needed tables are loaded.", "Got 1 result", ["no rows"]
        )
        assert (
            failure_line(named) == "  landing_is_complete (The needed tables are loaded.): no rows"
        )
        unread = Failure("unread", "", "", ["a.b: 1 of 1, `\x1b`", "a.c: 2 of 2"])
        assert failure_line(unread) == r"  unread: a.b: 1 of 1, `\x1b`; a.c: 2 of 2"


def assert_readme_shows(output: str) -> None:
    """The README's lines of the demo are printed in that order; `…` stands for any lines."""
    readme = (PROJECT / "README.md").read_text("utf-8")
    (block,) = re.findall(r"```text\n(Loading the sample.*?)```", readme, re.DOTALL)
    folder_or_day = re.compile(r"/\S*/|_\d{8}\.csv")
    printed = iter(folder_or_day.sub("", line) for line in output.splitlines())
    for line in block.splitlines():
        if line.strip() != "…":
            assert folder_or_day.sub("", line) in printed, line


def test_demo_exports_a_course_of_the_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Runs in a project that requires a user ID, with settings for another warehouse, which the
    demo must not touch."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "dbt_project.yml").write_text("name: own\nvars: {require_requester: true}\n")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("EXHAUST_PROJECT_DIR", str(project))
    monkeypatch.setenv("EXHAUST_TARGET", "postgres")
    monkeypatch.setenv("EXHAUST_PROFILES_DIR", "/nowhere")
    monkeypatch.setenv("EXHAUST_DUCKDB_PATH", str(tmp_path / "mine.duckdb"))
    assert call("demo", "--json") == 0
    shown = capsys.readouterr()
    result = assert_documented("demo", shown.out)
    (file,) = (tmp_path / "here").glob("*.csv")
    assert result["file"] == str(file)
    assert result["course_id"] == COURSE
    assert file.name.startswith(f"{result['batch_id']}_progress_")
    with file.open(newline="") as lines:
        first = next(csv.DictReader(lines))
    assert first["Batch ID"] == result["batch_id"]
    table = shown.err.partition("It starts with:\n\n")[2].splitlines()
    assert max(map(len, table)) <= 100
    assert any(line.split()[:2] == ["State", first["State"].split()[0]] for line in table)
    assert (project / "demo.duckdb").exists()
    assert not (tmp_path / "mine.duckdb").exists()
    assert_readme_shows(shown.err)
