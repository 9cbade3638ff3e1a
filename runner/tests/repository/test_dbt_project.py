"""Rules of the dbt project: everything is described, and repeated facts agree."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jinja2
import jinja2.nodes
import pytest
import yaml
from support import EXTRACTS, PROJECT, Built, raw_tables

from exhaust.marts.header_plan import additions
from exhaust.marts.state import COMMON
from exhaust.project.sources import read_sources
from exhaust.reports.kinds import PROGRESS
from exhaust.warehouse import connect

MODELS = PROJECT / "models"


def described(kind: str) -> dict[str, dict[str, Any]]:
    """Returns the resources of a kind by name, from all YAML files."""
    files = [*MODELS.rglob("*.yml"), *(PROJECT / "tests").rglob("*.yml")]
    contents = [yaml.safe_load(file.read_text()) for file in files]
    return {item["name"]: item for content in contents for item in content.get(kind, [])}


def test_every_model_is_described() -> None:
    names = {file.stem for file in MODELS.rglob("*.sql")}
    texts = {name: model.get("description") for name, model in described("models").items()}

    assert set(texts) == names
    assert all(texts.values())


def test_every_model_states_and_tests_its_grain() -> None:
    models = described("models")
    del models["course_report"]  # Its columns depend on the course.
    for name, model in models.items():
        assert model["description"].startswith("One row per"), name
        # A build does not compute explanations: test_explanations.py tests their grain.
        assert name.endswith("_explanations") or "grain" in model["data_tests"][0], name


@pytest.mark.not_on_spark
def test_every_column_is_described(built: Built) -> None:
    settings = built(EXTRACTS / "broken")
    with connect(settings.profile, writing=False) as warehouse:
        found = warehouse.query("select table_name, column_name from information_schema.columns")
    models = described("models")
    del models["course_report"]
    for name, model in models.items():
        documented = {column["name"]: column.get("description") for column in model["columns"]}
        assert set(documented) == {column for table, column in found if table == name}, name
        assert all(documented.values()), name


def test_unit_tests_are_next_to_their_model() -> None:
    for file in MODELS.rglob("*.yml"):
        for test in yaml.safe_load(file.read_text()).get("unit_tests", []):
            assert test["description"], test["name"]
            assert file.name == f"{test['model']}.unit_tests.yml", test["name"]
            assert file.with_name(f"{test['model']}.sql").exists(), test["name"]


def test_every_unit_test_can_be_switched_off() -> None:
    """By a variable of the project that uses ours, which dbt does not know in dbt_project.yml."""
    for name, test in described("unit_tests").items():
        assert "var('exhaust_unit_tests')" in test["config"]["enabled"], name


def test_a_folder_of_models_has_one_file_of_descriptions() -> None:
    for file in MODELS.rglob("*.yml"):
        models = yaml.safe_load(file.read_text()).get("models", [])
        if models:
            assert file.name == f"_{file.parent.name}.yml"
            assert {model["name"] for model in models} == {
                one.stem for one in file.parent.glob("*.sql")
            }


def test_every_source_and_its_columns_are_described() -> None:
    for table in described("sources")["exhaust_landing"]["tables"]:
        assert table["description"], table["name"]
        assert all(column["description"] for column in table["columns"]), table["name"]


def test_every_data_test_is_described() -> None:
    folder = PROJECT / "tests"
    names = {file.stem for file in [*folder.glob("*.sql"), *folder.glob("set_aside/*.sql")]}
    tests = described("data_tests")

    assert set(tests) == names
    assert all(test["description"] for test in tests.values())


@pytest.mark.parametrize("file", sorted((PROJECT / "macros").rglob("*.sql")), ids=lambda f: f.stem)
def test_every_macro_is_explained(file: Path) -> None:
    assert file.read_text().startswith(("{#-", "{#")), f"{file} does not open with a comment"


def test_macros_of_the_report_need_no_dbt() -> None:
    """Plain Jinja renders them too, so they use only their own names."""
    files = sorted((PROJECT / "macros" / "report").glob("*.sql"))
    tree = jinja2.Environment().parse("".join(file.read_text("utf-8") for file in files))
    names = list(tree.find_all(jinja2.nodes.Name))
    own = {"loop", *(macro.name for macro in tree.find_all(jinja2.nodes.Macro))}
    own |= {name.name for name in names if name.ctx != "load"}

    assert {name.name for name in names} - own == set()


def test_models_do_not_ask_for_the_engine() -> None:
    for file in MODELS.rglob("*.sql"):
        assert "target.type" not in file.read_text(), file


def test_every_difference_between_engines_is_tested() -> None:
    macros = {file.stem for file in (PROJECT / "macros" / "portability").glob("*.sql")}
    # These return no value, except two: tests/course_progress_is_sorted.sql tests
    # physical_row_number, and every unit test tests fixtures.
    statements = {
        *("engine", "fixtures", "gather_statistics", "index_by_batch", "optimizer_fence"),
        *("order_by_batch", "physical_row_number", "prepare_session"),
        *("seeds", "statements"),
    }
    tests = {file.stem for file in (PROJECT / "tests" / "portability").glob("*.sql")}

    assert tests == macros - statements


def test_models_read_the_columns_that_the_sources_list() -> None:
    assert {
        table.name: (list(table.key), list(table.columns)) for table in read_sources(PROJECT)
    } == {name: (raw["key"], raw["columns"]) for name, raw in raw_tables().items()}


def test_columns_of_every_kind_are_checked_for_unreadable_values() -> None:
    files = (PROJECT / "tests" / "set_aside").glob("unreadable_*.sql")
    checked = re.findall(r'unreadable_values\("(\w+)"', "".join(file.read_text() for file in files))
    for name, raw in raw_tables().items():
        assert set(raw) - {"key", "columns", "latest"} <= set(checked), name


def test_staging_reads_nothing_personal() -> None:
    """E-mail addresses, phone numbers and names of people stay in the landing schema."""
    listed = {column for table in read_sources(PROJECT) for column in table.columns}

    assert not [name for name in listed if re.search("mail|phone|firstname|lastname|dob", name)]


def test_the_page_of_the_extract_lists_its_tables_and_columns() -> None:
    page = (PROJECT / "docs" / "extract.md").read_text()
    for table in read_sources(PROJECT):
        columns = (f"**{name}**" if name in table.needed else name for name in table.columns)
        assert f"| `{table.name}` | {', '.join(columns)} |" in page


def test_the_page_of_the_report_lists_its_columns() -> None:
    page = (PROJECT / "docs" / "report.md").read_text()
    macro = (PROJECT / "macros" / "marts" / "fixed_report_columns.sql").read_text()
    labels = re.findall(r'"label": "([^"]+)"', macro)

    assert len(labels) == 20
    assert [label for label in labels if label not in page] == []


def test_the_page_of_the_report_lists_the_columns_that_it_may_add() -> None:
    page = (PROJECT / "docs" / "report.md").read_text()
    _, section = page.split("## More columns\n")
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", section, re.MULTILINE)
    listed = {
        name: re.sub("`|<assessment id> - ", "", columns).split(", ") for name, columns in rows
    }

    assert listed == additions()


def test_the_page_of_the_commands_is_their_help() -> None:
    written = subprocess.run(
        [sys.executable, PROJECT / "docs" / "cli.py"], capture_output=True, text=True, check=True
    ).stdout

    assert (PROJECT / "docs" / "cli.md").read_text() == written, "run `make docs`"


def test_marts_of_an_export_are_replaced_after_course_progress() -> None:
    """So an export has to wait for a short time only, in which marts of two builds are there."""
    texts = {file.stem: file.read_text() for file in (MODELS / "marts").rglob("*.sql")}
    for mart in {*COMMON, *PROGRESS.marts} - {PROGRESS.rows}:
        assert 'ref("exhaust", "course_progress")' in texts[mart], mart


@pytest.mark.parametrize("call", ["ref", "doc"])
def test_every_name_says_that_it_is_ours(call: str) -> None:
    """Without a package, dbt looks in the project that uses ours first."""
    folders = (MODELS, PROJECT / "macros", PROJECT / "tests")
    for file in (one for folder in folders for one in folder.rglob("*.*")):
        for arguments in re.findall(rf"(?<![\w.]){call}\(([^)]+)\)", file.read_text("utf-8")):
            assert re.match(r"""["']exhaust["'], """, arguments), (file, arguments)


def test_postgres_can_name_the_table_of_every_unit_test() -> None:
    files = (PROJECT / "models").rglob("*.unit_tests.yml")
    names = re.findall(r"^  - name: (\w+)$", "\n".join(file.read_text() for file in files), re.M)
    assert len(names) > 100
    assert [name for name in names if len(name) > 63] == []
