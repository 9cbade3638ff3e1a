"""The rows of a report in an embedded DuckDB, from where they are compared, split and formatted.

All its values are text as the CSV of docs/report.md has it; null is blank. So every engine's report
gets the same bytes in every format.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exhaust.errors import DiskFull
from exhaust.extract.limits import MAX_RECORD_BYTES
from exhaust.project.sql import literal

if TYPE_CHECKING:
    import duckdb

CONFIG: Any = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": "2",
    "memory_limit": "256MB",
}
MEMORY_MB, MEMORY_MB_A_COLUMN = 200, 2
"""The embedded engine stays small, as the warehouse's is next to it. Each column needs buffers."""


@dataclass(frozen=True)
class ReportColumn:
    """A column of a report file."""

    name: str
    """Its column in the table: c1, c2, …"""
    id: str
    """Its `column_name` in the header plan; the ID of the assessment for a score."""
    label: str
    """What the header of the default CSV says, such as `Batch ID` or `do_1 - Score`."""
    header: str
    """What the header of this file says."""
    kind: str
    """How its values are written: text, number, percent, score, date, sunbird_batch, count or
    decimal."""
    assessment_id: str | None = None
    assessment_name: str | None = None
    assessment_ordinal: int | None = None
    is_addition: bool = False


@dataclass(frozen=True)
class Rows:
    """The rows of one report file, in its order."""

    duck: "duckdb.DuckDBPyConnection"
    relation: str
    """A table or view, as SQL; its columns are text. Selecting from it gives the report's order."""
    columns: Sequence[ReportColumn]
    """Those of the file, in order."""
    others: Sequence[ReportColumn]
    """Those that the relation has, but not the file, such as the status for the summary."""
    rows: int

    def named(self, column_id: str) -> ReportColumn | None:
        """Returns the column of this ID, in the file or not; never a score or an addition of an
        assessment."""
        return next(
            (
                column
                for column in (*self.columns, *self.others)
                if column.id == column_id and column.assessment_ordinal is None
            ),
            None,
        )


@contextmanager
def embedded_duckdb(folder: Path) -> Iterator["duckdb.DuckDBPyConnection"]:
    """Opens a DuckDB of its own, whose files are in the folder. Raises DiskFull."""
    import duckdb

    try:
        with duckdb.connect(folder / "rows.duckdb", config=CONFIG) as duck:
            duck.execute("set enable_progress_bar = false")
            yield duck
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        if re.search("no space left|disk quota|max_temp_directory_size", str(error), re.I):
            raise DiskFull(str(error).splitlines()[0]) from error
        raise


def load_csv(
    duck: "duckdb.DuckDBPyConnection",
    table: str,
    file: Path,
    names: Sequence[str],
    *,
    skip: int = 0,
) -> int:
    """Creates a table from a CSV file as exhaust writes it, and returns its number of rows.

    Its columns get the names; `skip` lines of the header are left out. Raises duckdb.Error if the
    file is not such CSV.
    """
    duck.execute(f"set memory_limit = '{MEMORY_MB + MEMORY_MB_A_COLUMN * len(names)}MB'")
    types = ", ".join(f"{literal(name, 'duckdb')}: 'varchar'" for name in names)
    path = literal(re.sub(r"[*?\[]", r"[\g<0>]", str(file.absolute())), "duckdb")
    # In one thread: a value may have line breaks.
    duck.execute(
        f"create table {table} as select * from read_csv({path}, auto_detect = false, "
        f"header = false, skip = {skip}, delim = ',', quote = '\"', escape = '\"', "
        "compression = 'none', strict_mode = true, allow_quoted_nulls = false, nullstr = '', "
        f"hive_partitioning = false, parallel = false, buffer_size = {MAX_RECORD_BYTES}, "
        f"columns = {{{types}}})"
    )
    return count(duck, table)


def count(duck: "duckdb.DuckDBPyConnection", relation: str, condition: str = "true") -> int:
    """Returns the number of rows for which the condition, given as SQL, holds."""
    found = duck.execute(f"select count(*) from {relation} where {condition}").fetchone()
    return int(found[0]) if found else 0


def as_kept(value: str) -> str:
    """Returns a text, given as SQL, as spreadsheet programs keep it: line breaks are LF, and an
    empty text is blank."""
    return f"nullif(replace(replace({value}, chr(13) || chr(10), chr(10)), chr(13), chr(10)), '')"


Advance = Callable[[int], None]
"""Takes the number of rows that were just written."""
