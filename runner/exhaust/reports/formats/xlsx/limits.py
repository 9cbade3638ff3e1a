"""What a sheet cannot hold: it is an error that says where, never a cut."""

from collections.abc import Iterator, Sequence

from exhaust.errors import DataError
from exhaust.reports.table import ReportColumn, Rows, as_kept
from exhaust.text import visible

MAX_COLUMNS = 16_384

MAX_CELL = 32_767
"""UTF-16 units, as Excel counts characters."""

COLUMNS_AT_ONCE = 500
"""Of a query: the engine needs memory for each."""

MAX_SHOWN = 80
"""Characters of a value in a message."""

HINT = "Write CSV, which has no such limit: `--format csv`."


def check_limits(rows: Rows) -> int:
    """Checks that sheets can hold the columns and cells, and returns how many bytes of text the
    cells have. Raises DataError."""
    if len(rows.columns) > MAX_COLUMNS:
        first = rows.columns[MAX_COLUMNS]
        raise DataError(
            f"The report has {len(rows.columns):,} columns, but a sheet has at most "
            f"{MAX_COLUMNS:,}. The first that does not fit is {_shown(first.label)}.",
            HINT,
        )
    for column in rows.columns:
        check_text(column.header)
    size = 0
    for columns in groups([*rows.columns, *rows.others]):
        values = ", ".join(
            f"max(strlen({column.name})), sum(strlen({column.name}))" for column in columns
        )
        found = rows.duck.execute(f"select {values} from {rows.relation}").fetchone() or ()
        size += sum(map(int, filter(None, found[1::2])))
        # A text has at least as many bytes as UTF-16 units.
        for column, longest in zip(columns, found[::2], strict=True):
            if longest and longest > MAX_CELL:
                _check_cells(rows, column)
    return size


def check_text(text: str) -> None:
    """Checks that a cell can hold a text. Raises DataError."""
    length = len(text.encode("utf-16-le", "surrogatepass")) // 2
    if length > MAX_CELL:
        _raise_too_long(f"The text {_shown(text)}", length)


def groups(columns: Sequence[ReportColumn]) -> Iterator[Sequence[ReportColumn]]:
    """Yields the columns in groups that one query can have."""
    for start in range(0, len(columns), COLUMNS_AT_ONCE):
        yield columns[start : start + COLUMNS_AT_ONCE]


def _check_cells(rows: Rows, column: ReportColumn) -> None:
    kept = as_kept(column.name)
    # Characters beyond the first 65,536 are two units.
    units = rf"length({kept}) + length(regexp_replace({kept}, '[\x{{0}}-\x{{FFFF}}]', '', 'g'))"
    learner = rows.named("user_id")
    found = rows.duck.execute(
        f"select {learner.name if learner else 'null'}, {units} from {rows.relation} "
        f"where {units} > {MAX_CELL} limit 1"
    ).fetchone()
    if found:
        whose = f" of the learner {_shown(found[0])}" if found[0] else ""
        _raise_too_long(f"{_shown(column.label)}{whose}", found[1])


def _raise_too_long(what: str, length: int) -> None:
    raise DataError(f"{what} has {length:,} characters, but a cell has at most {MAX_CELL:,}.", HINT)


def _shown(value: str) -> str:
    return visible(value if len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + "…")
