import re
from typing import Any

import pytest
import yaml
from support import PROJECT

from exhaust.marts.state import COMMON
from exhaust.reports.kinds import KINDS, PROGRESS, Kind

MARTS = PROJECT / "models" / "marts"

for_every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)


def described_marts() -> dict[str, dict[str, Any]]:
    """Returns the models of the marts by name, from their YAML files."""
    contents = [yaml.safe_load(file.read_text("utf-8")) for file in MARTS.rglob("_*.yml")]
    return {model["name"]: model for content in contents for model in content["models"]}


def test_kinds_are_keyed_by_their_dataset() -> None:
    assert KINDS["progress-exhaust"] is PROGRESS
    assert {dataset: kind.dataset for dataset, kind in KINDS.items()} == {
        dataset: dataset for dataset in KINDS
    }


def test_names_of_kinds_are_unique() -> None:
    """With equal names, two reports of a batch would be the same file."""
    assert len({kind.name for kind in KINDS.values()}) == len(KINDS)


@for_every_kind
def test_the_marts_of_a_kind_are_models_with_enforced_contracts(kind: Kind) -> None:
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text("utf-8"))
    assert project["models"]["exhaust"]["marts"]["+contract"] == {"enforced": True}
    for mart in kind.marts:
        (model,) = MARTS.rglob(f"{mart}.sql")
        assert "contract" not in model.read_text("utf-8"), mart
        described = described_marts()[mart]
        assert "contract" not in described.get("config", {}), mart
        assert all(column["data_type"] for column in described["columns"]), mart


@for_every_kind
def test_the_marts_of_a_kind_are_not_common_to_all(kind: Kind) -> None:
    assert set(kind.marts) == {kind.rows, kind.header_plan, kind.details} - {None}
    assert not set(kind.marts) & set(COMMON)


@for_every_kind
def test_the_macro_of_a_kind_is_pure(kind: Kind) -> None:
    files = (PROJECT / "macros" / "report").glob("*.sql")
    defined = re.findall(r"macro (\w+)\(", "".join(file.read_text("utf-8") for file in files))
    assert defined.count(kind.macro) == 1
