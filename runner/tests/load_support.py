"""Helpers for the tests of loads: tables, CSV writers, and a load."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from exhaust.extract.folder import read_extract
from exhaust.pipeline.load import LoadReport, load
from exhaust.project.settings import Settings
from exhaust.project.sources import SourceTable
from exhaust.warehouse import Warehouse

USER = SourceTable("user", ("userid", "name", "framework"), ("userid",), ("userid",))
ENROLMENTS = SourceTable(
    "user_enrolments", ("userid", "datetime"), ("userid",), ("userid",), newest="datetime"
)
LOCATION = SourceTable("location", ("id", "name"), ("id",), ("id",))
Value = str | None
Writer = Callable[[Value], str]


def land(warehouse: Warehouse, settings: Settings, folder: Path) -> LoadReport:
    extract = read_extract(folder, [USER, LOCATION, ENROLMENTS])
    return load(warehouse, settings, extract)


def rows(
    warehouse: Warehouse, settings: Settings, table: str, *columns: str
) -> list[tuple[Any, ...]]:
    names = ", ".join(map(warehouse.identifier, columns))
    found = warehouse.query(
        f"select {names} from {warehouse.relation(settings.landing_schema, table)}"
    )
    return sorted(found, key=repr)


TRICKY_ROWS = [
    ("001", None),
    ("002", ""),
    ("003", " blank "),
    ("004", 'say "hi"'),
    ("005", "\\"),
    ("006", 'c:\\dir\\"x",'),
    ("007", "two\nlines\r\nthree\rfour"),
    ("008", "हिन्दी தமிழ் 😀"),
    ("009", "'; drop table x; --"),
    ("010", '{"a":{"b":"say \\"hi\\" \\n"}}'),
    ("011", "NULL"),
    ("012", "\\N"),
    ("013", "{{ 7 * 7 }}%s#"),
    ("0130748176837836811", "\\."),
    ("015", ",\n,"),
    ("016", '"'),
    ("017", "\t"),
]


def dsbulk_field(value: Value) -> str:
    if value is None:
        return ""
    if value and not set(value) & set(',"\n\r'):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def rfc4180_field(value: Value) -> str:
    if value is None:
        return ""
    if value and not set(value) & set(',"\n\r'):
        return value
    return '"' + value.replace('"', '""') + '"'


def csv_of(table: Sequence[tuple[Value, ...]], write: Writer, end: str = "\n") -> bytes:
    lines = ["userid,name", *(",".join(map(write, row)) for row in table)]
    return "".join(line + end for line in lines).encode()
