"""How Spark reads the files of an extract: line by line, in parallel, to the same values as DuckDB.

DuckDB reads the files that are not plain enough for that, and reports their faults: CSV with line
breaks in values, which cannot be split; blanks around quotes and bytes that are not UTF-8; Parquet
of unusual types; and all JSON, because each engine writes its numbers differently. Spark takes
these from Parquet files of text. So each folder loads, or fails, as on the other engines.
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from exhaust.extract.csv_file import CsvFile
from exhaust.extract.data_file import READER
from exhaust.extract.json_file import JsonFile
from exhaust.extract.landing import LandedFile, LandedFiles, group_files
from exhaust.extract.limits import MAX_ENTRIES, MAX_RECORD_BYTES
from exhaust.extract.parquet_file import ParquetFile
from exhaust.extract.part import Part
from exhaust.leftovers import removed_at_the_end
from exhaust.project import sql

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.types import DataType

    Read = Callable[[SparkSession, Sequence[str]], DataFrame]
    """From paths to the texts of the files' columns."""

BOM = "\ufeff"
NOT_PLAIN = "DuckDB reads this"


class NotPlain(Exception):
    """Not every file of a group is plain."""


def insert(session: "SparkSession", relation: str, groups: Sequence[LandedFiles]) -> int:
    """Appends what is in the files to an empty table; returns the rows.

    Raises DataError that names the file, and where it is known the line, if one cannot be read.
    """
    files = [file for group in groups for file in group.files]
    plain = [file for file in files if _seems_plain(file)]
    try:
        rows = _insert_plain(session, relation, plain)
    except _failures():
        # Only looking at each file tells which one it was; this is rare.
        found = [file for file in plain if _is_plain(session, file)]
        if len(found) == len(plain):
            raise
        plain = found
        session.sql(f"truncate table {relation}")
        rows = _insert_plain(session, relation, plain)
    rest = group_files(file for file in files if file not in set(plain))
    return rows + sum(_insert_by_duckdb(session, relation, group) for group in rest)


def _insert_plain(session: "SparkSession", relation: str, files: Sequence[LandedFile]) -> int:
    """Files of one form are read together."""
    groups: dict[Any, list[LandedFile]] = {}
    for file in files:
        groups.setdefault(_form(file), []).append(file)
    for group in groups.values():
        _append(relation, _texts(session, group))
    rows = session.table(relation).count() if files else 0
    _check(rows, files)
    return rows


def _is_plain(session: "SparkSession", file: LandedFile) -> bool:
    from pyspark.sql import functions as F

    try:
        texts = _texts(session, [file])
        all_values = F.bit_xor(F.xxhash64(*texts.columns))
        ((rows, _),) = texts.agg(F.count("*"), all_values).collect()
        _check(rows, [file])
    except _failures():
        return False
    return True


def _failures() -> tuple[type[Exception], ...]:
    """Returns what is raised if a file is not plain."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    return (PySparkException, Py4JJavaError, NotPlain)


def _check(rows: int, files: Iterable[LandedFile]) -> None:
    """Raises NotPlain if lines were dropped that may be rows: blank ones, or like the header."""
    inner = [file.file for file in files]
    if all(isinstance(file, CsvFile) for file in inner):
        lines = sum(file.lines - 1 for file in inner if isinstance(file, CsvFile) and file.lines)
        if rows != lines:
            raise NotPlain


def _insert_by_duckdb(session: "SparkSession", relation: str, files: LandedFiles) -> int:
    folder = Path(tempfile.mkdtemp(prefix="exhaust-"))
    with removed_at_the_end(folder):
        path = f"{folder}/texts.parquet"
        with duckdb.connect(config=READER) as duck:
            duck.execute("set TimeZone = 'UTC'")
            try:
                counted = duck.execute(
                    f"copy ({files.reader}) to {sql.literal(path, 'duckdb')} (format parquet)"
                ).fetchone()
            except duckdb.Error as error:
                raise files.fault(error) from error
            except RuntimeError as error:
                # DuckDB raises this on Ctrl-C.
                raise KeyboardInterrupt from error
        rows = int(counted[0]) if counted else 0
        files.check(rows)
        _append(relation, session.read.parquet(f"file:{path}").toDF(*files.columns))
        return rows


def _append(relation: str, texts: "DataFrame") -> None:
    from pyspark.sql import functions as F

    there = set(texts.columns)
    texts.select(
        *(
            _column(name) if name in there else F.lit(None).cast("string").alias(name)
            for name in texts.sparkSession.table(relation).columns
        )
    ).write.insertInto(relation)


def _column(name: str) -> "Column":
    from pyspark.sql import functions as F

    return F.col(sql.identifier(name, "spark"))


def _seems_plain(file: LandedFile) -> bool:
    name = file.part.path.name
    # Spark skips files that it takes for hidden, and unpacks only what ends in `.gz`.
    if name.startswith(("_", ".")) or (file.part.ending.endswith(".gz") and name[-3:] != ".gz"):
        return False
    inner = file.file
    if file.part.spool or file.has_filled_columns or isinstance(inner, JsonFile):
        return False
    return not isinstance(inner, CsvFile) or (inner.lines is not None and inner.copy is None)


def _form(file: LandedFile) -> tuple[object, ...]:
    """Returns what files that can be read together have in common."""
    inner = file.file
    if isinstance(inner, CsvFile):
        return (inner.columns, inner.escape, _header(inner.part))
    assert isinstance(inner, ParquetFile)  # noqa: S101
    return (inner.types, inner.binary_as_string)


def _texts(session: "SparkSession", files: Sequence[LandedFile]) -> "DataFrame":
    """Returns the columns of files of one form. Reading what is not plain in them raises."""
    inner = files[0].file
    paths = [_path(file.part) for file in files]
    if isinstance(inner, CsvFile):
        texts = _csv_texts(session, paths, inner)
    else:
        texts = _parquet_texts(session, paths, inner.columns)
    json = files[0].source.json
    return texts.select(
        *(
            _json_text(_column(name)).alias(name) if name in json else _column(name)
            for name in texts.columns
        )
    )


def _json_text(text: "Column") -> "Column":
    """Returns JSON unchanged; raises for another notation and for very long collections."""
    from pyspark.sql import functions as F

    entries = F.length(text) - F.length(F.replace(text, F.lit(",")))
    may_be_literal = text.rlike(r"['\\(]") & F.try_parse_json(text).isNull()
    return _unless(may_be_literal | (entries >= MAX_ENTRIES), text)


def _path(part: Part) -> str:
    return "file:" + re.sub(r"[*?\[\]{}\\]", r"\\\g<0>", str(part.path.absolute()))


def _header(part: Part) -> str:
    """Returns the first line, with its carriage return if it has one."""
    with part.open() as stream:
        return stream.readline().decode().removeprefix(BOM).removesuffix("\n")


def _csv_texts(session: "SparkSession", paths: list[str], file: CsvFile) -> "DataFrame":
    from pyspark.sql import functions as F

    header = _header(file.part)
    ending = "\r\n" if header.endswith("\r") else "\n"
    header = header.removesuffix("\r")
    line = F.col("value")
    lines = session.read.text(paths, lineSep=ending).where(~line.isin(header, BOM + header, ""))
    record = F.from_csv(
        _unless(line.contains("\r") | ~F.is_valid_utf8(line), line),
        ", ".join(f"{sql.identifier(name, 'spark')} string" for name in file.columns),
        {
            "mode": "FAILFAST",
            "unescapedQuoteHandling": "RAISE_ERROR",
            "escape": file.escape,
            "emptyValue": "",
            # No value holds this: an empty field is null, and `""` is not.
            "nullValue": "\0",
        },
    )
    return lines.select(record.alias("record")).select(
        *(
            _unless(value.startswith(" ") & F.ltrim(value).startswith('"'), value).alias(name)
            for name in file.columns
            for value in [F.col("record").getField(name)]
        )
    )


def _parquet_texts(
    session: "SparkSession", paths: list[str], columns: Sequence[str]
) -> "DataFrame":
    from pyspark.sql import functions as F

    rows = session.read.parquet(*paths)
    names = [f"c{number}" for number in range(len(columns))]
    texts = (
        _parquet_text(F.col(name), field.dataType)
        for name, field in zip(names, rows.schema.fields, strict=True)
    )
    return rows.toDF(*names).select(
        *(
            _without_nul(_unless(~F.is_valid_utf8(text), text)).alias(landed)
            for text, landed in zip(texts, columns, strict=True)
        )
    )


def _parquet_text(column: "Column", kind: "DataType") -> "Column":
    """Returns a column as text in the forms of `exhaust.extract.parquet_file`.

    Raises NotPlain for a type that Spark writes differently from DuckDB.
    """
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    if isinstance(kind, T.TimestampType | T.TimestampNTZType):
        return F.date_format(column, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'")
    if isinstance(kind, T.ArrayType | T.MapType) and _is_plain_json(kind):
        return F.to_json(column, {"ignoreNullFields": "false"})
    if not (
        _is_plain_json(kind)
        or isinstance(kind, T.DateType)
        # With a larger scale, Java would write an exponent.
        or (isinstance(kind, T.DecimalType) and kind.scale <= 6)
    ):
        raise NotPlain
    return column.cast("string")


def _is_plain_json(kind: "DataType") -> bool:
    from pyspark.sql import types as T

    if isinstance(kind, T.ArrayType):
        return _is_plain_json(kind.elementType)
    if isinstance(kind, T.MapType):
        return isinstance(kind.keyType, T.StringType) and _is_plain_json(kind.valueType)
    return isinstance(kind, T.StringType | T.BooleanType | T.IntegralType)


def _without_nul(text: "Column") -> "Column":
    from pyspark.sql import functions as F

    return _unless(text.contains("\0") | (F.octet_length(text) > MAX_RECORD_BYTES), text)


def _unless(is_odd: "Column", value: "Column") -> "Column":
    """Returns a value that raises where the condition holds."""
    from pyspark.sql import functions as F

    return F.when(is_odd, F.raise_error(F.lit(NOT_PLAIN))).otherwise(value)
