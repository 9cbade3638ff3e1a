"""CSV by RFC 4180, in UTF-8 with LF: the engine writes the rows, this module the header."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from exhaust.reports.table import Advance, Rows


def write_csv(rows: "Rows", file: BinaryIO, advance: "Advance") -> None:
    """Writes the rows of the embedded DuckDB as the engine of a warehouse would."""
    from exhaust.warehouse.pipe import copy_through_pipe

    def write(data: bytes) -> None:
        file.write(data)
        advance(data.count(b"\n"))

    file.write(csv_line([column.header for column in rows.columns]))
    names = ", ".join(column.name for column in rows.columns)
    copy_through_pipe(rows.duck, f"select {names} from {rows.relation}", write)


def csv_line(values: Sequence[str]) -> bytes:
    """Returns a line of CSV; a value is quoted only if it has to be."""
    return (",".join(map(_field, values)) + "\n").encode()


def _field(text: str) -> str:
    if any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
