import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_support import TRACEBACK, call
from support import PROJECT

COMMANDS = (
    *("demo", "init", "load", "build", "courses", "batches", "export", "verify"),
    *("request", "process", "status", "download", "cancel"),
)
COMMON = ("--target", "--project-dir", "--profiles-dir", "--json", "--quiet")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example_and_the_common_options(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(command, "--help") == 0
    shown = capsys.readouterr().out
    assert f"\n    exhaust {command}" in shown
    assert [option for option in COMMON if option not in shown] == []


def test_version_says_where_the_models_come_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--version") == 0
    assert capsys.readouterr().out == f"exhaust 0.1.0\nmodels: {PROJECT}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["exprot"],
        ["load"],
        ["batches"],
        ["export"],
        ["export", "a", "--all"],
        ["export", "a", "-o", "-", "--json"],
        ["export", "a", "-o", "."],
        ["download", "a", "-o", "-", "--json"],
        ["download", "a", "-o", "a.csv", "--output-dir", "."],
        ["load", "no/such/folder"],
        ["courses", "--target", "none"],
        ["courses", "--project-dir", "none"],
        ["courses", "--profiles-dir", "none"],
        ["demo", "--target", "postgres"],
        ["demo", "--profiles-dir", "."],
        ["init", "--target", "duckdb"],
        ["init", "--project-dir", "."],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(
    no_warehouse: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert call(*arguments) == 2
    shown = capsys.readouterr()
    assert TRACEBACK not in shown.err
    assert not arguments or "rror: " in shown.err


def test_help_needs_no_engine_and_no_dbt() -> None:
    code = (
        "import sys, exhaust.cli.app\n"
        "try:\n    exhaust.cli.app.app(['export', '--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'duckdb', 'psycopg', 'rich', 'yaml', 'jinja2', 'dbt'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_completion_offers_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_EXHAUST_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "exhaust expo")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert call() == 0
    assert capsys.readouterr().out.strip() == "export"


@pytest.mark.parametrize("command", [*COMMANDS, "info"])
def test_an_argument_that_is_not_utf8_is_wrong_usage(
    no_warehouse: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert call(command, os.fsdecode(b"caf\xe9"), "--json") == 2
    shown = capsys.readouterr()
    assert "Error: Invalid value for `caf\\xe9`: It is not UTF-8.\n" in shown.err
    assert json.loads(shown.out)["error"]["code"] == "usage"
    assert list(no_warehouse.iterdir()) == []


def test_a_variable_that_is_not_utf8_is_wrong_usage_and_not_quoted(
    no_warehouse: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXHAUST_RECEIPT_KEY", os.fsdecode(b"S3cret\xe9"))
    assert call("courses") == 2
    shown = capsys.readouterr().err
    assert "Error: Invalid value for EXHAUST_RECEIPT_KEY: It is not UTF-8.\n" in shown
    assert "S3cret" not in shown
