"""A Parquet file of an extract."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import duckdb

from exhaust.errors import DataError
from exhaust.extract.data_file import (
    checked_select,
    identifier,
    landed_names,
    text_fault,
    unknown_fault,
)
from exhaust.extract.faults import UTF8_PROBLEM, first_duplicate
from exhaust.extract.parquet_text import text
from exhaust.extract.part import Part, literal

MAGIC = b"PAR1"
"""The first and last bytes of a Parquet file."""
ENCRYPTED = b"PARE"
MAX_DECIMAL_DIGITS = 38
"""Digits of a decimal in DuckDB, which reads longer ones as floating-point numbers."""
MAX_DOUBLE_DIGITS = 15
"""Digits of a decimal that a floating-point number holds exactly."""
MAX_DOUBLE_SCALE = 22
"""Decimal places up to which the power of ten is exact too."""
TOO_MANY_DIGITS = "digits in column "


@dataclass(frozen=True)
class ParquetFile:
    """A Parquet file whose schema is known."""

    part: Part
    columns: tuple[str, ...]
    types: tuple[tuple[str, str], ...] = field(repr=False)
    """The names of the columns as spelled in the file, with their DuckDB types."""
    texts: tuple[str, ...] = field(repr=False)
    """SQL of the text of each column."""
    binary_as_string: bool = False
    """Whether the file marks no column as text, as old writers did. Bytes are then text."""

    @classmethod
    def open(cls, part: Part) -> "ParquetFile":
        """Reads the schema of one file."""
        (file,) = open_parquet_files([part])
        return file

    @property
    def sql_path(self) -> str:
        return self.part.sql_path

    @property
    def group_key(self) -> object:
        return (self.types, self.texts, self.binary_as_string)

    def reader_of(self, paths: str) -> str:
        return checked_select(
            zip(self.columns, self.texts, strict=True),
            _parquet(paths, binary_as_string=self.binary_as_string),
        )

    def check(self, rows: int) -> None:
        """Does nothing: a Parquet file states its number of rows."""

    def fault(self, error: duckdb.Error) -> DataError:
        message = str(error)
        if fault := text_fault(self.part, error):
            return fault
        if "not valid UTF8" in message:
            return self.part.error("a text value is not UTF-8", UTF8_PROBLEM[1])
        if TOO_MANY_DIGITS in message:
            column = message.partition(TOO_MANY_DIGITS)[2].splitlines()[0]
            return _too_many_digits(self.part, column)
        return unknown_fault(self.part, error)


def open_parquet_files(parts: Sequence[Part]) -> list[ParquetFile]:
    """Reads the schemas of Parquet files.

    Raises DataError for the first file that cannot be read or has columns that cannot land.
    """
    with duckdb.connect() as duck:
        return [_open(duck, part) for part in parts]


@dataclass(frozen=True)
class _Element:
    """A column of a schema, or an element nested in one."""

    name: str
    is_text: bool
    precision: int
    scale: int
    children: tuple["_Element", ...]

    def descendants(self) -> Iterator["_Element"]:
        for child in self.children:
            yield child
            yield from child.descendants()


def _open(duck: duckdb.DuckDBPyConnection, part: Part) -> ParquetFile:
    _check_ends(part)
    try:
        schema = _schema(duck, part)
        binary_as_string = not any(element.is_text for element in schema.descendants())
        relation = duck.sql(f"from {_parquet(part.sql_path, binary_as_string=binary_as_string)}")
    except duckdb.Error as error:
        if "at least one non-root column" in str(error):
            return ParquetFile(part, (), (), ())
        raise unknown_fault(part, error) from error
    columns = landed_names(part, [element.name for element in schema.children])
    for element in schema.children:
        _check_inner(part, element)
    return ParquetFile(
        part,
        columns,
        tuple(
            (name, str(kind)) for name, kind in zip(relation.columns, relation.types, strict=True)
        ),
        tuple(
            _checked_digits(element, text(identifier(element.name), kind))
            for element, kind in zip(schema.children, relation.types, strict=True)
        ),
        binary_as_string,
    )


def _check_ends(part: Part) -> None:
    with part.open() as stream:
        begin = stream.read(len(MAGIC))
        stream.seek(max(part.size - len(MAGIC), 0))
        end = stream.read()
    if ENCRYPTED in (begin, end):
        raise part.error("the file is encrypted", "Write it without encryption.")
    if (begin, end) != (MAGIC, MAGIC):
        raise part.error(
            "invalid Parquet file: it is damaged or truncated",
            "Copy it again from the source.",
        )


def _schema(duck: duckdb.DuckDBPyConnection, part: Part) -> _Element:
    rows = duck.execute(
        "select name, num_children, type, logical_type, converted_type, precision, scale "
        f"from parquet_schema({part.sql_path})"
    ).fetchall()
    elements = iter(rows)

    def take() -> _Element:
        """Returns the next element, with the elements after it as its children."""
        name, children, kind, logical, converted, precision, scale = next(elements)
        return _Element(
            name,
            kind == "BYTE_ARRAY" and (logical or converted) is not None,
            precision or 0,
            scale or 0,
            tuple(take() for _ in range(children or 0)),
        )

    return take()


def _check_inner(part: Part, column: _Element) -> None:
    """Raises DataError for a column with fields that DuckDB would rename or decimals it would
    round."""
    for element in [column, *column.descendants()]:
        names = [child.name.lower() for child in element.children]
        if duplicate := first_duplicate(names):
            raise part.error(
                f"the column `{column.name}` has the field `{duplicate}` twice, ignoring case",
                "Keep one of them.",
            )
    if any(element.precision > MAX_DECIMAL_DIGITS for element in column.descendants()):
        raise _too_many_digits(part, column.name)


def _checked_digits(column: _Element, text: str) -> str:
    if column.precision <= MAX_DECIMAL_DIGITS:
        return text
    name = identifier(column.name)
    limit = 10.0 ** (MAX_DOUBLE_DIGITS - column.scale) if column.scale <= MAX_DOUBLE_SCALE else 0
    return (
        f"case when abs({name}) >= {limit!r} then error({literal(TOO_MANY_DIGITS + column.name)}) "
        f"else {text} end"
    )


def _too_many_digits(part: Part, column: str) -> DataError:
    return part.error(
        f"the decimals in column `{column}` have more than {MAX_DECIMAL_DIGITS} digits",
        "Write them as text, or as decimals with fewer digits.",
    )


def _parquet(paths: str, *, binary_as_string: bool) -> str:
    return (
        f"read_parquet([{paths}], binary_as_string = {str(binary_as_string).lower()}, "
        "hive_partitioning = false)"
    )
