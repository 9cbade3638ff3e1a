"""Reads the sheets of a report in an Excel file, also of one that another program has saved."""

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

from exhaust.errors import DataError
from exhaust.text import visible

SHEET = re.compile(r"Report( [0-9]+)?")
"""A report of more rows than a sheet can hold has several."""
PRECISE = 10**15
"""Programs show whole numbers from here on in scientific notation, with digits lost."""


def sheet_rows(file: Path) -> Iterator[tuple[int, Sequence[str]]]:
    """Yields the rows of a report with their numbers from 1, the header first; blank rows count,
    but are left out.

    Of a file without a sheet `Report`, its first sheet is read. Raises DataError.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        workbook = CalamineWorkbook.from_path(file)
        names = [name for name in workbook.sheet_names if SHEET.fullmatch(name)]
        number = 0
        for index, name in enumerate(names or workbook.sheet_names[:1]):
            rows = workbook.get_sheet_by_name(name).iter_rows()
            if index:
                next(rows, None)
            for row in rows:
                number += 1
                values = [value if isinstance(value, str) else _text(value) for value in row]
                if any(values):
                    yield number, values
    except (CalamineError, OSError, ValueError) as error:
        raise DataError(
            f"The Excel file cannot be read: {visible(error)}.", "Get the file again."
        ) from error


@lru_cache(1 << 16, typed=True)
def _text(value: object) -> str:
    """Returns a cell that is not text as the report or, for numbers, a spreadsheet shows it."""
    if isinstance(value, datetime):
        has_time = value.time() != datetime.min.time()
        return _day(value) + (f" {value:%H:%M:%S}" if has_time else "")
    if isinstance(value, date):
        return _day(value)
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        is_whole = value.is_integer() and abs(value) < PRECISE
        return str(int(value)) if is_whole else f"{value:.15G}"
    return str(value)


def _day(value: date) -> str:
    return f"{value.day:02}/{value.month:02}/{value.year:04}"
