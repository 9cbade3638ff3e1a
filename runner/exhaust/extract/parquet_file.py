"""A Parquet file of an extract."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import duckdb

from exhaust.errors import DataError
from exhaust.extract.data_file import (
    identifier,
    landed,
    text_fault,
    unknown_fault,
    without_nul,
)
from exhaust.extract.faults import UTF8_PROBLEM, first_twice
from exhaust.extract.parquet_text import text
from exhaust.extract.part import Part, literal

MAGIC = b"PAR1"
"""What a Parquet file begins and ends with."""
ENCRYPTED = b"PARE"
MAX_DIGITS = 38
"""Of a decimal of DuckDB. It reads those of more as floating-point numbers."""
EXACT_DIGITS = 15
"""Of a decimal that a floating-point number holds exactly."""
MAX_DECIMALS = 22
"""Decimal places up to which the power of ten is exact, too."""
DIGITS_FOUND = "digits in column "


@dataclass(frozen=True)
class ParquetFile:
    part: Part
    columns: tuple[str, ...]
    types: tuple[tuple[str, str], ...] = field(repr=False)
    """The names of the columns in the file, and DuckDB's types of them."""
    texts: tuple[str, ...] = field(repr=False)
    """SQL of the columns' texts."""
    is_old: bool = False
    """Whether the file marks no text as such: then its bytes are text."""

    @classmethod
    def open(cls, part: Part) -> "ParquetFile":
        """Reads the schema of one file."""
        (file,) = open_parquet_files([part])
        return file

    @property
    def opened(self) -> str:
        return self.part.pattern

    @property
    def form(self) -> object:
        return (self.types, self.texts, self.is_old)

    def reader_of(self, paths: str) -> str:
        return without_nul(
            zip(self.columns, self.texts, strict=True), _parquet(paths, is_old=self.is_old)
        )

    def check(self, rows: int) -> None:
        """A Parquet file says how many it has."""

    def fault(self, error: duckdb.Error) -> DataError:
        message = str(error)
        if fault := text_fault(self.part, error):
            return fault
        if "not valid UTF8" in message:
            return self.part.error("there is text that is not UTF-8", UTF8_PROBLEM[1])
        if DIGITS_FOUND in message:
            column = message.partition(DIGITS_FOUND)[2].splitlines()[0]
            return _too_many_digits(self.part, column)
        return unknown_fault(self.part, error)


def open_parquet_files(parts: Sequence[Part]) -> list[ParquetFile]:
    """Reads the schemas of Parquet files.

    Raises DataError for the first that cannot be read, or whose columns cannot land.
    """
    with duckdb.connect() as duck:
        return [_opened(duck, part) for part in parts]


@dataclass(frozen=True)
class _Element:
    """A column of a schema, or an entry of one."""

    name: str
    is_text: bool
    precision: int
    scale: int
    children: tuple["_Element", ...]

    def inner(self) -> Iterator["_Element"]:
        for child in self.children:
            yield child
            yield from child.inner()


def _opened(duck: duckdb.DuckDBPyConnection, part: Part) -> ParquetFile:
    _check_ends(part)
    try:
        schema = _schema(duck, part)
        is_old = not any(element.is_text for element in schema.inner())
        relation = duck.sql(f"from {_parquet(part.pattern, is_old=is_old)}")
    except duckdb.Error as error:
        if "at least one non-root column" in str(error):
            return ParquetFile(part, (), (), ())
        raise unknown_fault(part, error) from error
    columns = landed(part, [element.name for element in schema.children])
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
        is_old,
    )


def _check_ends(part: Part) -> None:
    with part.open() as stream:
        begin = stream.read(len(MAGIC))
        stream.seek(max(part.size - len(MAGIC), 0))
        end = stream.read()
    if ENCRYPTED in (begin, end):
        raise part.error("this is encrypted", "Write it without encryption.")
    if (begin, end) != (MAGIC, MAGIC):
        raise part.error(
            "this is not a whole Parquet file: it is damaged or cut short",
            "Copy it again from where it was written.",
        )


def _schema(duck: duckdb.DuckDBPyConnection, part: Part) -> _Element:
    rows = duck.execute(
        "select name, num_children, type, logical_type, converted_type, precision, scale "
        f"from parquet_schema({part.pattern})"
    ).fetchall()
    elements = iter(rows)

    def take() -> _Element:
        """The next element, with those that follow it as its children."""
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
    """Raises DataError for what DuckDB would read in a column with other names or other digits."""
    for element in [column, *column.inner()]:
        names = [child.name.lower() for child in element.children]
        if twice := first_twice(names):
            raise part.error(
                f"the column `{column.name}` has the field `{twice}` twice, in one spelling or two",
                "Keep one of them.",
            )
    if any(element.precision > MAX_DIGITS for element in column.inner()):
        raise _too_many_digits(part, column.name)


def _checked_digits(column: _Element, text: str) -> str:
    if column.precision <= MAX_DIGITS:
        return text
    name = identifier(column.name)
    limit = 10.0 ** (EXACT_DIGITS - column.scale) if column.scale <= MAX_DECIMALS else 0
    return (
        f"case when abs({name}) >= {limit!r} then error({literal(DIGITS_FOUND + column.name)}) "
        f"else {text} end"
    )


def _too_many_digits(part: Part, column: str) -> DataError:
    return part.error(
        f"the decimals of the column `{column}` have more than {MAX_DIGITS} digits",
        "Write them as text, or as decimals of fewer digits.",
    )


def _parquet(paths: str, *, is_old: bool) -> str:
    return (
        f"read_parquet([{paths}], binary_as_string = {str(is_old).lower()}, "
        "hive_partitioning = false)"
    )
