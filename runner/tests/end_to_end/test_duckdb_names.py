"""DuckDB calls a database by the name of its file, which may be that of a schema too."""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from handmade_marts import MATHS, create_marts
from support import GOLDEN, NO_MESSAGES, SCENARIOS, export_all, load_extract

from exhaust import api
from exhaust.errors import UsageError
from exhaust.pipeline.build import build
from exhaust.project.settings import Settings
from exhaust.warehouse import connect

SAMPLE = SCENARIOS["sample"]


def in_file(settings: Settings, file: Path, schema: str = "main") -> Settings:
    options = {**settings.profile.options, "path": str(file), "schema": schema}
    return replace(
        settings,
        profile=replace(settings.profile, options=options, schema=schema),
        environment={**settings.environment, "EXHAUST_DUCKDB_PATH": str(file)},
    )


def check_reports(settings: Settings, folder: Path) -> None:
    export_all(settings, folder, day=date(2024, 7, 1))
    written = {file.name.partition("_")[0]: file.read_bytes() for file in folder.glob("*.csv")}
    assert written == {file.stem: file.read_bytes() for file in (GOLDEN / "sample").iterdir()}


@pytest.mark.parametrize("name", ["exhaust", "அறிக்கை 1.Main.db", ".UPPER%20.duckdb"])
def test_a_file_may_have_almost_any_name(
    settings_duckdb: Settings, name: str, tmp_path: Path
) -> None:
    settings = in_file(settings_duckdb, tmp_path / name)
    load_extract(settings, SAMPLE)

    assert not build(settings, (), NO_MESSAGES).failed

    check_reports(settings, tmp_path / "reports")


@pytest.mark.parametrize(
    "name",
    [
        *("sunbird.duckdb", "Sunbird", "main.duckdb", ".main", "Temp.db", "temp.1.db", "system"),
        *("information_schema.duckdb", "it's.duckdb", 'a".duckdb', "a#b.duckdb", "a;b", "a\\b"),
    ],
)
def test_a_name_that_cannot_be_built_is_refused_before_a_load(
    settings_duckdb: Settings, name: str, tmp_path: Path
) -> None:
    settings = in_file(settings_duckdb, tmp_path / name)

    with pytest.raises(UsageError, match=r"The DuckDB file .* name") as raised:
        load_extract(settings, SAMPLE)

    assert "warehouse.duckdb" in str(raised.value.hint)
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_the_schema_of_the_marts_is_refused(
    settings_duckdb: Settings, tmp_path: Path
) -> None:
    settings = in_file(settings_duckdb, tmp_path / "exhaust.duckdb", schema="Exhaust")
    with pytest.raises(UsageError, match="has the name of a schema, `exhaust`"):
        connect(settings.profile, writing=True)


@pytest.mark.parametrize("name", ["marts.duckdb", "main.duckdb", "it's.duckdb"])
def test_a_copy_of_any_name_can_be_exported(
    settings_duckdb: Settings, name: str, tmp_path: Path
) -> None:
    file = tmp_path / "warehouse.duckdb"
    original = in_file(settings_duckdb, file, schema="marts")
    with connect(original.profile, writing=True) as warehouse:
        create_marts(warehouse, original)
    copy = in_file(original, tmp_path / name, schema="marts")
    shutil.copy(file, tmp_path / name)

    report = api.export(copy, [MATHS], output_dir=tmp_path)

    assert [file.rows for file in report.files] == [2, 1]
