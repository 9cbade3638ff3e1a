"""A JSON file of an extract: one object per line, an array of objects, or multi-line objects."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import duckdb

from exhaust.errors import DataError
from exhaust.extract import limits
from exhaust.extract.data_file import (
    checked_select,
    first_fault,
    landed_names,
    text_fault,
    unknown_fault,
)
from exhaust.extract.json_faults import check_json_lines, check_json_objects
from exhaust.extract.json_scan import JsonFormat, JsonScan, scan
from exhaust.extract.part import Part, literal
from exhaust.extract.processes import map_parts

USUAL_OBJECT_BYTES = 1 << 24
"""The usual limit for an object. DuckDB allocates a multiple of its limit for each thread."""
SCAN_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "600MB",
    "temp_directory": "",
}
"""Settings of a DuckDB that scans JSON. Objects in arrays are not checked against the limits
before."""
RETRY_CONFIG = SCAN_CONFIG | {"memory_limit": "1GB"}
"""Settings for lines that are within the limits but close to them."""


@dataclass(frozen=True)
class JsonFile:
    """A JSON file whose keys are known."""

    part: Part
    columns: tuple[str, ...]
    keys: tuple[str, ...] = field(repr=False)
    """The names of the columns as spelled in the file."""
    format: JsonFormat = "newline_delimited"
    max_object_bytes: int = limits.MAX_RECORD_BYTES
    """No object is longer than this."""

    @classmethod
    def open(cls, part: Part) -> "JsonFile":
        """Reads the keys of all rows of one file."""
        (file,) = open_json_files([part])
        return file

    @property
    def sql_path(self) -> str:
        return self.part.sql_path

    @property
    def group_key(self) -> object:
        return (self.keys, self.format, _max_object_size(self))

    def reader_of(self, paths: str) -> str:
        # `read_json` with columns would refuse values nested more than 128 levels deep.
        names = ", ".join(literal(_pointer(name)) for name in self.keys)
        rows = (
            f"(select json_extract_string(json, [{names}]) as texts from {_objects(self, paths)})"
        )
        texts = ((name, f"texts[{index}]") for index, name in enumerate(self.keys, start=1))
        return checked_select(texts, rows)

    def check(self, rows: int) -> None:
        """Does nothing: DuckDB fails on anything that is not a row."""

    def fault(self, error: duckdb.Error) -> DataError:
        check = (
            check_json_lines
            if self.format == "newline_delimited"
            else partial(check_json_objects, is_array=self.format == "array")
        )
        if fault := first_fault(self.part, check):
            return fault
        if fault := text_fault(self.part, error):
            return fault
        if isinstance(error, duckdb.OutOfMemoryException):
            return self.part.error(
                "an object, or the set of all its keys, is too large to read",
                f"The limit is {limits.MAX_COLUMNS:,} columns. Write one object per line.",
            )
        return unknown_fault(self.part, error)


def open_json_files(parts: Sequence[Part]) -> list[JsonFile]:
    """Reads the keys of all rows of JSON files, many files at a time.

    Raises DataError for the first file that cannot be read or does not consist of JSON objects.
    """
    files = [
        _without_columns(part, scanned)
        for part, scanned in zip(parts, map_parts(parts, _scan), strict=True)
    ]
    names: dict[JsonFile, tuple[str, ...]] = {}
    with duckdb.connect(config=SCAN_CONFIG) as duck:
        for group in dict.fromkeys((file.format, _max_object_size(file)) for file in files):
            names |= _names(
                duck, [file for file in files if (file.format, _max_object_size(file)) == group]
            )
    return [
        JsonFile(
            file.part,
            landed_names(file.part, names[file]),
            names[file],
            file.format,
            file.max_object_bytes,
        )
        for file in files
    ]


def _scan(part: Part) -> JsonScan:
    with part.open() as stream, part.faults_as_data_errors():
        return scan(stream)


def _without_columns(part: Part, scanned: JsonScan) -> JsonFile:
    """Returns the file in a form that DuckDB can read, before its keys are known."""
    if scanned.has_bom or scanned.needs_decompression:
        part = part.spooled(skip=len(codecs.BOM_UTF8) if scanned.has_bom else 0)
    max_object_bytes = (
        scanned.longest_line_bytes
        if scanned.format == "newline_delimited"
        else limits.MAX_RECORD_BYTES
    )
    return JsonFile(part, (), (), scanned.format, max_object_bytes)


def _names(
    duck: duckdb.DuckDBPyConnection, files: Sequence[JsonFile], *, is_retry: bool = False
) -> dict[JsonFile, tuple[str, ...]]:
    """Returns the keys of files with the same format and size limit.

    Raises DataError for the first faulty file.
    """
    paths = ", ".join(file.part.sql_path for file in files)
    query = f"""
        select filename, list(distinct name order by name)[:{limits.MAX_COLUMNS + 1}]
        from (
            select filename, unnest(names) as name
            from (
                select distinct
                    filename,
                    case
                        when not case
                                when starts_with(json, '{{') then true
                                else json_type(json) = 'OBJECT'
                            end or
                            len(names) not between 1 and {limits.MAX_COLUMNS} or
                            len(names) > len(list_distinct(names)) or
                            contains(array_to_string(names, ''), chr(0))
                        then error('not a plain object')
                        else names
                    end as names
                from (
                    select filename, json, json_keys(json) as names from {_objects(files[0], paths)}
                )
            )
        )
        group by filename
    """
    try:
        found = dict(duck.execute(query).fetchall())
    except duckdb.Error as error:
        if len(files) == 1:
            is_line = files[0].format == "newline_delimited"
            if is_line and isinstance(error, duckdb.OutOfMemoryException) and not is_retry:
                with duckdb.connect(config=RETRY_CONFIG) as more:
                    return _names(more, files, is_retry=True)
            raise files[0].fault(error) from error
        each = [_names(duck, [file]) for file in files]
        return {file: names for those in each for file, names in those.items()}
    return {file: tuple(found.get(file.part.readable_path, ())) for file in files}


def _objects(file: JsonFile, paths: str) -> str:
    """Returns a table function of DuckDB with the text of each row as `json`, and `filename`."""
    return (
        f"read_json_objects([{paths}], format = {literal(file.format)}, filename = true, "
        f"hive_partitioning = false, maximum_object_size = {_max_object_size(file)})"
    )


def _max_object_size(file: JsonFile) -> int:
    """Returns DuckDB's limit for an object. DuckDB allocates a multiple of it for each thread."""
    return (
        USUAL_OBJECT_BYTES
        if file.max_object_bytes < USUAL_OBJECT_BYTES
        else limits.MAX_RECORD_BYTES
    )


def _pointer(name: str) -> str:
    """Returns the JSON pointer to a key of a row."""
    return "/" + name.replace("~", "~0").replace("/", "~1")
