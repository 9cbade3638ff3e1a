"""Checks files that people send, but only against receipts that they may see (decision 29)."""

import hashlib
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from exhaust.errors import NotFound
from exhaust.marts.access import find_requester
from exhaust.marts.courses import batches, courses
from exhaust.marts.state import open_marts
from exhaust.project.settings import Settings
from exhaust.reports.caged import Comparison, Limits, Problem, Subject, compare
from exhaust.reports.files import MAX_REPORT_NAME
from exhaust.reports.receipt import receipt_path
from exhaust.reports.receipt_reader import receipts_in
from exhaust.reports.try_folder import try_folder
from exhaust.requests.entities import Request, Status
from exhaust.requests.ledger import Ledger
from exhaust.requests.results import folder_of, roots
from exhaust.text import Message, visible

MAX_REQUESTS = 500
"""The newest requests of a user whose receipts are looked through."""
COPY = re.compile(r" ?\([0-9]{1,3}\)(?=(\.[a-z]+){1,2}$)", re.I)
"""What browsers add to the name of a file that they download again."""
NO_RECEIPT = Problem(
    "no_receipt",
    Message("None of your reports has this file, or a file of this name."),
    Message("Choose its receipt too: the file next to it whose name ends with .receipt.json."),
)


@dataclass(frozen=True)
class Upload:
    """A file that somebody sent, under the name that they gave it."""

    name: str
    content: IO[bytes]
    receipt: IO[bytes] | None = None
    """None takes the receipt from the user's own requests."""
    password: str | None = field(default=None, repr=False)


def check_upload(
    settings: Settings,
    ledger: Ledger,
    user_id: str | None,
    upload: Upload,
    limits: Limits = Limits(),  # noqa: B008
) -> Comparison:
    """Compares a file with its receipt, in a process with limits. Nothing is left on the disk.

    Raises NotFound or PermissionDenied if the receipt is about a course, a batch or learners that
    the user may not see, whether or not they exist.
    """
    with try_folder() as folder:
        file = folder / plain_name(upload.name)
        digest = _store(upload.content, file)
        receipt = folder / "receipt" / "receipt.json"
        receipt.parent.mkdir(0o700)
        if upload.receipt:
            _store(upload.receipt, receipt)
        else:
            found = _own_receipt(settings, ledger.requests(user_id), file.name, digest)
            if found is None:
                return Comparison(None, None, NO_RECEIPT)
            shutil.copyfile(found, receipt)
        comparison = compare(file, receipt, settings.receipt_public_keys, upload.password, limits)
    if comparison.subject and user_id is not None:
        _check_right(settings, user_id, comparison.subject)
    return comparison


def plain_name(given: str) -> str:
    """Returns a name that is safe to give to a file, from what a browser or anybody sent."""
    name = visible(re.split(r"[/\\]", given)[-1]).replace("\\", "_").strip()
    if not name or name.startswith(".") or name == "receipt":
        name = f"file{name}"
    return name.encode()[-MAX_REPORT_NAME:].decode("utf-8", "ignore")


def _store(content: IO[bytes], file: Path) -> str:
    """Writes what was sent to a file in a private folder, and returns its SHA-256."""
    with file.open("xb") as stored:
        shutil.copyfileobj(content, stored)
    with file.open("rb") as stored:
        return hashlib.file_digest(stored, "sha256").hexdigest()


def _own_receipt(
    settings: Settings, requests: Sequence[Request], name: str, digest: str
) -> Path | None:
    """Returns the receipt of a file among those of some requests: the one with its SHA-256, or
    else the newest for its name."""
    done = [one for one in requests if one.status == Status.SUCCESS][:MAX_REQUESTS]
    folders = [folder_of(root, one) for one in done for root in roots(settings)]
    named = [receipt_path(folder / COPY.sub("", name)) for folder in folders]
    found = [receipt for receipt in named if receipt.is_file()]
    originals = (
        receipt.path
        for folder in [*(receipt.parent for receipt in found), *folders]
        for receipt in receipts_in(folder)
        if receipt.sha256 == digest
    )
    return next(originals, None) or next(iter(found), None)


def _check_right(settings: Settings, user_id: str, subject: Subject) -> None:
    """Raises NotFound or PermissionDenied if a receipt is about what a user may not see."""
    with open_marts(settings) as marts, marts.state():
        requester = find_requester(marts, user_id)
        is_own = any(course.id == subject.course_id for course in courses(marts, "", requester))
        own = batches(marts, subject.course_id, requester) if is_own else []
    known = {batch.id: batch for batch in own}
    of_receipt = [known.get(batch_id) for batch_id in subject.batch_ids]
    org = requester.root_org_id if requester else None
    is_of_own_org = org is not None and subject.root_org_id == org
    if not is_own or not all(
        batch and (batch.sees_all_learners or is_of_own_org) for batch in of_receipt
    ):
        raise NotFound("There is no such receipt.")
