"""Where the files of requests are: computed from the folder of results, never read from the ledger.

A worker writes `<results>/<dataset>/<request ID>/<batch ID>_<kind>_<yyyymmdd>.csv`, with a receipt.
Other formats have other endings. Of a split, it writes the index `…_index.csv` last.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from exhaust.errors import DataError, PermissionDenied
from exhaust.project.settings import Settings
from exhaust.reports.files import INDEX_ENDING, ZIP, file_name
from exhaust.reports.receipt import receipt_path
from exhaust.reports.receipt_reader import ReadReceipt
from exhaust.requests.entities import Request
from exhaust.text import Message, visible


def roots(settings: Settings) -> list[Path]:
    """Returns the folders of results: the target's own, and the one that all targets had."""
    return list(filter(None, (settings.results_dir, settings.shared_results_dir)))


def folder_of(root: Path, request: Request) -> Path:
    """Returns the folder for the files of a request."""
    return root / request.dataset / request.request_id


@dataclass(frozen=True)
class BatchFiles:
    """The files of a batch, each with a receipt, and the index of those of a split."""

    reports: Sequence[Path]
    index: Path | None = None


def find_files(settings: Settings, request: Request, batch_id: str) -> BatchFiles | None:
    """Returns the newest files of a batch; None if there are none, or not all of a split.

    Raises PermissionDenied if a receipt is not that of the request, and DataError if it or an index
    cannot be read.
    """
    newest = main_file(settings, request, batch_id)
    if newest is None:
        return None
    files = BatchFiles(_listed(newest), newest) if request.form.split_by else BatchFiles([newest])
    if not all(file.is_file() and receipt_path(file).is_file() for file in files.reports):
        return None
    for file in files.reports:
        _check_receipt(file, request, batch_id)
    return files


def main_file(settings: Settings, request: Request, batch_id: str) -> Path | None:
    """Returns the newest file of a batch, or the newest index of a split, unread."""
    for root in roots(settings):
        if found := [*_main_files(folder_of(root, request), request, batch_id)]:
            return max(found)
    return None


def _main_files(folder: Path, request: Request, batch_id: str) -> Iterator[Path]:
    """Yields the files that the ledger has for a batch, which are the indexes of a split."""
    form = request.form
    endings = [form.format.ending, *([form.format.ending + ZIP] if form.is_protected else [])]
    for ending in [INDEX_ENDING] if form.split_by else endings:
        day = re.compile(f"_([0-9]{{8}}){re.escape(ending)}")
        for file in folder.iterdir() if folder.is_dir() else ():
            match = day.search(file.name)
            with suppress(ValueError):
                if match and file.is_file():
                    made = datetime.strptime(match[1], "%Y%m%d")
                    if file.name == file_name(request.kind.name, batch_id, made, ending=ending):
                        yield file


def _listed(index: Path) -> list[Path]:
    """Returns the reports that an index lists. Raises DataError if it cannot be read."""
    try:
        with index.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = csv.reader(file, strict=True)
            column = header.index("File")
            # Spreadsheet programs would take some names for formulas: those have a `'` before them.
            names = [row[column].removeprefix("'") for row in rows]
    except (ValueError, IndexError, csv.Error) as error:
        raise _no_index(index) from error
    if any(Path(name).name != name or name.startswith(".") for name in names):
        raise _no_index(index)
    return [index.with_name(name) for name in names]


def _no_index(index: Path) -> DataError:
    return DataError(
        Message("{file} is not an index of reports.", file=visible(index)),
        Message("Somebody changed it. Request the report again."),
    )


def _check_receipt(file: Path, request: Request, batch_id: str) -> None:
    """Raises PermissionDenied if a file has not what the ledger says: rights to one are not rights
    to the other."""
    content = ReadReceipt.of(receipt_path(file)).content
    learners = None if request.sees_all_learners else request.channel
    found = (
        content.get("request"),
        content["course"]["id"],
        [batch["id"] for batch in content["batches"]],
        content.get("requester"),
        content.get("filters", {}).get("root_org_id"),
    )
    if found != (request.request_id, request.course_id, [batch_id], request.requester, learners):
        raise PermissionDenied(
            Message(
                "The file of the batch {batch} has not what the request {request} is for: its "
                "receipt names another request, course, batch, requester or other learners.",
                batch=visible(batch_id),
                request=request.request_id,
            ),
            Message("Somebody changed the ledger or the file. Request the report again."),
        )
