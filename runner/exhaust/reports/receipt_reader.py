"""Reads receipts, and finds the one of a file that was renamed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from exhaust.errors import DataError, NotFound
from exhaust.reports.formats import Format
from exhaust.reports.layout import Layout
from exhaust.reports.receipt import VERSION, receipt_path
from exhaust.reports.receipt_form import RECEIPT, has_form
from exhaust.text import visible

MAX_RECEIPTS = 1_000
"""Receipts of a folder that are looked at."""
MAX_RECEIPT_BYTES = 1 << 24
ANY_RECEIPT = "*.receipt*.json"
"""Also those of several downloads: `report.csv.receipt (1).json`."""


@dataclass(frozen=True)
class ReadReceipt:
    """A receipt as it was read."""

    path: Path
    content: Mapping[str, Any]
    """All of it."""
    sha256: str
    bytes: int
    rows: int
    file: str
    """The name that the file had when it was written."""
    kinds: Mapping[str, str]
    """The kind of each column, by label, in their order."""
    ids: Mapping[str, frozenset[str]]
    """The possible values of the columns of IDs, by label in lower case."""
    batch_prefix: str
    """What the file writes before the ID of a batch."""
    format: Format
    headers: Sequence[str]
    """What the header of the file says of each column."""
    column_ids: Sequence[str | None]
    """The ID of each column; None in receipts of older versions."""
    twin_sha256: str | None
    """The SHA-256 of the same rows and columns as the default CSV; None for just that."""
    values_sha256: str | None
    """The SHA-256 of the values, in a form that every spreadsheet program keeps; None for CSV."""

    @classmethod
    def of(cls, path: Path) -> "ReadReceipt":
        """Reads a receipt.

        Raises NotFound if there is none, DataError if it cannot be read or has an unknown form.
        """
        if not path.is_file():
            raise NotFound(f"There is no receipt {path}.", "Give its path with --receipt.")
        try:
            if path.stat().st_size <= MAX_RECEIPT_BYTES:
                return cls._from(path, json.loads(path.read_bytes(), **STRICT))
        except (OSError, ValueError, RecursionError):
            pass
        raise DataError(
            f"{path} is not a receipt, or has a form that this version of exhaust does not know.",
            "Use the receipt that was written with the file, or a newer exhaust.",
        )

    @classmethod
    def _from(cls, path: Path, content: Mapping[str, Any]) -> "ReadReceipt":
        if not has_form(content, RECEIPT) or content["receipt"] != VERSION:
            raise ValueError("the form is unknown")
        kinds = {column["label"]: column["kind"] for column in content["columns"]}
        if len({label.lower() for label in kinds}) < len(content["columns"]):
            raise ValueError("a column is there twice")
        headers = content.get("headers", list(kinds))
        if len(headers) != len(kinds):
            raise ValueError("there is not one header for each column")
        prefix = "BatchId_" if content["layout"] == Layout.SUNBIRD else ""
        return cls(
            path=path,
            content=content,
            sha256=content["sha256"],
            bytes=content["bytes"],
            rows=content["rows"],
            file=content["file"],
            kinds=kinds,
            ids={
                "collection id": frozenset([content["course"]["id"]]),
                "batch id": frozenset(prefix + batch["id"] for batch in content["batches"]),
            },
            batch_prefix=prefix,
            format=Format(content.get("format", Format.CSV)),
            headers=headers,
            column_ids=[column.get("id") for column in content["columns"]],
            twin_sha256=content.get("twin_sha256"),
            values_sha256=content.get("values_sha256"),
        )


def _without_duplicates(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Returns an object of JSON. People and programs differ in which of two equal names counts."""
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a name is there twice")
    return content


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


STRICT: Mapping[str, Any] = {"object_pairs_hook": _without_duplicates, "parse_constant": _refuse}


def find_receipts(file: Path, digest: str) -> list[ReadReceipt]:
    """Returns the receipt of a file by its name, or else those in its folder with its SHA-256.

    Raises NotFound if there are none, DataError if the one of its name cannot be read.
    """
    path = receipt_path(file)
    if path.is_file():
        return [ReadReceipt.of(path)]
    found = [receipt for receipt in receipts_in(file.parent) if receipt.sha256 == digest]
    if not found:
        raise NotFound(
            f"There is no receipt {visible(path)}, and no other receipt in its folder has the "
            "SHA-256 of the file.",
            "If the file was renamed, give its receipt with --receipt.",
        )
    return found


def receipts_in(folder: Path) -> Iterator[ReadReceipt]:
    """Yields the receipts of a folder that can be read, by name."""
    for path in sorted(islice(folder.glob(ANY_RECEIPT), MAX_RECEIPTS)):
        try:
            yield ReadReceipt.of(path)
        except (DataError, NotFound):
            continue
