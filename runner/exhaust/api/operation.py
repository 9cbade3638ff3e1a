"""What operators see, and files that people send to be checked."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from exhaust.api.opening import ledger as _ledger
from exhaust.api.opening import marts as _marts
from exhaust.console import SILENCE

if TYPE_CHECKING:
    from exhaust.marts.set_aside import SetAside
    from exhaust.project.settings import Settings
    from exhaust.reports.caged import Comparison


@dataclass(frozen=True)
class DiskUse:
    """How much room the files of requests take, in bytes."""

    files: int
    bytes: int
    free: int
    """What the disk has left; 0 if there is no folder of results yet."""


def disk_use(project: "Settings") -> DiskUse:
    """Returns how much room the files of requests take, of all targets that share the folder."""
    from exhaust.requests.results import roots

    found = roots(project)
    sizes = [
        size
        # The folder of a target usually lies in the one that all targets share.
        for root in found
        if not {*root.parents} & {*found}
        for folder, _, names in os.walk(root)
        for name in names
        for size in [_size(Path(folder) / name)]
        if size is not None
    ]
    free = 0
    if project.results_dir.is_dir():
        disk = os.statvfs(project.results_dir)
        free = disk.f_bavail * disk.f_frsize
    return DiskUse(len(sizes), sum(sizes), free)


def _size(path: Path) -> int | None:
    """Returns the size of a file; None if a worker has just removed it."""
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return None


def set_aside(project: "Settings") -> "list[SetAside] | None":
    """Returns what the newest build set aside, and why, most rows first.

    None if that cannot be seen: see `exhaust.marts.set_aside`. Raises Busy while a build is
    running on DuckDB.
    """
    from exhaust.errors import DataError
    from exhaust.marts.set_aside import read_set_aside

    try:
        with _marts(project, None, SILENCE) as marts:
            return read_set_aside(marts.warehouse, project.profile.schema)
    except DataError:
        return None


def check_upload(
    project: "Settings",
    name: str,
    content: IO[bytes],
    receipt: IO[bytes] | None = None,
    *,
    user_id: str | None = None,
    password: str | None = None,
) -> "Comparison":
    """Compares a file that somebody sent with its receipt, in a process with limits.

    Without a receipt, it is looked for in the user's own requests. Raises NotFound or
    PermissionDenied if the receipt is about what the user may not see.
    """
    from exhaust.requests.uploads import Upload, check_upload

    with _ledger(project, user_id, writing=False) as ledger:
        upload = Upload(name, content, receipt, password)
        return check_upload(project, ledger, user_id, upload)
