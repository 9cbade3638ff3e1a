"""Raw tables belong to the target that loaded them: no other replaces or publishes them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from load_support import land, rows
from support import NO_MESSAGES, relation

from exhaust.errors import UsageError
from exhaust.pipeline.ownership import check_build
from exhaust.project.settings import Settings
from exhaust.project.variables import Variables
from exhaust.warehouse import Warehouse, class_of, connect

pytestmark = pytest.mark.not_on_spark


@pytest.fixture
def extract(tmp_path: Path) -> Path:
    (tmp_path / "user.csv").write_text("userid\nu1\n")
    return tmp_path


def other_target(settings: Settings, variables: Mapping[str, Any]) -> Settings:
    """Returns the settings of the target `tn`, with the schema `tn`, of the same warehouse."""
    profile = replace(settings.profile, target="tn", schema="tn")
    given = Variables({"landing_schema": settings.landing_schema, **variables}, "", "tn")
    return replace(
        settings,
        profile=profile,
        variables=given,
        landing_schema=given.get("landing_schema", ""),
    )


def owners(warehouse: Warehouse, settings: Settings) -> list[Any]:
    return [owner for (owner,) in rows(warehouse, settings, "loads", "owner")]


def test_another_targets_tables_are_neither_replaced_nor_built(
    warehouse: Warehouse, settings: Settings, extract: Path
) -> None:
    land(warehouse, settings, extract)
    other = other_target(settings, {})
    (extract / "user.csv").write_text("userid\nu2\n")
    for refused in (
        lambda: land(warehouse, other, extract),
        lambda: check_build(warehouse, other),
    ):
        with pytest.raises(UsageError, match=settings.profile.schema) as raised:
            refused()
        assert "\n  landing_schemas:\n    tn: sunbird_tn" in str(raised.value.hint)
    assert rows(warehouse, settings, "user", "userid") == [("u1",)]
    assert owners(warehouse, settings) == [settings.profile.schema]


def test_its_own_tables_are_replaced_and_built(
    warehouse: Warehouse, settings: Settings, extract: Path
) -> None:
    for _ in range(2):
        land(warehouse, settings, extract)
        check_build(warehouse, settings)
    land(warehouse, other_target(settings, {"landing_schemas": {"tn": "of_tn"}}), extract)


def test_a_landing_schema_that_is_named_for_the_target_is_built_but_not_replaced(
    warehouse: Warehouse, settings: Settings, extract: Path
) -> None:
    land(warehouse, settings, extract)
    other = other_target(settings, {"landing_schemas": {"tn": settings.landing_schema}})
    check_build(warehouse, other)
    with pytest.raises(UsageError, match="would replace them"):
        land(warehouse, other, extract)


def test_the_newest_load_says_whose_they_are(
    warehouse: Warehouse, settings: Settings, extract: Path
) -> None:
    land(warehouse, settings, extract)
    warehouse.execute(
        f"insert into {relation(settings.landing_schema, 'loads')} (loaded_at, owner) "
        "values (timestamp '2020-01-01', 'tn')"
    )
    check_build(warehouse, settings)
    with pytest.raises(UsageError):
        check_build(warehouse, other_target(settings, {}))


def test_loads_of_an_earlier_version_are_anybodys_until_the_next(
    warehouse: Warehouse, settings: Settings, extract: Path
) -> None:
    land(warehouse, settings, extract)
    loads = relation(settings.landing_schema, "loads")
    warehouse.execute(f"alter table {loads} drop column owner")
    other = other_target(settings, {})
    check_build(warehouse, other)

    land(warehouse, other, extract)

    assert sorted(owners(warehouse, settings), key=str) == [None, "tn"]
    with pytest.raises(UsageError, match="with the schema tn"):
        check_build(warehouse, settings)


def test_targets_in_one_file_have_their_own_ledgers_and_locks(settings_duckdb: Settings) -> None:
    profile = settings_duckdb.profile
    engine = class_of(profile)
    with connect(profile, writing=True, console=NO_MESSAGES):
        pass
    profiles = [replace(profile, schema=schema) for schema in ("main", "ap", "a/p", "a%2Fp")]
    for file_of in (engine.lock_file, engine.ledger_file):
        files = [file_of(one) for one in profiles]
        assert len({file for file in files if file}) == len(profiles)
        assert {file.parent for file in files if file} == {Path(profile.options["path"]).parent}
