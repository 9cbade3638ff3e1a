"""A file of JSON lines of an extract."""

from dataclasses import dataclass, field

import duckdb

from exhaust.errors import Unfit
from exhaust.extract.data_file import (
    first_fault,
    identifier,
    landed,
    query,
    unknown_fault,
    without_nul,
)
from exhaust.extract.faults import check_json_lines
from exhaust.extract.limits import LONGEST_RECORD
from exhaust.extract.part import Part, literal


@dataclass(frozen=True)
class JsonFile:
    """JSON lines: one object a line."""

    part: Part
    columns: tuple[str, ...]
    spelled: tuple[str, ...] = field(repr=False)
    """The names of the columns in the file."""

    @classmethod
    def open(cls, part: Part) -> "JsonFile":
        """Reads the names in all lines."""
        file = cls(part, (), ())
        names = (
            "select distinct unnest(case when json_type(json) = 'OBJECT' then json_keys(json) "
            "else error('no object') end) as name "
            f"from read_ndjson_objects({part.pattern}, hive_partitioning = false, "
            f"maximum_object_size = {LONGEST_RECORD}) order by name"
        )
        part.check()
        try:
            spelled = tuple(name for (name,) in query(names))
        except duckdb.Error as error:
            raise file.fault(error) from error
        return cls(part, landed(part, spelled), spelled)

    @property
    def reader(self) -> str:
        columns = ", ".join(f"{literal(name)}: 'json'" for name in self.spelled)
        texts = ((name, f"{identifier(name)} ->> '$'") for name in self.spelled)
        return without_nul(
            texts,
            f"read_json({self.part.pattern}, format = 'newline_delimited', "
            f"hive_partitioning = false, maximum_object_size = {LONGEST_RECORD}, "
            f"columns = {{{columns}}})",
        )

    def check(self, rows: int) -> None:
        """A line of JSON that is no row is an error."""

    def fault(self, error: duckdb.Error) -> Unfit:
        return first_fault(self.part, check_json_lines) or unknown_fault(self.part, error)
