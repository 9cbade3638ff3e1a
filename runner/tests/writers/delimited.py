"""Writes CSV as dsbulk and other tools do."""

import csv
import io
import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from writers.driver import driver_value
from writers.tables import Table, Value, instant

SPECIAL = set(',"\n\r')


def dsbulk_csv(table: Table) -> bytes:
    """Returns the output of `dsbulk unload -c csv`: backslash escapes, LF, null as an empty
    field."""
    return _lines(table, "\\")


def rfc_csv(table: Table) -> bytes:
    """Returns RFC 4180 with LF: doubled quotes, null as an empty field, the empty text as `""`."""
    return _lines(table, '"')


def dsbulk_cell(value: Value) -> str | None:
    """Returns what dsbulk writes for a value, before quoting; None for an empty field."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, float):
        return java_double(value)
    if isinstance(value, dict | list):
        return json.dumps(as_json(value), ensure_ascii=False, separators=(",", ":"))
    return str(value)


def as_json(value: Value) -> Any:
    """Returns a value as dsbulk nests it in JSON."""
    if isinstance(value, tuple):
        return {name: as_json(inner) for name, inner in value._asdict().items()}  # type: ignore[attr-defined]
    if isinstance(value, dict):
        return {key: as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float) and value - value != 0:
        # Jackson writes NaN and infinities as text, because JSON has no such numbers.
        return java_double(value)
    return value


def java_double(value: float) -> str:
    """Returns a double as Java's Double.toString writes it."""
    text = repr(value)
    if "n" in text:
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[text]
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return text
    digits, _, exponent = f"{Decimal(text):E}".partition("E")
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}"


def _lines(table: Table, escape: str) -> bytes:
    lines = [",".join(_quoted(name, escape) for name in table.columns)]
    lines += [",".join(_quoted(dsbulk_cell(value), escape) for value in row) for row in table.rows]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")


def _quoted(cell: str | None, escape: str) -> str:
    if cell is None:
        return ""
    if cell and not SPECIAL & set(cell):
        return cell
    if escape == "\\":
        cell = cell.replace("\\", "\\\\")
    return '"' + cell.replace('"', f'{escape}"') + '"'


def backup_csv(table: Table) -> bytes:
    """Returns the backup of Sunbird's successor: Python's csv.writer over the driver's values."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(table.columns)
    for row in table.rows:
        writer.writerow(map(driver_value, row))
    return stream.getvalue().encode("utf-8", "surrogatepass")
