"""Turns the cells of a file back into what the default CSV says, as SQL."""

from exhaust.project.sql import literal
from exhaust.reports.formats import Format
from exhaust.reports.formats.guard import unguarded
from exhaust.reports.table import ReportColumn

SHARE = {True: r"-?[0-9]+([.][0-9]+)?(E-?[0-9]+)?", False: r"-?[0-9]+[.][0-9]+"}
"""How a share of one is written in a cell of an Excel file, and in CSV, where 1 may be 1%."""
PERCENT_KINDS = ("percent", "score")
ROUNDING = 1e-6


def canonical(
    column: ReportColumn, *, written_as: Format | None, is_workbook: bool, is_share: bool
) -> str:
    """Returns a value of a column as the default CSV has it.

    `written_as` is the format in which exhaust wrote the file; None if that is not known.
    `is_share` says that Progress is a share of one. A value that was broken stays as it is.
    """
    value = column.name
    if written_as is Format.CSV and not is_workbook:
        return value  # Machines read it: any other form is a change.
    if column.kind == "date":
        return _date(value)
    if column.kind in PERCENT_KINDS:
        return f"case when {_matches(value, '[0-9]+[.,]0+%')} then " + (
            f"regexp_replace({value}, '[.,]0+%', '%') "
            f"else {_share(value, '%', is_cell=is_workbook)} end"
        )
    if column.kind == "number":
        without_sign = f"regexp_replace({value}, '([.,]0+)?%$', '')"
        return _share(value, "", is_cell=True) if is_share else without_sign
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


def _date(value: str) -> str:
    day = f"substr({value}, 9, 2) || '/' || substr({value}, 6, 2) || '/' || left({value}, 4)"
    return f"case when {_matches(value, '[0-9]{4}-[0-9]{2}-[0-9]{2}')} then {day} else {value} end"


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
