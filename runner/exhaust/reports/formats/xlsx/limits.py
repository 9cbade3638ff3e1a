"""What a sheet cannot hold: it is an error that says where, never a cut."""

from collections.abc import Sequence

from exhaust.errors import DataError
from exhaust.reports.table import ReportColumn, Rows, as_kept
from exhaust.text import visible

MAX_COLUMNS = 16_384

MAX_CELL = 32_767
"""UTF-16 units, as Excel counts characters."""

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
    # In lists, because the engine is slow with aggregates of thousands of columns.
    columns = [*rows.columns, *rows.others]
    texts = f"[{', '.join(column.name for column in columns)}]"
    found = rows.duck.execute(
        "select max(list_max(sizes)), sum(list_sum(sizes)) from "
        f"(select list_transform({texts}, lambda text: strlen(text)) as sizes "
        f"from {rows.relation})"
    ).fetchone()
    longest, size = found or (None, None)
    # A text has at least as many bytes as UTF-16 units.
    if longest and longest > MAX_CELL:
        _check_cells(rows, columns)
    return int(size or 0)


def check_text(text: str) -> None:
    """Checks that a cell can hold a text. Raises DataError."""
    length = len(text.encode("utf-16-le", "surrogatepass")) // 2
    if length > MAX_CELL:
        _raise_too_long(f"The text {_shown(text)}", length)


def _check_cells(rows: Rows, columns: Sequence[ReportColumn]) -> None:
    learner = rows.named("user_id")
    kept = as_kept("text")
    # Characters beyond the first 65,536 are two units.
    units = rf"length({kept}) + length(regexp_replace({kept}, '[\x{{0}}-\x{{FFFF}}]', '', 'g'))"
    names = ", ".join(column.name for column in columns)
    found = rows.duck.execute(
        f"select name, learner, {units} as units from (from ("
        f"select {names}, {learner.name if learner else 'null'} as learner from {rows.relation}"
        f") unpivot (text for name in ({names}))) where units > {MAX_CELL} limit 1"
    ).fetchone()
    if found:
        label = next(column.label for column in columns if column.name == found[0])
        whose = f" of the learner {_shown(found[1])}" if found[1] else ""
        _raise_too_long(f"{_shown(label)}{whose}", found[2])


def _raise_too_long(what: str, length: int) -> None:
    raise DataError(f"{what} has {length:,} characters, but a cell has at most {MAX_CELL:,}.", HINT)


def _shown(value: str) -> str:
    return visible(value if len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + "…")
