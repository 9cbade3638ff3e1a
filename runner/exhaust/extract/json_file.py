"""A JSON file of an extract: an object a line, an array of them, or one that takes many lines."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import duckdb

from exhaust.errors import DataError
from exhaust.extract import limits
from exhaust.extract.data_file import (
    first_fault,
    landed,
    text_fault,
    unknown_fault,
    without_nul,
)
from exhaust.extract.json_faults import check_json_lines, check_json_objects
from exhaust.extract.json_scan import Form, JsonScan, scan
from exhaust.extract.part import Part, literal
from exhaust.extract.processes import looked_into

USUAL_SIZE = 1 << 24
"""Bytes of an object. DuckDB takes a multiple of the largest that it may find, for each thread."""
ENOUGH: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "600MB",
    "temp_directory": "",
}
"""What a DuckDB may take that looks at JSON: objects in an array were not yet seen to keep to the
limits."""
MORE = ENOUGH | {"memory_limit": "1GB"}
"""The same for lines that keep to the limits, and are nearly as long as they may be."""


@dataclass(frozen=True)
class JsonFile:
    part: Part
    columns: tuple[str, ...]
    spelled: tuple[str, ...] = field(repr=False)
    """The names of the columns in the file."""
    format: Form = "newline_delimited"
    longest: int = limits.MAX_RECORD
    """Bytes that no object is longer than."""

    @classmethod
    def open(cls, part: Part) -> "JsonFile":
        """Reads the names in all rows of one file."""
        (file,) = open_json_files([part])
        return file

    @property
    def opened(self) -> str:
        return self.part.pattern

    @property
    def form(self) -> object:
        return (self.spelled, self.format, _size(self))

    def reader_of(self, paths: str) -> str:
        # `read_json` with columns would refuse what is nested more than 128 levels deep.
        names = ", ".join(literal(_pointer(name)) for name in self.spelled)
        rows = (
            f"(select json_extract_string(json, [{names}]) as texts from {_objects(self, paths)})"
        )
        texts = ((name, f"texts[{place}]") for place, name in enumerate(self.spelled, start=1))
        return without_nul(texts, rows)

    def check(self, rows: int) -> None:
        """What is no row is an error."""

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
                "there is an object, or there are names of columns, too large to be read",
                f"{limits.MAX_COLUMNS:,} columns are the most. Write one object a line.",
            )
        return unknown_fault(self.part, error)


def open_json_files(parts: Sequence[Part]) -> list[JsonFile]:
    """Reads the names in all rows of JSON files, of many at once.

    Raises DataError for the first that cannot be read, or is no JSON of objects.
    """
    files = [
        _unnamed(part, told) for part, told in zip(parts, looked_into(parts, _scan), strict=True)
    ]
    names: dict[JsonFile, tuple[str, ...]] = {}
    with duckdb.connect(config=ENOUGH) as duck:
        for alike in dict.fromkeys((file.format, _size(file)) for file in files):
            names |= _names(duck, [file for file in files if (file.format, _size(file)) == alike])
    return [
        JsonFile(file.part, landed(file.part, names[file]), names[file], file.format, file.longest)
        for file in files
    ]


def _scan(part: Part) -> JsonScan:
    with part.open() as stream, part.plain_faults():
        return scan(stream)


def _unnamed(part: Part, told: JsonScan) -> JsonFile:
    """A file whose names are not yet known, as DuckDB can read it."""
    if told.has_mark or told.is_odd:
        part = part.spooled(skip=len(codecs.BOM_UTF8) if told.has_mark else 0)
    longest = told.longest if told.form == "newline_delimited" else limits.MAX_RECORD
    return JsonFile(part, (), (), told.form, longest)


def _names(
    duck: duckdb.DuckDBPyConnection, files: Sequence[JsonFile], *, is_retry: bool = False
) -> dict[JsonFile, tuple[str, ...]]:
    """The names in files of one format and size. Raises DataError for the first faulty one."""
    paths = ", ".join(file.part.pattern for file in files)
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
                        then error('no plain object')
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
                with duckdb.connect(config=MORE) as more:
                    return _names(more, files, is_retry=True)
            raise files[0].fault(error) from error
        each = [_names(duck, [file]) for file in files]
        return {file: names for those in each for file, names in those.items()}
    return {file: tuple(found.get(file.part.opened, ())) for file in files}


def _objects(file: JsonFile, paths: str) -> str:
    """Files as a table of DuckDB: the text `json` of each row, and `filename`."""
    return (
        f"read_json_objects([{paths}], format = {literal(file.format)}, filename = true, "
        f"hive_partitioning = false, maximum_object_size = {_size(file)})"
    )


def _size(file: JsonFile) -> int:
    """DuckDB's limit for an object. It takes a multiple of it, for each thread."""
    return USUAL_SIZE if file.longest < USUAL_SIZE else limits.MAX_RECORD


def _pointer(name: str) -> str:
    """The JSON pointer to a key of a row."""
    return "/" + name.replace("~", "~0").replace("/", "~1")
