"""The formats of a report file, a module or package each."""

from enum import StrEnum


class Format(StrEnum):
    CSV = "csv"
    """For machines: docs/report.md states every byte."""
    XLSX = "xlsx"
    CSV_EXCEL = "csv-excel"
    """CSV that spreadsheet programs open without changing values."""

    @classmethod
    def of_name(cls, name: str) -> "Format | None":
        """Returns the format of files with the ending of this name, in a zip or not; None if no
        format has it."""
        plain = name.lower().removesuffix(".zip")
        return next((one for one in cls if plain.endswith(one.ending)), None)

    @property
    def ending(self) -> str:
        """What the name of such a file ends in."""
        return ".xlsx" if self is Format.XLSX else ".csv"
