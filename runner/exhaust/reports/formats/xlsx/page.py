"""A sheet that people read from top to bottom: titles, tables and charts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from exhaust.reports.formats.xlsx.limits import check_text

if TYPE_CHECKING:
    from xlsxwriter import Workbook

Value = str | int | float
"""Of a cell: text, a whole number, or a share that is shown with `%`."""


def write_text(sheet: Any, row: int, column: int, text: str, style: Any) -> None:
    """Writes a text into a cell, as it is: nothing in it is read as a formula, link or markup.

    Raises DataError if it is too long for a cell.
    """
    check_text(text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.startswith("<r>") and text.endswith("</r>"):
        # XlsxWriter would take it for its own markup; in fragments it does not.
        sheet.write_rich_string(row, column, text[0], text[1], text[2:], style)
    else:
        sheet.write_string(row, column, text, style)


class Page:
    """Writes a sheet of a workbook, one block below the other."""

    def __init__(self, book: "Workbook", name: str, widths: Sequence[int]) -> None:
        """`widths` are those of the columns, in characters; charts come to their right."""
        self._book = book
        self._sheet = book.add_worksheet(name)
        self._name = name
        self._row = 0
        self._chart_row = 2
        self._chart_column = len(widths) + 1
        self._bold = book.add_format({"bold": True, "font_size": 14})
        self._plain = book.add_format({"valign": "top"})
        self._header = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
        self._text = book.add_format({"num_format": 49, "text_wrap": True, "valign": "top"})
        self._styles = {
            int: book.add_format({"num_format": 3, "valign": "top"}),
            float: book.add_format({"num_format": "0.0%", "valign": "top"}),
        }
        for position, width in enumerate(widths):
            self._sheet.set_column(position, position, width)

    def pairs(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Writes what and its value per row, and an empty row below."""
        for name, value in pairs:
            write_text(self._sheet, self._row, 0, name, self._header)
            write_text(self._sheet, self._row, 1, value, self._text)
            self._row += 1
        self._row += 1

    def title(self, text: str) -> None:
        write_text(self._sheet, self._row, 0, text, self._bold)
        self._row += 2

    def line(self, text: str) -> None:
        """Writes a sentence, which may run over the cells to its right."""
        write_text(self._sheet, self._row, 0, text, self._plain)
        self._row += 1

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Value]]) -> range:
        """Writes a table and an empty row below it; returns the numbers of its rows."""
        for column, text in enumerate(header):
            write_text(self._sheet, self._row, column, text, self._header)
        first = self._row + 1
        for self._row, values in enumerate(rows, first):
            for column, value in enumerate(values):
                self._value(column, value)
        self._row += 2
        return range(first, first + len(rows))

    def _value(self, column: int, value: Value) -> None:
        if isinstance(value, str):
            write_text(self._sheet, self._row, column, value, self._text)
        else:
            self._sheet.write_number(self._row, column, value, self._styles[type(value)])

    def chart(
        self, title: str, rows: range, first_name: int, last_name: int, values: Sequence[int]
    ) -> None:
        """Adds a bar chart of the first rows of a table, the first on top.

        Its bars have names in the columns `first_name` to `last_name`, and lengths in the columns
        `values`, which are named in the header above the rows.
        """
        chart: Any = self._book.add_chart({"type": "bar"})
        first, last = rows[0], rows[-1]
        for column in values:
            chart.add_series(
                {
                    "name": [self._name, first - 1, column],
                    "categories": [self._name, first, first_name, last, last_name],
                    "values": [self._name, first, column, last, column],
                    "data_labels": {"value": True},
                }
            )
        chart.set_title({"name": title, "overlay": False, "name_font": {"size": 12}})
        chart.set_y_axis({"reverse": True})
        chart.set_x_axis({"visible": False, "major_gridlines": {"visible": False}, "min": 0})
        chart.set_legend({"position": "bottom", "none": len(values) == 1})
        height = 120 + 24 * len(rows) * len(values)
        chart.set_size({"width": 640, "height": height})
        self._sheet.insert_chart(self._chart_row, self._chart_column, chart)
        self._chart_row += height // 20 + 2
