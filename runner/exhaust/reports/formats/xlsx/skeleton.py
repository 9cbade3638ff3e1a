"""The workbook without its rows, by XlsxWriter: styles, headers, Summary, About and charts."""

from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from exhaust.reports.formats.xlsx.about import About, write_about
from exhaust.reports.formats.xlsx.page import Page, write_text
from exhaust.reports.formats.xlsx.summary import write_summary
from exhaust.reports.table import ReportColumn, Rows

if TYPE_CHECKING:
    from xlsxwriter import Workbook

TEXT, WHOLE, PERCENT = 49, 1, 9
"""Numbers of formats that Excel has built in."""

STYLES = {
    "date": "dd/mm/yyyy",
    "number": PERCENT,
    "percent": PERCENT,
    "score": PERCENT,
    "count": WHOLE,
    "decimal": "General",
}
"""The number formats of the kinds; the others are text."""

WIDTHS = {
    "course_id": 24,
    "course_name": 30,
    "batch_id": 22,
    "batch_name": 24,
    "user_id": 38,
    "org_name": 24,
    "school_id": 16,
    "school_name": 32,
    "progress": 10,
}
"""In characters, by the ID of the column."""

WIDTH_OF_TEXT, WIDTH_OF_OTHERS = 18, 13


def write_skeleton(
    file: IO[bytes],
    scratch: Path,
    rows: Rows,
    lengths: Sequence[int],
    about: About,
    notes: Sequence[str],
) -> None:
    """Writes the workbook; `lengths` are the numbers of rows of the report's sheets.

    Each of those has its header and one row of empty cells, which shows the styles of the columns.
    """
    import xlsxwriter

    book = xlsxwriter.Workbook(file, {"tmpdir": str(scratch)})
    # Without a date of its own, the file would have the time of the clock.
    book.set_properties({"title": about.course_name or about.course_id, "created": about.built_at})
    for number, length in enumerate(lengths, 1):
        name = "Report" if number == 1 else f"Report {number}"
        _write_report_sheet(book, book.add_worksheet(name), rows.columns, length)
    write_summary(Page(book, "Summary", [34, 28, 12, 12, 12, 12]), rows)
    write_about(Page(book, "About", [48, 70, 12]), about, rows, notes)
    book.close()


def _write_report_sheet(
    book: "Workbook", sheet: Any, columns: Sequence[ReportColumn], length: int
) -> None:
    bold = book.add_format(
        {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "num_format": TEXT}
    )
    # The alignment makes each a style of its own, also where it is General.
    styles = {
        kind: book.add_format({"num_format": number_format, "valign": "top"})
        for kind, number_format in {"text": TEXT, **STYLES}.items()
    }
    for position, column in enumerate(columns):
        write_text(sheet, 0, position, column.header, bold)
        of_kind = WIDTH_OF_OTHERS if column.kind in STYLES else WIDTH_OF_TEXT
        sheet.set_column(position, position, WIDTHS.get(column.id, of_kind))
    for position, column in enumerate(columns):
        style = styles.get(column.kind, styles["text"])
        sheet.write_blank(1, position, None, style)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, length, len(columns) - 1)
