"""docs/export.md: its commands print what it says, but for times and digests."""

import re
import shlex
from pathlib import Path

import pytest
from cli_support import SAMPLE, call, use_warehouse
from support import PROJECT, Built

PAGE = (PROJECT / "docs" / "export.md").read_text("utf-8")
EXAMPLE = re.compile(r"```console\n\$ exhaust (.*)\n((?:.*\n)*?)```")
CHANGING = re.compile(r"[0-9a-f]{64}|\d{8}(?=_index)|(?:loaded|built) [-0-9]+ [0-9:]+")


def test_the_examples_print_what_the_page_says(
    built: Built,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    use_warehouse(built(SAMPLE), monkeypatch, tmp_path)
    batch = ["do_31300000000000000001", "-b", "0130300000000000101"]
    call("export", *batch, "-o", "monday.csv", "-q")
    monday = Path("monday.csv").read_text("utf-8").splitlines(keepends=True)
    Path("monday.csv").write_text("".join([monday[0], *monday[2:]]), "utf-8")
    Path("monday.csv.receipt.json").unlink()

    examples = EXAMPLE.findall(PAGE)

    assert len(examples) == PAGE.count("```console") == 3
    for command, printed in examples:
        assert call(*shlex.split(command)) == 0
        shown = capsys.readouterr()
        expected = printed.removesuffix("…\n")
        assert CHANGING.sub("*", shown.out + shown.err).startswith(CHANGING.sub("*", expected))
