"""The default CSV of a file's rows, which every format has as its twin."""

import hashlib

from exhaust.reports.formats.csv import csv_line
from exhaust.reports.table import Rows, as_kept
from exhaust.warehouse.pipe import copy_through_pipe


def twin_sha256(rows: Rows) -> str:
    """Returns the SHA-256 of the rows and columns as the default CSV, with its own header."""
    return _sha256(rows, [column.name for column in rows.columns])


def values_sha256(rows: Rows) -> str:
    """Returns the SHA-256 of the twin with its values as spreadsheet programs keep them."""
    return _sha256(rows, [as_kept(column.name) for column in rows.columns])


def _sha256(rows: Rows, values: list[str]) -> str:
    digest = hashlib.sha256(csv_line([column.label for column in rows.columns]))
    select = f"select {', '.join(values)} from {rows.relation}"
    copy_through_pipe(rows.duck, select, digest.update)
    return digest.hexdigest()
