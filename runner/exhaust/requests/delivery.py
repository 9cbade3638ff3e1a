"""Files of requests for whoever takes them over a network: found, checked, and written down."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from exhaust.errors import NotFound
from exhaust.project.settings import Settings
from exhaust.reports.files import file_name
from exhaust.reports.receipt import receipt_path
from exhaust.reports.zip_stream import zipped
from exhaust.requests.desk import find_files_for
from exhaust.requests.downloads import Way
from exhaust.requests.entities import ALL_FILES, Request, Status
from exhaust.requests.ledger import Ledger
from exhaust.requests.results import main_file
from exhaust.text import visible


@dataclass(frozen=True)
class ReportFile:
    """A file of a request; the time is UTC."""

    name: str
    size: int
    made_at: datetime


@dataclass(frozen=True)
class Delivery:
    """What somebody gets: one file, or several as one archive."""

    name: str
    """What the file is called where it arrives."""
    files: Sequence[Path]
    is_archive: bool

    def archive(self) -> Iterator[bytes]:
        """Yields a zip of the files, in pieces."""
        return zipped(self.files)


def files(
    settings: Settings, ledger: Ledger, request_id: str, user_id: str | None
) -> list[ReportFile]:
    """Returns the files of a request, each followed by its receipt. Raises as `deliver` does."""
    _, found = _found(settings, ledger, request_id, user_id)
    return [_described(file) for file in found]


def deliver(
    settings: Settings,
    ledger: Ledger,
    request_id: str,
    user_id: str | None,
    name: str | None = None,
    way: Way = Way.SESSION,
) -> Delivery:
    """Returns a file of a request by its name, or an archive of all, and writes down who took it.

    Raises NotFound if there are none, or none of that name, Busy while the request is being
    processed, PermissionDenied if the user has lost the right to them.
    """
    request, found = _found(settings, ledger, request_id, user_id)
    if name is not None:
        found = [file for file in found if file.name == name]
        if not found:
            raise NotFound(f"The request {visible(request_id)} has no file {visible(name)}.")
    ledger.record_download(request.request_id, user_id, name or ALL_FILES, way)
    if name is not None:
        return Delivery(name, found, is_archive=False)
    made = datetime.fromtimestamp(found[0].stat().st_mtime, UTC)
    archive = file_name(request.kind.name, request.course_id, made, ending=".zip")
    return Delivery(archive, found, is_archive=True)


def linked_file(settings: Settings, request: Request) -> str | None:
    """Returns what one address of a request leads to: the name of its only file, or ALL_FILES.

    None if there is nothing to take, or no longer.
    """
    if request.status != Status.SUCCESS:
        return None
    found = [main_file(settings, request, batch_id) for batch_id in request.batch_ids]
    if not found or None in found:
        return None
    is_one = len(found) == 1 and request.form.split_by is None
    return found[0].name if is_one and found[0] else ALL_FILES


def _found(
    settings: Settings, ledger: Ledger, request_id: str, user_id: str | None
) -> tuple[Request, list[Path]]:
    """Returns a request and its files: reports, each followed by its receipt, and indexes."""
    request, found = find_files_for(settings, ledger, request_id, user_id)
    files = []
    for one in found:
        for report in one.reports:
            files += [report, receipt_path(report)]
        files += [one.index] if one.index else []
    return request, files


def _described(file: Path) -> ReportFile:
    found = file.stat()
    made_at = datetime.fromtimestamp(found.st_mtime, UTC).replace(tzinfo=None)
    return ReportFile(file.name, found.st_size, made_at)
