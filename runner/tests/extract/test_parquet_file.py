import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exhaust.errors import DataError
from exhaust.extract import data_file
from exhaust.extract.folder import read_extract
from exhaust.extract.parquet_file import ParquetFile, open_parquet_files
from exhaust.extract.part import Part
from exhaust.pipeline.load import load
from exhaust.project.settings import Settings
from exhaust.project.sources import SourceTable
from exhaust.warehouse import Warehouse

AT = datetime(2019, 11, 16, 5, 41, 50, 382000)
AT_TEXT = "2019-11-16T05:41:50.382000Z"
WHOLE_SECONDS, WHOLE_SECONDS_TEXT = AT.replace(microsecond=0), "2019-11-16T05:41:50.000000Z"
LONG = Decimal("12345678901234567890.12")
TIMES = pa.map_(pa.timestamp("ms"), pa.list_(pa.decimal128(38, 2)))

VALUES: dict[str, tuple[Any, pa.DataType, str]] = {
    "string": ("a", pa.string(), "a"),
    "large_string": ("a", pa.large_string(), "a"),
    "string_view": ("a", pa.string_view(), "a"),
    "dictionary": ("a", pa.dictionary(pa.int8(), pa.string()), "a"),
    "json": ('{"a": 1}', pa.json_(), '{"a": 1}'),
    "bool": (True, pa.bool_(), "true"),
    "int8": (-128, pa.int8(), "-128"),
    "int16": (-1, pa.int16(), "-1"),
    "int32": (0, pa.int32(), "0"),
    "int64": (-(2**63), pa.int64(), "-9223372036854775808"),
    "uint8": (255, pa.uint8(), "255"),
    "uint16": (65_535, pa.uint16(), "65535"),
    "uint32": (2**32 - 1, pa.uint32(), "4294967295"),
    "uint64": (2**64 - 1, pa.uint64(), "18446744073709551615"),
    "float16": (1.5, pa.float16(), "1.5"),
    "float32": (0.1, pa.float32(), "0.1"),
    "float64": (0.1, pa.float64(), "0.1"),
    "nan": (float("nan"), pa.float64(), "NaN"),
    "infinity": (float("-inf"), pa.float32(), "-Infinity"),
    "decimal32": (Decimal("1.5"), pa.decimal32(5, 2), "1.50"),
    "decimal64": (Decimal("-1.5"), pa.decimal64(15, 6), "-1.500000"),
    "decimal128": (LONG, pa.decimal128(38, 2), "12345678901234567890.12"),
    "decimal256": (LONG, pa.decimal256(38, 2), "12345678901234567890.12"),
    "small_decimal": (Decimal("1e-9"), pa.decimal128(20, 10), "0.0000000010"),
    "wide_decimal": (Decimal("-123456789.25"), pa.decimal256(60, 4), "-123456789.25"),
    "date32": (AT.date(), pa.date32(), "2019-11-16"),
    "date64": (AT.date(), pa.date64(), "2019-11-16"),
    "time32_s": (WHOLE_SECONDS.time(), pa.time32("s"), "05:41:50"),
    "time32_ms": (AT.time(), pa.time32("ms"), "05:41:50.382"),
    "time64_us": (AT.time(), pa.time64("us"), "05:41:50.382"),
    "time64_ns": (AT.time(), pa.time64("ns"), "05:41:50.382"),
    "timestamp_s": (WHOLE_SECONDS, pa.timestamp("s"), WHOLE_SECONDS_TEXT),
    "timestamp_ms": (AT, pa.timestamp("ms"), AT_TEXT),
    "timestamp_us": (AT, pa.timestamp("us"), AT_TEXT),
    "timestamp_ns": (AT, pa.timestamp("ns"), AT_TEXT),
    "zoned_s": (WHOLE_SECONDS, pa.timestamp("s", "Asia/Kolkata"), WHOLE_SECONDS_TEXT),
    "zoned_ms": (AT, pa.timestamp("ms", "UTC"), AT_TEXT),
    "zoned_us": (AT, pa.timestamp("us", "+05:30"), AT_TEXT),
    "zoned_ns": (AT, pa.timestamp("ns", "Asia/Kolkata"), AT_TEXT),
    "duration": (timedelta(seconds=90), pa.duration("ms"), "90000"),
    "binary": (b"abc", pa.binary(), "abc"),
    "bytes": (b"\xff\0", pa.binary(), "/wA="),
    "bytes_with_nul": (b"a\0", pa.large_binary(), "YQA="),
    "fixed_binary": (b"\xff\0", pa.binary(2), "/wA="),
    "uuid": (uuid.UUID(int=5).bytes, pa.uuid(), str(uuid.UUID(int=5))),
    "list": (["a", None, '"'], pa.list_(pa.string()), '["a",null,"\\""]'),
    "empty_list": ([], pa.list_(pa.string()), "[]"),
    "large_list": ([1], pa.large_list(pa.int8()), "[1]"),
    "fixed_list": ([1, 2], pa.list_(pa.int64(), 2), "[1,2]"),
    "lists": ([[1], None, []], pa.list_(pa.list_(pa.int64())), "[[1],null,[]]"),
    "floats": (
        [0.1, float("nan"), float("inf"), None],
        pa.list_(pa.float32()),
        '[0.1,"NaN","Infinity",null]',
    ),
    "dates": ([AT.date()], pa.list_(pa.date32()), '["2019-11-16"]'),
    "zoned": ([AT], pa.list_(pa.timestamp("ns", "Asia/Kolkata")), f'["{AT_TEXT}"]'),
    "all_bytes": ([b"\xff", b"a"], pa.list_(pa.binary()), '["/w==","a"]'),
    "map": ([("a", 1), ('"', None)], pa.map_(pa.string(), pa.int64()), '{"a":1,"\\"":null}'),
    "empty_map": ([], pa.map_(pa.string(), pa.int64()), "{}"),
    "times": ([(AT, [LONG, Decimal(1)])], TIMES, f'{{"{AT_TEXT}":[{LONG},1.00]}}'),
    "struct": (
        {"a b": {"c": [AT]}, '"': None},
        pa.struct({"a b": pa.struct({"c": pa.list_(pa.timestamp("us"))}), '"': pa.bool_()}),
        f'{{"a b":{{"c":["{AT_TEXT}"]}},"\\"":null}}',
    ),
    "structs": (
        [{"id": "1", "n": 1}, None],
        pa.list_(pa.struct({"id": pa.string(), "n": pa.int64()})),
        '[{"id":"1","n":1},null]',
    ),
}
"""For each type: a value, the type, and the text that lands."""


def table_of(values: Mapping[str, tuple[Any, pa.DataType, str]]) -> pa.Table:
    """Returns a table of two rows: the values, and nulls."""
    return pa.table(
        {
            "userid": pa.array(["1", "2"]),
            **{name: column(value, kind) for name, (value, kind, _) in values.items()},
        }
    )


def column(value: Any, kind: pa.DataType) -> pa.Array:
    if isinstance(kind, pa.BaseExtensionType):
        return kind.wrap_array(pa.array([value, None], kind.storage_type))
    return pa.array([value, None], kind)


def part_of(folder: Path, table: pa.Table, **options: Any) -> Part:
    path = folder / "user.parquet"
    pq.write_table(table, path, **options)
    return Part(path, path.name)


def rows(file: ParquetFile) -> list[tuple[str | None, ...]]:
    with duckdb.connect() as duck:
        return duck.execute(file.reader_of(file.sql_path)).fetchall()


def test_every_type_lands_as_text(warehouse: Warehouse, settings: Settings, tmp_path: Path) -> None:
    """Each type is its own part, because Spark leaves a whole file to DuckDB for one such
    column."""
    user = SourceTable("user", ("userid",), ("userid",), ("userid",))
    (tmp_path / "user").mkdir()
    for name, value in VALUES.items():
        pq.write_table(table_of({name: value}), tmp_path / "user" / f"{name}.parquet")

    load(warehouse, settings, read_extract(tmp_path, [user]))

    names = ", ".join(f"max({warehouse.identifier(name)})" for name in VALUES)
    counts = ", ".join(f"count({warehouse.identifier(name)})" for name in VALUES)
    relation = warehouse.relation(settings.landing_schema, "user")
    (landed,) = warehouse.query(f"select {names} from {relation}")
    (found,) = warehouse.query(f"select {counts} from {relation}")
    assert dict(zip(VALUES, landed, strict=True)) == {
        name: text for name, (_, _, text) in VALUES.items()
    }
    assert set(found) == {1}


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
@pytest.mark.parametrize("version", ["1.0", "2.6"])
def test_every_compression_is_read(tmp_path: Path, compression: str, version: str) -> None:
    texts = [str(number) for number in range(1_000)]
    part = part_of(
        tmp_path,
        pa.table({"userid": texts}),
        compression=compression,
        version=version,
        data_page_version=version.replace(".6", ".0"),
        row_group_size=99,
    )

    assert sorted(rows(ParquetFile.open(part))) == sorted((text,) for text in texts)


@pytest.mark.parametrize("options", [{}, {"use_deprecated_int96_timestamps": True}])
def test_spark_timestamps_are_read(tmp_path: Path, options: dict[str, bool]) -> None:
    part = part_of(tmp_path, pa.table({"at": pa.array([AT], pa.timestamp("us"))}), **options)

    assert rows(ParquetFile.open(part)) == [(AT_TEXT,)]


def test_pandas_data_frames_are_read(tmp_path: Path) -> None:
    frame = pandas.DataFrame(
        {
            "userid": pandas.Categorical(["a", None]),
            "at": pandas.to_datetime([AT, None]).tz_localize("Asia/Kolkata"),
            "n": pandas.array([1, None], "Int64"),
            "o": [{"a": 1}, None],
        },
        index=["x", "y"],
    )
    frame.to_parquet(tmp_path / "user.parquet")

    file = ParquetFile.open(Part(tmp_path / "user.parquet", "user.parquet"))

    assert file.columns == ("userid", "at", "n", "o", "__index_level_0__")
    assert rows(file) == [
        ("a", "2019-11-16T00:11:50.382000Z", "1", '{"a":1}', "x"),
        (None, None, None, None, "y"),
    ]


def test_bytes_are_text_if_no_column_is_marked_as_text(tmp_path: Path) -> None:
    """Old Parquet writers marked no column as text."""
    good = part_of(tmp_path, pa.table({"userid": ["हि".encode()], "n": [1]}))
    assert rows(ParquetFile.open(good)) == [("हि", "1")]

    file = ParquetFile.open(part_of(tmp_path, pa.table({"userid": [b"\xff"]})))
    with pytest.raises(duckdb.Error) as raised:
        rows(file)
    assert file.fault(raised.value).message == "user.parquet: a text value is not UTF-8."


@pytest.mark.parametrize("table", [pa.table({"userid": pa.array([], pa.string())}), pa.table({})])
def test_a_file_without_rows_is_an_empty_table(tmp_path: Path, table: pa.Table) -> None:
    file = ParquetFile.open(part_of(tmp_path, table))

    assert file.columns == tuple(table.column_names)
    assert not file.columns or rows(file) == []


def test_empty_row_groups_are_skipped(tmp_path: Path) -> None:
    table = pa.table({"userid": ["1"]})
    with pq.ParquetWriter(tmp_path / "user.parquet", table.schema) as writer:
        for piece in (table.slice(1), table, table.slice(1), table):
            writer.write_table(piece)

    file = ParquetFile.open(Part(tmp_path / "user.parquet", "user.parquet"))

    assert rows(file) == [("1",), ("1",)]


@pytest.mark.parametrize("names", [("userid", "userid"), ("userid", "UserId")])
def test_duplicate_columns_are_named(tmp_path: Path, names: tuple[str, str]) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=list(names))

    with pytest.raises(DataError, match=r"user\.parquet: the column `userid` appears twice"):
        ParquetFile.open(part_of(tmp_path, table))


def test_duplicate_fields_are_named(tmp_path: Path) -> None:
    """DuckDB would rename the second field."""
    table = pa.table({"x": pa.array([[{"a": 1, "A": 2}]])})

    with pytest.raises(DataError, match="the column `x` has the field `a` twice"):
        ParquetFile.open(part_of(tmp_path, table))


def read(part: Part) -> None:
    file = ParquetFile.open(part)
    try:
        rows(file)
    except duckdb.Error as error:
        raise file.fault(error) from error


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (Decimal("123456789012.12345"), pa.decimal256(50, 5)),
        (Decimal("1e-30"), pa.decimal256(50, 30)),
        ([Decimal(1)], pa.list_(pa.decimal256(50, 2))),
    ],
)
def test_decimals_that_would_lose_digits_are_refused(
    tmp_path: Path, value: object, kind: pa.DataType
) -> None:
    part = part_of(tmp_path, pa.table({"n": pa.array([value], kind)}))

    with pytest.raises(DataError, match="the decimals in column `n` have more than 38 digits"):
        read(part)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"", "invalid Parquet file: it is damaged or truncated"),
        (lambda data: data[:-1], "invalid Parquet file: it is damaged or truncated"),
        (lambda data: data[: len(data) // 2], "invalid Parquet file: it is damaged or truncated"),
        (lambda data: b"userid\n1\n", "invalid Parquet file: it is damaged or truncated"),
        (lambda data: data[:-4] + b"PARE", "the file is encrypted"),
        (lambda data: data[:-8] + b"\xff\xff\xff\x7fPAR1", "cannot load the file"),
        (
            lambda data: data[:-8].replace(b"userid", b"\xff\0\0\0\0\0") + data[-8:],
            "cannot load the file",
        ),
    ],
)
def test_a_damaged_file_is_refused(
    tmp_path: Path, damage: Callable[[bytes], bytes], message: str
) -> None:
    part = part_of(tmp_path, pa.table({"userid": ["1"]}))
    part.path.write_bytes(damage(part.path.read_bytes()))

    with pytest.raises(DataError, match=rf"user\.parquet: {message}") as raised:
        ParquetFile.open(part)

    assert raised.value.hint


def test_many_parts_are_opened_with_one_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = []
    for number in range(3):
        pq.write_table(pa.table({"userid": [str(number)]}), tmp_path / f"{number}.parquet")
        parts.append(Part(tmp_path / f"{number}.parquet", f"{number}.parquet"))
    opened = []
    connect = duckdb.connect

    def counted() -> duckdb.DuckDBPyConnection:
        opened.append(1)
        return connect()

    monkeypatch.setattr("duckdb.connect", counted)

    assert [file.part for file in open_parquet_files(parts)] == parts
    assert len(opened) == 1


def test_a_value_that_is_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_file, "MAX_RECORD_BYTES", 100)
    pq.write_table(pa.table({"a": ["x" * 100, "x" * 101]}), tmp_path / "x.parquet")
    file = ParquetFile.open(Part(tmp_path / "x.parquet", "x.parquet"))

    with pytest.raises(duckdb.Error) as error:
        duckdb.execute(file.reader_of(file.sql_path)).fetchall()

    assert "x.parquet: a value in column `a` is longer" in file.fault(error.value).message
