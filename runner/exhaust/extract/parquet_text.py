"""Converts Parquet values to text in DuckDB's SQL, as dsbulk would write them in JSON."""

from typing import Any

from duckdb.sqltypes import DuckDBPyType

from exhaust.extract.data_file import identifier
from exhaust.extract.part import literal

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
"""How Sunbird writes times, in UTC."""
JSON_LITERALS = {
    *("tinyint", "smallint", "integer", "bigint", "hugeint"),
    *("utinyint", "usmallint", "uinteger", "ubigint", "uhugeint"),
    *("boolean", "decimal"),
}
"""Types whose text is valid JSON."""


def text(value: str, kind: DuckDBPyType) -> str:
    """Returns SQL of the text of a value.

    Lists, structs and maps become JSON; times take Sunbird's format, in UTC. Values that are not
    numbers become `NaN`, `Infinity` or `-Infinity`. Bytes that are not UTF-8 become base64.
    """
    match kind.id:
        case "list" | "array" | "struct" | "map":
            return _json(value, kind, 0)
        case "float" | "double":
            return (
                f"case when isnan({value}) then 'NaN' when isinf({value}) "
                f"then if({value} > 0, 'Infinity', '-Infinity') else {value}::varchar end"
            )
        case "blob":
            decoded = f"try(decode({value}))"
            return (
                f"case when not contains({decoded}, chr(0)) then {decoded} else base64({value}) end"
            )
        case _ if "WITH TIME ZONE" in str(kind) or str(kind).startswith("TIMESTAMPTZ"):
            return _time(f"({value}::timestamptz at time zone 'UTC')")
        case _ if str(kind).startswith("TIMESTAMP"):
            return _time(f"{value}::timestamp")
        case _:
            return f"{value}::varchar"


def _time(value: str) -> str:
    return f"strftime({value}, {literal(TIME_FORMAT)})"


def _json(value: str, kind: DuckDBPyType, depth: int) -> str:
    """Returns SQL of the JSON of a value; null if the value is null."""
    children: dict[str, Any] = dict(kind.children) if kind.id in CONTAINERS else {}
    entry = f"entry_{depth}"
    match kind.id:
        case "list" | "array":
            each = _or_null(_json(entry, children["child"], depth + 1))
            return f"'[' || {_joined(value, entry, each)} || ']'"
        case "map":
            key = _quoted(text(f"{entry}.key", children["key"]))
            each = _or_null(_json(f"{entry}.value", children["value"], depth + 1))
            pairs = _joined(f"map_entries({value})", entry, f"{key} || ':' || {each}")
            return f"'{{' || {pairs} || '}}'"
        case "struct":
            fields = " || ',' || ".join(
                f"{_quoted(literal(name))} || ':' || "
                + _or_null(_json(f"{value}.{identifier(name)}", child, depth + 1))
                for name, child in children.items()
            )
            return f"case when {value} is not null then '{{' || {fields} || '}}' end"
        case "float" | "double":
            return f"if(isfinite({value}), {value}::varchar, {_quoted(text(value, kind))})"
        case number if number in JSON_LITERALS:
            return f"{value}::varchar"
        case _:
            return _quoted(text(value, kind))


CONTAINERS = {"list", "array", "map", "struct"}


def _joined(values: str, entry: str, each: str) -> str:
    return f"array_to_string(list_transform({values}, lambda {entry}: {each}), ',')"


def _quoted(value: str) -> str:
    return f"to_json({value})::varchar"


def _or_null(value: str) -> str:
    return f"coalesce({value}, 'null')"
