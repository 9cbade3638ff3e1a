"""The commands of docs/unload.md, run as an operator pastes them, and the links of all pages."""

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cqlshlib.cql3handling import CqlRuleSet
from cqlshlib.cqlshhandling import COPY_COMMON_OPTIONS, COPY_TO_OPTIONS, cqlsh_extra_syntax_rules
from support import PROJECT

from exhaust.project.sources import read_sources

UNLOAD = PROJECT / "docs" / "unload.md"
EXTRACT = PROJECT / "docs" / "extract.md"
PAGES = sorted(
    {*PROJECT.glob("*.md"), *(PROJECT / "bench").glob("*.md"), *(PROJECT / "docs").rglob("*.md")}
)
TOOLS = ("dsbulk", "cqlsh", "ycqlsh")
NAMES_OF_THE_SUCCESSOR = {"collection_id": "course_id", "context_id": "batch_id"}
PERSONAL = "name$|mail|phone|dob|login|address"
NAMES_OF_THINGS = {("organisation", "orgname"), ("location", "name"), ("course_batch", "name")}
DSBULK = """\
#!/bin/sh
{ printf '%s\\037' "$@"; echo; } >> calls
while [ "$1" != -url ]; do shift; done
mkdir -p "$2"
"""
"""Records its arguments, one line per call, and makes the folder, as dsbulk does without rows."""


class Command(NamedTuple):
    keyspace: str
    table: str
    columns: tuple[str, ...]
    file: str
    """The output: a file, or a folder of parts."""


@pytest.fixture(params=TOOLS)
def commands(request: pytest.FixtureRequest, tmp_path: Path) -> list[Command]:
    """Returns the page's commands for one tool."""
    return dsbulk(tmp_path) if request.param == "dsbulk" else copies(request.param, tmp_path)


def dsbulk(folder: Path) -> list[Command]:
    """Returns the commands that the script gives to dsbulk, for which a stand-in records them."""
    stand_in = folder / "bin" / "dsbulk"
    stand_in.parent.mkdir()
    stand_in.write_text(DSBULK)
    stand_in.chmod(0o755)
    run(block("With dsbulk", "unload() {"), folder)
    calls = [line.split("\037") for line in (folder / "calls").read_text().splitlines()]
    return [dsbulk_command(dict(zip(call[1:-1:2], call[2:-1:2], strict=True))) for call in calls]


def dsbulk_command(options: dict[str, str]) -> Command:
    query = re.fullmatch(r"SELECT (\S+) FROM (\w+)", options["-query"])
    assert query
    return Command(options["-k"], query[2], tuple(query[1].split(",")), options["-url"])


def copies(tool: str, folder: Path) -> list[Command]:
    """Returns the commands as cqlsh itself parses them, from its file or the file for ycqlsh."""
    (folder / "unload.cql").write_text(block("With cqlsh", "COPY "))
    file = "unload.cql"
    if tool == "ycqlsh":
        run(block("With ycqlsh", "sed ").replace("\nycqlsh", "\n: ycqlsh"), folder)
        file = "unload-ycql.cql"
    text = (folder / file).read_text()
    rules = cqlsh_rules()
    statements, is_unfinished = rules.cql_split_statements(text)
    parsed = [
        rules.cql_whole_parse_tokens(tokens, srcstr=text, startsymbol="cqlshCommand")
        for tokens in statements
        if tokens
    ]
    assert not is_unfinished
    return [copy_command(each) for each in parsed if each.get_binding("dir", None)]


def copy_command(parsed: Any) -> Command:
    """Returns a parsed COPY; fails if cqlsh does not know an option, or writes no header."""
    options = dict(zip(parsed.get_binding("optnames"), parsed.get_binding("optvals"), strict=True))
    assert options["HEADER"] == "true"
    assert options.keys() <= {*COPY_COMMON_OPTIONS, *COPY_TO_OPTIONS}
    return Command(
        parsed.get_binding("ksname"),
        parsed.get_binding("cfname"),
        parsed.get_binding("colnames"),
        parsed.get_binding("fname").strip("'"),
    )


@cache
def cqlsh_rules() -> Any:
    CqlRuleSet.append_rules(cqlsh_extra_syntax_rules)
    return CqlRuleSet


def block(heading: str, holds: str) -> str:
    """Returns the block of code under a heading that contains a text."""
    (section,) = re.findall(rf"^## {heading}$(.*?)(?=^## |\Z)", UNLOAD.read_text(), re.M | re.S)
    (found,) = [code for code in re.findall(r"```\w+\n(.*?)```", section, re.S) if holds in code]
    return str(found)


def run(script: str, folder: Path) -> None:
    subprocess.run(
        ["sh", "-c", script],
        cwd=folder,
        env={"PATH": f"{folder / 'bin'}:/usr/bin:/bin"},
        check=True,
    )


def test_there_is_a_command_for_each_table_and_its_columns(commands: list[Command]) -> None:
    unloaded = {
        command.table: tuple(NAMES_OF_THE_SUCCESSOR.get(name, name) for name in command.columns)
        for command in commands
    }

    assert len(commands) == 10
    assert unloaded == {table.name: table.columns for table in read_sources(PROJECT)}


def test_a_command_names_the_keyspace_that_the_extract_page_names(commands: list[Command]) -> None:
    rows = re.findall(r"^\| `(\w+)` \| .+ \| `(\S+)` \|$", EXTRACT.read_text(), re.M)

    assert {command.table: command.keyspace for command in commands} == {
        table: keyspace.replace("<env>", "dev") for table, keyspace in rows
    }


def test_a_command_writes_where_load_looks(commands: list[Command]) -> None:
    for command in commands:
        assert command.file in (
            f"extract/{command.table}",
            f"extract/{command.keyspace}/{command.table}.csv",
        )


def test_no_command_unloads_personal_data(commands: list[Command]) -> None:
    unloaded = {(command.table, column) for command in commands for column in command.columns}

    assert not [pair for pair in unloaded - NAMES_OF_THINGS if re.search(PERSONAL, pair[1])]


def test_attempts_and_enrolments_are_unloaded_before_what_they_refer_to(
    commands: list[Command],
) -> None:
    assert [command.table for command in commands][:2] == [
        "assessment_aggregator",
        "user_enrolments",
    ]


def test_the_script_writes_the_header_of_a_table_that_is_empty(tmp_path: Path) -> None:
    for command in dsbulk(tmp_path):
        header = (tmp_path / command.file / "empty.csv").read_text()
        assert header == f"{','.join(command.columns)}\n"


def test_ycqlsh_gets_the_names_of_the_successor(tmp_path: Path) -> None:
    (attempts, *_) = copies("ycqlsh", tmp_path)

    assert attempts.columns[:3] == ("user_id", "collection_id", "context_id")


@pytest.mark.parametrize(
    "name", [*NAMES_OF_THE_SUCCESSOR, "profileusertype", "report_user_enrolments"]
)
def test_alternative_names_are_on_both_pages(name: str) -> None:
    for page in (EXTRACT, UNLOAD):
        assert re.search(rf"\b{name}\b", page.read_text()), page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_the_links_of_a_page_work(page: Path) -> None:
    """Except `#!`, which are pages of dbt's documentation site."""
    for target in re.findall(r"\]\((?!https?://|#!)([^)]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
