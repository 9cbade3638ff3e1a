"""Turns the cells of a file back into what the default CSV says, as SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exhaust.project.sql import literal
from exhaust.reports.formats import Format
from exhaust.reports.formats.guard import unguarded
from exhaust.reports.reading.raw import Raw
from exhaust.reports.table import ReportColumn, count

if TYPE_CHECKING:
    import duckdb


MONTHS = 12
SHARE = {True: r"-?[0-9]+([.][0-9]+)?(E-?[0-9]+)?", False: r"-?[0-9]+[.][0-9]+"}
"""How a share of one is written in a cell of an Excel file, and in CSV, where 1 may be 1%."""
PERCENT_KINDS = ("percent", "score")
ROUNDING = 1e-6


DAY = "([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})"
"""A date as spreadsheet programs write it in CSV, with the day or the month first."""


@dataclass(frozen=True)
class Cells:
    """How the cells of a file are written."""

    written_as: Format | None
    """The format in which exhaust wrote the file; None if that is not known."""
    is_workbook: bool
    shares: Sequence[str]
    """The columns of Progress that are shares of one."""
    days_first: Sequence[str]
    """The columns of dates that have the day first, in any form."""
    months_first: Sequence[str]


def find_cells(
    duck: "duckdb.DuckDBPyConnection",
    raw: Raw,
    columns: Sequence[ReportColumn],
    written_as: Format | None,
) -> Cells:
    """Finds out how the cells of a file are written."""
    is_workbook = raw.form is None
    shares = [
        column.name
        for column in columns
        if is_workbook and column.kind == "number" and _are_shares(duck, raw, column, written_as)
    ]
    days_first, months_first = [], []
    if not is_workbook and is_lenient(written_as, is_workbook=False):
        for column in columns:
            if column.kind == "date":
                first, second = _largest(duck, raw, column)
                if second <= MONTHS < first:
                    days_first.append(column.name)
                if first <= MONTHS < second:
                    months_first.append(column.name)
    return Cells(written_as, is_workbook, shares, days_first, months_first)


def _are_shares(
    duck: "duckdb.DuckDBPyConnection", raw: Raw, column: ReportColumn, written_as: Format | None
) -> bool:
    """Returns whether the numbers of an Excel file are shares of one in a column of Progress: they
    are as we write it, but not as a spreadsheet program takes them from CSV."""
    if written_as is not None:
        return written_as is Format.XLSX
    return not count(duck, raw.table, f"try_cast({column.name} as double) > 1")


def _largest(duck: "duckdb.DuckDBPyConnection", raw: Raw, column: ReportColumn) -> tuple[int, int]:
    """Returns the largest first and second number of the dates of a column; 0 if they are not all
    of the same form."""
    first, second = (
        f"max(try_cast(regexp_extract(value, '{DAY}', {part}) as int))" for part in (1, 2)
    )
    found = duck.execute(
        f"select {first}, {second} from (select {column.name} as value from {raw.table} "
        f"where {column.name} <> '') having bool_and({_matches('value', DAY)})"
    ).fetchone()
    return (found[0] or 0, found[1] or 0) if found else (0, 0)


def canonical(column: ReportColumn, cells: Cells) -> str:
    """Returns a value of a column, as SQL, as the default CSV has it. One that was broken stays as
    it is."""
    written_as, is_workbook = cells.written_as, cells.is_workbook
    value = column.name
    if not is_lenient(written_as, is_workbook=is_workbook):
        return value
    if column.kind == "date":
        return _date(value, cells)
    if column.kind in PERCENT_KINDS:
        return f"case when {_matches(value, '[0-9]+[.,]0+%')} then " + (
            f"regexp_replace({value}, '[.,]0+%', '%') "
            f"else {_share(value, '%', is_cell=is_workbook)} end"
        )
    if column.kind == "number":
        without_sign = f"regexp_replace({value}, '([.,]0+)?%$', '')"
        return _share(value, "", is_cell=True) if value in cells.shares else without_sign
    if column.kind in ("count", "decimal") or (is_workbook and written_as is Format.XLSX):
        return value
    return plain_text(value)


def plain_text(value: str) -> str:
    """Returns a text, given as SQL, without what keeps it from being a number or a formula."""
    return (
        f"case when starts_with({value}, '=\"') and ends_with({value}, '\"') "
        f"and length({value}) > 2 "
        f"then replace(substr({value}, 3, length({value}) - 3), '\"\"', '\"') "
        f"when starts_with({value}, '''') then {unguarded(value)} else {value} end"
    )


def is_lenient(written_as: Format | None, *, is_workbook: bool) -> bool:
    """Returns whether values in another form are still the same: machines read plain CSV, where
    any other form is a change."""
    return is_workbook or written_as is not Format.CSV


def _date(value: str, cells: Cells) -> str:
    iso = f"substr({value}, 9, 2) || '/' || substr({value}, 6, 2) || '/' || left({value}, 4)"
    found = f"when {_matches(value, '[0-9]{4}-[0-9]{2}-[0-9]{2}')} then {iso} "
    if value in cells.days_first or value in cells.months_first:
        first, second, year = (f"regexp_extract({value}, '{DAY}', {part})" for part in (1, 2, 3))
        day, month = (second, first) if value in cells.months_first else (first, second)
        found += (
            f"when {_matches(value, DAY)} "
            f"then lpad({day}, 2, '0') || '/' || lpad({month}, 2, '0') || '/' || {year} "
        )
    return f"case {found}else {value} end"


def _share(value: str, sign: str, *, is_cell: bool) -> str:
    """Returns a share of one as a whole percentage."""
    percent = f"try_cast({value} as double) * 100"
    return (
        f"case when {_matches(value, SHARE[is_cell])} "
        f"and abs({percent} - round({percent})) < {ROUNDING} "
        f"then try_cast(round({percent}) as bigint) || '{sign}' "
        f"else regexp_replace({value}, '([.,]0+)?%$', '{sign}') end"
    )


def _matches(value: str, pattern: str) -> str:
    return f"regexp_full_match({value}, {literal(pattern, 'duckdb')})"
