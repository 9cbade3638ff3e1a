"""Where the files of requests are: computed from the folder of results, never read from the ledger.

A worker writes `<results>/<dataset>/<request ID>/<batch ID>_<kind>_<yyyymmdd>.csv`, with a receipt.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from exhaust.errors import PermissionDenied
from exhaust.project.settings import Settings
from exhaust.reports.files import file_name
from exhaust.reports.receipt import receipt_path
from exhaust.reports.receipt_reader import ReadReceipt
from exhaust.requests.entities import Request
from exhaust.text import visible

DAY = re.compile(r"_([0-9]{8})\.csv")


def roots(settings: Settings) -> list[Path]:
    """Returns the folders of results: the target's own, and the one that all targets had."""
    return list(filter(None, (settings.results_dir, settings.shared_results_dir)))


def folder_of(root: Path, request: Request) -> Path:
    """Returns the folder for the files of a request."""
    return root / request.dataset / request.request_id


def find_file(settings: Settings, request: Request, batch_id: str) -> Path | None:
    """Returns the newest file of a batch that has a receipt; None if there is none.

    Raises PermissionDenied if its receipt is not that of the request, and DataError if it cannot be
    read.
    """
    for root in roots(settings):
        files = [*_files(folder_of(root, request), request.kind.name, batch_id)]
        if files:
            newest = max(files)
            _check_receipt(newest, request, batch_id)
            return newest
    return None


def _files(folder: Path, kind: str, batch_id: str) -> Iterator[Path]:
    for file in folder.iterdir() if folder.is_dir() else ():
        day = DAY.search(file.name)
        with suppress(ValueError):
            if (
                day
                and file.name == file_name(kind, batch_id, datetime.strptime(day[1], "%Y%m%d"))
                and file.is_file()
                and receipt_path(file).is_file()
            ):
                yield file


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
            f"The file of the batch {visible(batch_id)} has not what the request "
            f"{request.request_id} is for: its receipt names another request, course, batch, "
            "requester or other learners.",
            "Somebody changed the ledger or the file. Request the report again.",
        )
