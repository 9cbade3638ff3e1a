"""The formats of a report file, a module or package each."""

from enum import StrEnum


class Format(StrEnum):
    CSV = "csv"
    """For machines: docs/report.md states every byte."""
    XLSX = "xlsx"
    CSV_EXCEL = "csv-excel"
    """CSV that spreadsheet programs open without changing values."""

    @property
    def ending(self) -> str:
        """What the name of such a file ends in."""
        return ".xlsx" if self is Format.XLSX else ".csv"
