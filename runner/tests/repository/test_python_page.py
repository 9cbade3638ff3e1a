"""docs/python.md: its examples print what it says, and its tables list what there is."""

import inspect
import re
import shutil
from pathlib import Path

import pytest
from support import PROJECT

from exhaust import api, errors

PAGE = (PROJECT / "docs" / "python.md").read_text("utf-8")
EXAMPLE = re.compile(r"```python\n(.*?)```(?:\n\n(?:[^`\n]+\n\n)?```text\n(.*?)```)?", re.DOTALL)
DAY = re.compile(r"_progress_\d{8}\.csv")


def test_the_examples_print_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(PROJECT / "seeds", tmp_path / "seeds")
    monkeypatch.chdir(tmp_path)
    for name in ("EXHAUST_TARGET", "EXHAUST_PROFILES_DIR", "EXHAUST_USER", "DBT_PROFILES_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("EXHAUST_PROJECT_DIR", str(PROJECT))
    monkeypatch.setenv("EXHAUST_DUCKDB_PATH", str(tmp_path / "example.duckdb"))
    examples = EXAMPLE.findall(PAGE)
    assert len(examples) == 5
    names: dict[str, object] = {}
    for code, printed in examples:
        exec(code, names)
        assert DAY.sub("", capsys.readouterr().out) == DAY.sub("", printed)


def test_the_page_lists_every_function() -> None:
    functions = {
        name
        for name, function in inspect.getmembers(api, inspect.isfunction)
        if function.__module__.startswith(api.__name__) and not name.startswith("_")
    }
    (table,) = re.findall(r"## Functions\n(.*?)\n## ", PAGE, re.DOTALL)
    listed = {name for row in table.splitlines() for name in re.findall(r"`(\w+)\(", row[:90])}
    assert listed - {"help"} == functions


def test_the_page_lists_every_error_and_its_exit_code() -> None:
    classes = {
        name: error.exit_code
        for name, error in inspect.getmembers(errors, inspect.isclass)
        if error.__module__ == errors.__name__ and name != "DiskFull"
    }
    rows = re.findall(r"^\| `(\w+)` \| (\d) \|", PAGE, re.M)
    assert {name: int(code) for name, code in rows} == classes
