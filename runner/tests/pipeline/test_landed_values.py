"""How the values of files land."""

import gzip
import hashlib
import json
import random
from pathlib import Path

import duckdb
import pytest
from load_support import TRICKY_ROWS, Writer, csv_of, dsbulk_field, land, rfc4180_field, rows

from exhaust.errors import DataError
from exhaust.pipeline.load import LoadedTable
from exhaust.project.settings import Settings
from exhaust.warehouse import Warehouse, connect


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("write", [dsbulk_field, rfc4180_field])
def test_csv_lands_unchanged(
    warehouse: Warehouse, settings: Settings, tmp_path: Path, write: Writer, end: str
) -> None:
    (tmp_path / "user.csv").write_bytes(csv_of(TRICKY_ROWS, write, end))

    report = land(warehouse, settings, tmp_path)

    assert report.tables == [LoadedTable("user", len(TRICKY_ROWS), 1, ["framework"])]
    assert (report.ignored, report.schema) == ([], settings.landing_schema)
    assert rows(warehouse, settings, "user", "userid", "name") == sorted(TRICKY_ROWS, key=repr)
    assert rows(warehouse, settings, "user", "framework")[0] == (None,)


@pytest.mark.parametrize("write", [dsbulk_field, rfc4180_field])
def test_random_values_land_unchanged(
    warehouse: Warehouse, settings: Settings, tmp_path: Path, write: Writer
) -> None:
    for seed in range(15):
        values = random.Random(seed)
        pieces = [
            '"',
            "\\",
            ",",
            "\n",
            "\r\n",
            "a",
            '\\"',
            "\\\\",
            '""',
            " ",
            '{"x":1}',
            "c:\\d",
            "क",
        ]
        table = [
            (f"{number:03}", "".join(values.choices(pieces, k=values.randrange(1, 6))))
            for number in range(values.randrange(1, 40))
        ]
        (tmp_path / "user.csv").write_bytes(csv_of(table, write))

        land(warehouse, settings, tmp_path)

        assert rows(warehouse, settings, "user", "userid", "name") == sorted(table, key=repr)


def test_json_lines_land_as_text(warehouse: Warehouse, settings: Settings, tmp_path: Path) -> None:
    lines = [
        *(json.dumps({"userid": key, "name": value}) for key, value in TRICKY_ROWS),
        '{"Framework":{"board":["a \\"b\\""], "n":[1]},"userid":"z1","name":123456789012345678}',
        '{"userid":"z2","name":true,"Framework":[]}',
        "",
        '{"userid":"z3"}',
    ]
    (tmp_path / "user.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))

    land(warehouse, settings, tmp_path)

    landed = rows(warehouse, settings, "user", "userid", "name", "framework")
    assert [row[:2] for row in landed if row[0] and row[0] < "z"] == sorted(TRICKY_ROWS, key=repr)
    assert landed[-3:] == [
        ("z1", "123456789012345678", '{"board":["a \\"b\\""],"n":[1]}'),
        ("z2", "true", "[]"),
        ("z3", None, None),
    ]


def test_parquet_lands_as_text(warehouse: Warehouse, settings: Settings, tmp_path: Path) -> None:
    duckdb.sql(
        f"""
        copy (
            select
                '0130' as userid,
                map {{'board': ['x']}} as framework,
                timestamp '2019-11-16 05:41:50.49' as name,
                timestamptz '2019-11-16 05:41:50+05:30' as zoned,
                date '2020-01-20' as day,
                20.0::decimal(9, 1) as number,
                true as flag,
                {{'a': 1}} as struct,
                encode('हि') as bytes,
                null::varchar as nothing
        ) to '{tmp_path}/user.parquet'
        """
    )

    land(warehouse, settings, tmp_path)

    names = ["userid", "framework", "name", "zoned", "day", "number", "flag"]
    names += ["struct", "bytes", "nothing"]
    assert rows(warehouse, settings, "user", *names) == [
        (
            "0130",
            '{"board":["x"]}',
            "2019-11-16T05:41:50.490000Z",
            "2019-11-16T00:11:50.000000Z",
            "2020-01-20",
            "20.0",
            "true",
            '{"a":1}',
            "हि",
            None,
        )
    ]


def test_parts_are_combined_by_column_name(
    warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "1.csv").write_text('userid,x\n1,"a\\"b"\n')
    (tmp_path / "user" / "2.csv").write_text('y,userid\n"a""b",2\n')
    (tmp_path / "user" / "3.jsonl").write_text('{"userid":"3","x":""}\n')

    report = land(warehouse, settings, tmp_path)

    assert report.tables == [LoadedTable("user", 3, 3, ["name", "framework"])]
    assert rows(warehouse, settings, "user", "userid", "x", "y") == [
        ("1", 'a"b', None),
        ("2", None, 'a"b'),
        ("3", "", None),
    ]


def test_every_column_is_text(warehouse: Warehouse, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "user.csv").write_text("userid,extra\n1,2\n")

    land(warehouse, settings, tmp_path)

    if warehouse.engine == "spark":
        user = warehouse.relation(settings.landing_schema, "user")
        types = [(name, kind) for name, kind, _ in warehouse.query(f"describe {user}")]
    else:
        types = warehouse.query(
            "select column_name, lower(data_type) from information_schema.columns "
            "where table_name = 'user' order by ordinal_position"
        )
    assert [name for name, _ in types] == ["userid", "name", "framework", "extra"]
    assert {kind.split()[0] for _, kind in types} <= {"text", "varchar", "string"}


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_one_value_may_be_many_megabytes(
    warehouse: Warehouse, settings: Settings, tmp_path: Path, form: str
) -> None:
    tree = json.dumps([{"name": "x, \n y"}] * 1_000_000)
    if form == "csv":
        (tmp_path / "user.csv").write_bytes(csv_of([("1", tree), ("2", "z")], dsbulk_field))
    else:
        (tmp_path / "user.jsonl").write_text(json.dumps({"userid": "1", "name": tree}))

    land(warehouse, settings, tmp_path)

    target = warehouse.relation(settings.landing_schema, "user")
    assert warehouse.query(f"select md5(name) from {target} where userid = '1'") == warehouse.query(
        f"select '{hashlib.md5(tree.encode()).hexdigest()}'"
    )


def test_a_value_that_looks_like_rows_stays_one(settings_duckdb: Settings, tmp_path: Path) -> None:
    """They are where DuckDB's first buffer ends: a parallel read would resume inside one."""
    long, tricky = f"0,{'x' * 1_000_000}\n", '1,"\n,"\n'
    (tmp_path / "user.csv").write_text("userid,name\n" + long * 66 + tricky * 300_000)

    with connect(settings_duckdb.profile, writing=True) as warehouse:
        land(warehouse, settings_duckdb, tmp_path)

        target = warehouse.relation(settings_duckdb.landing_schema, "user")
        found = warehouse.query(f"select userid, count(*) from {target} group by userid")
        assert sorted(found) == [("0", 66), ("1", 300_000)]


def test_a_line_with_stray_quotes_is_not_taken_for_a_record(
    warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    """Each line has an even number of quotes, but a value spans two lines."""
    records = "".join(f'{n}"x,"a\nb",{n}"y\n' for n in range(1_000))
    (tmp_path / "user.csv").write_text(f"userid,name,framework\n{records}", "utf-8")

    with pytest.raises(DataError, match=r"user\.csv: 1,000 of 2,000 records were read"):
        land(warehouse, settings, tmp_path)

    assert "user" not in warehouse.tables(settings.landing_schema)


def test_blank_lines_are_not_rows(warehouse: Warehouse, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "user.csv").write_text("userid,name\n1,a\n\n2,b\n\n", "utf-8")

    land(warehouse, settings, tmp_path)

    assert rows(warehouse, settings, "user", "userid") == [("1",), ("2",)]


def test_a_nul_character_in_parquet_is_an_error(
    warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    duckdb.sql(f"copy (select 'a' || chr(0) as userid) to '{tmp_path}/user.parquet'")

    with pytest.raises(DataError, match=r"user\.parquet: the text contains a NUL character"):
        land(warehouse, settings, tmp_path)
