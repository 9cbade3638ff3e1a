"""The cells of a report's sheet as XML, made by DuckDB's SQL: no row passes through Python."""

from collections.abc import Sequence

from exhaust.project.sql import literal
from exhaust.reports.table import ReportColumn, as_kept

PERCENTS = ("number", "percent", "score")
"""Kinds whose values are whole percentages, with `%` or without."""

NUMBERS = ("count", "decimal")

FIRST_DAY, LAST_DAY = "1900-03-01", "9999-12-31"
"""Excel counts 29 February 1900, which never was, so programs disagree about earlier days."""

CONTROLS = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x{FFFE}\x{FFFF}]"
"""Characters that XML cannot hold, but line breaks: Excel writes them as `_xHHHH_`."""

UNSAFE = literal(rf"[&<>\n]|{CONTROLS}|_x[0-9A-Fa-f]{{4}}", "duckdb")

BLANK = "'<c/>'"


def sheet_row(columns: Sequence[ReportColumn], styles: Sequence[int]) -> str:
    """Returns a row as SQL: a text without line breaks.

    `styles` are the numbers of the columns' cell formats in the workbook.
    """
    cells = ", ".join(map(_cell, columns, styles))
    return f"concat('<row>', {cells}, '</row>')"


def day(column: ReportColumn) -> str:
    """Returns a date as SQL: null if no spreadsheet has a date for it."""
    value = f"cast(try_strptime({column.name}, '%d/%m/%Y') as date)"
    return f"case when {value} between date '{FIRST_DAY}' and date '{LAST_DAY}' then {value} end"


def _cell(column: ReportColumn, style: int) -> str:
    if column.kind in PERCENTS:
        # 88% is written as 88E-2: the shortest way to 0.88.
        return _number(f"replace({column.name}, '%', '') || 'E-2'", style)
    if column.kind in NUMBERS:
        return _number(column.name, style)
    if column.kind == "date":
        serial = f"{day(column)} - date '1899-12-30'"
        return f"case when {day(column)} is null then {_text(column, style)} " + (
            f"else {_number(serial, style)} end"
        )
    return _text(column, style)


def _number(value: str, style: int) -> str:
    return f"""coalesce('<c s="{style}"><v>' || ({value}) || '</v></c>', {BLANK})"""


def _text(column: ReportColumn, style: int) -> str:
    # Text in the cell itself: a table of shared texts would have to be kept in memory.
    start = f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">'
    return f"coalesce('{start}' || {_escaped(as_kept(column.name))} || '</t></is></c>', {BLANK})"


def _escaped(text: str) -> str:
    """Returns a text as XML. Few need it, and looking first is cheap."""
    escaped = rf"regexp_replace({text}, '_(x[0-9A-Fa-f]{{4}})', '_x005F_\1', 'g')"
    for character, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        escaped = f"replace({escaped}, '{character}', '{name}')"
    escaped = f"replace({escaped}, chr(10), '&#10;')"
    escaped = (
        f"array_to_string(list_transform(regexp_extract_all({escaped}, '(?s).'), lambda letter: "
        f"case when regexp_matches(letter, '{CONTROLS}') "
        "then printf('_x%04X_', unicode(letter)) else letter end), '')"
    )
    return f"case when regexp_matches({text}, {UNSAFE}) then {escaped} else {text} end"
