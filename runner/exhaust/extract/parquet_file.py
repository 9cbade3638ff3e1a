"""A Parquet file of an extract."""

from dataclasses import dataclass, field

import duckdb

from exhaust.errors import Unfit
from exhaust.extract.data_file import (
    NUL_FOUND,
    identifier,
    landed,
    query,
    unknown_fault,
    without_nul,
)
from exhaust.extract.faults import NUL_PROBLEM
from exhaust.extract.part import Part


@dataclass(frozen=True)
class ParquetFile:
    part: Part
    columns: tuple[str, ...]
    types: tuple[tuple[str, str], ...] = field(repr=False)
    """The names of the columns in the file, and DuckDB's types of them."""

    @classmethod
    def open(cls, part: Part) -> "ParquetFile":
        """Reads the schema of a Parquet file."""
        part.check()
        try:
            types = query(
                f"select column_name, column_type from (describe from {_parquet(part.pattern)})"
            )
        except duckdb.Error as error:
            raise unknown_fault(part, error) from error
        return cls(part, landed(part, [name for name, _ in types]), tuple(types))

    @property
    def opened(self) -> str:
        return self.part.pattern

    @property
    def form(self) -> object:
        return self.types

    def reader_of(self, paths: str) -> str:
        texts = ((name, _parquet_text(identifier(name), kind)) for name, kind in self.types)
        return without_nul(texts, _parquet(paths))

    def check(self, rows: int) -> None:
        """A Parquet file says how many it has."""

    def fault(self, error: duckdb.Error) -> Unfit:
        if NUL_FOUND in str(error):
            return self.part.unfit(*NUL_PROBLEM)
        return unknown_fault(self.part, error)


def _parquet(paths: str) -> str:
    # Old writers mark text as bytes.
    return f"read_parquet([{paths}], binary_as_string = true, hive_partitioning = false)"


def _parquet_text(column: str, kind: str) -> str:
    """Lists and maps become JSON; timestamps take the form that Sunbird gives them, in UTC."""
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP")):
        return f"to_json({column})::varchar"
    if kind == "TIMESTAMP WITH TIME ZONE":
        column = f"({column} at time zone 'UTC')"
    if kind.startswith("TIMESTAMP"):
        return f"strftime({column}::timestamp, '%Y-%m-%dT%H:%M:%S.%fZ')"
    return f"{column}::varchar"
