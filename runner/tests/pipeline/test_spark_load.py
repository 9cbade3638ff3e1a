"""How a load on Spark replaces tables, and which files it leaves to DuckDB."""

from pathlib import Path

import duckdb
import pytest

from exhaust.errors import DataError
from exhaust.extract.folder import read_extract
from exhaust.pipeline.load import load
from exhaust.project.settings import Settings
from exhaust.project.sources import SourceTable
from exhaust.warehouse import Warehouse

USER = SourceTable("user", ("userid", "name"), ("userid",), ("userid",))


def land(warehouse: Warehouse, settings: Settings, folder: Path) -> list[tuple[object, ...]]:
    """Loads the table of users and returns its rows."""
    load(warehouse, settings, read_extract(folder, [USER]))
    user = warehouse.relation(settings.landing_schema, "user")
    return sorted(warehouse.query(f"select userid, name from {user}"), key=repr)


def test_a_load_replaces_its_table_and_leaves_no_other(
    spark_warehouse: Warehouse, settings_spark: Settings, tmp_path: Path
) -> None:
    """Before the load, the schema holds a user's own table and a table of a killed load."""
    schema = settings_spark.landing_schema
    spark_warehouse.execute(f"create schema {spark_warehouse.identifier(schema)}")
    for table in ("user", "user__20250101000000000000", "user__notes"):
        relation = spark_warehouse.relation(schema, table)
        spark_warehouse.execute(f"create table {relation} (userid string, name string)")
    (tmp_path / "user.csv").write_text("userid,name\n1,a\n")
    assert land(spark_warehouse, settings_spark, tmp_path) == [("1", "a")]
    (tmp_path / "user.csv").write_text("userid,name\n2,b\n")
    assert land(spark_warehouse, settings_spark, tmp_path) == [("2", "b")]
    (loaded,) = spark_warehouse.tables(schema) - {"user", "user__notes", "loads"}
    assert loaded.startswith("user__2")
    assert not loaded.startswith("user__2025")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        # Spark would keep the blank, drop the second line because it equals the header, skip the
        # file as hidden, and split the value.
        ("1.csv", 'userid,name\n1, "a"\n', [("1", "a")]),
        ("1.csv", "userid,name\n1,a\nuserid,name\n", [("1", "a"), ("userid", "name")]),
        ("_1.csv", "userid,name\n1,a\n", [("1", "a")]),
        ("1.csv", 'userid,name\n1,"a\r\nb"\n', [("1", "a\r\nb")]),
        ("1.csv", 'userid,name\n1,"a\rb"\n', [("1", "a\rb")]),
    ],
)
def test_files_that_spark_would_misread_land_unchanged(
    spark_warehouse: Warehouse,
    settings_spark: Settings,
    tmp_path: Path,
    name: str,
    text: str,
    expected: list[tuple[str, str]],
) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / name).write_bytes(text.encode())
    (tmp_path / "user" / "2.csv").write_text("userid,name\n9,\n")
    assert land(spark_warehouse, settings_spark, tmp_path) == sorted(
        [*expected, ("9", None)], key=repr
    )


def test_numbers_of_parquet_are_written_as_on_the_other_engines(
    spark_warehouse: Warehouse, settings_spark: Settings, tmp_path: Path
) -> None:
    duckdb.sql(
        "copy (select 1e8::double as userid, 0.0000001::decimal(9, 7) as name) "
        f"to '{tmp_path}/user.parquet'"
    )
    assert land(spark_warehouse, settings_spark, tmp_path) == [("100000000.0", "0.0000001")]


def test_the_faulty_one_of_many_files_is_named(
    spark_warehouse: Warehouse, settings_spark: Settings, tmp_path: Path
) -> None:
    (tmp_path / "user").mkdir()
    for number in range(3):
        (tmp_path / "user" / f"{number}.csv").write_text(f"userid,name\n{number},a\n")
    (tmp_path / "user" / "1.csv").write_text("userid,name\n1\n")
    with pytest.raises(DataError, match=r"user/1\.csv, line 2: expected 2 columns, found 1"):
        land(spark_warehouse, settings_spark, tmp_path)
