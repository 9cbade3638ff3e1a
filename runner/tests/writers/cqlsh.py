"""Writes the CSV of `cqlsh COPY TO` with cqlsh's own formatter."""

import csv
import io
from types import SimpleNamespace
from typing import Any

from cqlshlib.copyutil import ExportProcess
from cqlshlib.formatting import CqlType, DateTimeFormat
from cqlshlib.util import UTC

from writers.driver import driver_value
from writers.tables import USER_TYPES, Table

DIALECT: dict[str, Any] = {
    "delimiter": ",",
    "quotechar": '"',
    "escapechar": "\\",
    "doublequote": False,
}
LINE_END = "\r\n"

KEYSPACE = SimpleNamespace(
    user_types={
        name: SimpleNamespace(field_types=list(fields.values()))
        for name, fields in USER_TYPES.items()
    }
)


def cqlsh_csv(table: Table) -> bytes:
    """Returns the output of `cqlsh COPY TO … WITH HEADER = true` under Python 3.10 or later.

    Its csv module escapes backslashes.
    """
    stream = io.StringIO(newline="")
    csv.writer(stream, **DIALECT).writerows(_formatted(table))
    return stream.getvalue().encode("utf-8", "surrogatepass")


def old_cqlsh_csv(table: Table) -> bytes:
    """Returns the same under a Python before 3.10, whose csv module does not escape backslashes."""
    lines = (",".join(map(_old_field, row)) + LINE_END for row in _formatted(table))
    return "".join(lines).encode("utf-8", "surrogatepass")


def cqlsh_double(value: float) -> float:
    """Returns a double with the 12 digits that cqlsh writes."""
    return float(ExportProcess.format_value(_process(), value, CqlType("double")))


def _formatted(table: Table) -> list[list[str]]:
    """Returns the header and the rows as cqlsh passes them to the csv module."""
    types = [CqlType(kind, KEYSPACE) for kind in table.types.values()]
    process = _process()
    rows = [table.columns]
    for row in table.rows:
        values = map(driver_value, row)
        rows.append(
            [
                ExportProcess.format_value(process, value, TEXT if isinstance(value, str) else kind)
                for value, kind in zip(values, types, strict=True)
            ]
        )
    return rows


TEXT = CqlType("text")


def _process() -> SimpleNamespace:
    """Returns what ExportProcess takes from the options of COPY, with their defaults."""
    return SimpleNamespace(
        formatters={},
        nullval="",
        float_precision=5,
        double_precision=12,
        encoding="utf8",
        date_time_format=DateTimeFormat(timezone=UTC(), milliseconds_only=True),
        decimal_sep=".",
        thousands_sep="",
        boolean_styles=["True", "False"],
    )


def _old_field(cell: str) -> str:
    """Returns a field as CPython 3.9's csv module writes it (join_append_data in Modules/_csv.c).

    A quote is escaped but does not cause quoting. A delimiter, a line end or a backslash causes
    quoting but is not escaped.
    """
    text = cell.replace('"', '\\"')
    return f'"{text}"' if set(cell) & set(",\\\r\n") else text
