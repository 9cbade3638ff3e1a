"""Writes JSON and Parquet."""

import io
import json
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from writers.delimited import as_json, dsbulk_cell
from writers.tables import USER_TYPES, Table, Value, conforms


def json_lines(table: Table) -> bytes:
    """Returns the output of `dsbulk unload -c json`: one object per line."""
    return "".join(f"{line}\n" for line in _objects(table)).encode("utf-8", "surrogatepass")


def json_array(table: Table) -> bytes:
    """Returns one array of all objects, as other tools write it."""
    return ("[" + ",\n".join(_objects(table)) + "]\n").encode("utf-8", "surrogatepass")


def _objects(table: Table) -> list[str]:
    return [
        json.dumps(
            {name: as_json(value) for name, value in zip(table.columns, row, strict=True)},
            ensure_ascii=False,
            separators=(",", ":"),
        )
        for row in table.rows
    ]


def parquet_bytes(table: Table) -> bytes:
    """Returns Parquet with the types of the columns; a column with other values becomes text."""
    columns = list(zip(*table.rows, strict=True)) or [() for _ in table.types]
    arrays = [
        _array(values, kind) for values, kind in zip(columns, table.types.values(), strict=True)
    ]
    stream = io.BytesIO()
    parquet.write_table(pa.table(arrays, names=table.columns), stream)
    return stream.getvalue()


def _array(values: tuple[Value, ...], kind: str) -> pa.Array:
    if all(conforms(value, kind) or value in ({}, []) for value in values):
        return pa.array([_plain(value) for value in values], arrow_type(kind))
    return pa.array([dsbulk_cell(value) for value in values], pa.string())


def _plain(value: Value) -> Any:
    """Returns a value for pyarrow, with maps as lists of pairs."""
    if isinstance(value, dict):
        return [(key, _plain(inner)) for key, inner in value.items()]
    if isinstance(value, tuple):
        return {name: _plain(inner) for name, inner in value._asdict().items()}  # type: ignore[attr-defined]
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


SCALARS = {
    "text": pa.string(),
    "int": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("ms", tz="UTC"),
    "decimal": pa.decimal128(38, 6),
}


def arrow_type(kind: str) -> pa.DataType:
    """Returns the Arrow type of a CQL type."""
    outer, _, inner = kind.removesuffix(">").partition("<")
    if outer == "frozen":
        return arrow_type(inner)
    if outer == "list":
        return pa.list_(arrow_type(inner))
    if outer == "map":
        key, _, value = inner.partition(", ")
        return pa.map_(arrow_type(key), arrow_type(value))
    if outer in USER_TYPES:
        return pa.struct([(name, arrow_type(of)) for name, of in USER_TYPES[outer].items()])
    return SCALARS[outer]
