"""docs/explain.md: its commands print what it says."""

import re
import shlex
from pathlib import Path

import pytest
from cli_support import SAMPLE, call, use_warehouse
from support import PROJECT, Built

from exhaust.marts.explanations import MARTS

PAGE = (PROJECT / "docs" / "explain.md").read_text("utf-8")
EXAMPLE = re.compile(r"```console\n\$ exhaust (explain .*)\n((?:.*\n)*?)```")


def test_the_examples_print_what_the_page_says(
    built: Built,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    use_warehouse(built(SAMPLE), monkeypatch, tmp_path)
    examples = EXAMPLE.findall(PAGE)
    assert len(examples) == PAGE.count("```console") > 3
    for command, printed in examples:
        exit_code = call(*shlex.split(command))
        shown = capsys.readouterr()
        messages = "" if exit_code == 0 else shown.err
        assert shown.out + messages == printed, command


def test_the_page_lists_every_view() -> None:
    (table,) = re.findall(r"\| view \|.*?\n\n", PAGE, re.S)
    assert re.findall(r"^\| `(\w+)`", table, re.M) == [name for name, _ in MARTS.values()]


def test_the_page_lists_every_reason_of_an_attempt() -> None:
    model = PROJECT / "models" / "marts" / "explanations" / "attempt_explanations.sql"
    reasons = re.findall(r"(?:then|else) '([^']+)'", model.read_text("utf-8"))
    assert len(reasons) > 10
    assert [reason for reason in reasons if f"`{reason}`" not in PAGE] == []
