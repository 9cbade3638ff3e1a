"""Report files: their names, their folders, and what the system says about writing them."""

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from exhaust import permissions
from exhaust.errors import DiskFull, ExhaustError, UsageError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
DISK_ERRORS = (errno.EIO, errno.EFBIG)
"""Errors of the machine, not of the path that was given."""
MAX_NAME_BYTES = 255
"""Bytes of a file's name that file systems allow."""
RECEIPT = ".receipt.json"
"""What a receipt's name has after that of its report."""
ZIP = ".zip"
"""What the name of a report has after it if a zip protects the report."""
INDEX_ENDING = "_index.csv"
"""The ending of the list of the files of a split."""
MAX_REPORT_NAME = MAX_NAME_BYTES - len(RECEIPT) - len(ZIP)


def file_name(
    kind: str, batch_id: str, day: date, course_id: str | None = None, ending: str = ".csv"
) -> str:
    """Returns `<batch id>_<kind>_<yyyymmdd><ending>`, after `<course id>_` if one is given.

    Long IDs are shortened, so that the receipt's name fits too.
    """
    ids = [batch_id] if course_id is None else [course_id, batch_id]
    return fitting("_".join(map(_encoded, ids)), f"_{kind}_{day:%Y%m%d}{ending}", MAX_REPORT_NAME)


def part_path(path: Path, part: str) -> Path:
    """Returns the path of a file of a split, from that of the whole report."""
    ending = "".join(path.suffixes[-1:])
    name = f"{path.name.removesuffix(ending)}_{part}"
    return path.with_name(fitting(name, ending, MAX_REPORT_NAME))


def fitting(name: str, ending: str, most: int) -> str:
    """Returns a name with its ending; one that is too long becomes its start and a hash of it."""
    encoded = os.fsencode(name)
    if len(encoded) + len(ending) <= most:
        return name + ending
    # No name of a report that was not shortened has a `~`.
    mark = f"~{sha256(encoded).hexdigest()[:16]}"
    start = encoded[: most - len(mark + ending)].decode("utf-8", "ignore")
    return re.sub("%.?$", "", start) + mark + ending


def _encoded(name: str) -> str:
    encoded = quote(name, safe="").replace("~", "%7E")
    return "%2E" + encoded[1:] if encoded.startswith(".") else encoded


def make_folder(folder: Path, *, is_private: bool = False) -> None:
    """Makes a folder and its parents. Raises UsageError if it cannot."""
    with plain_errors(folder):
        permissions.make_folder(folder, is_private=is_private)


def check_file(path: Path) -> None:
    """Raises UsageError if a report cannot be written to this path."""
    with plain_errors(path):
        if path.is_dir():
            raise UsageError(
                f"{path} is a folder.",
                "Give a file, or use --output-dir to write one file per batch.",
            )
        if not path.parent.is_dir():
            raise UsageError(f"There is no folder {path.parent}.", "Create it, or give another.")


def is_device(path: Path) -> bool:
    """Returns whether a path that somebody named is written to directly.

    It then is a device or a named pipe, or a link to anything in the system's own folders, such as
    /dev/stdout. Other links may have been planted: they are not followed.
    """
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    if stat.S_ISLNK(mode):
        folder = os.path.realpath(path.parent)
        return folder == "/dev" or folder.startswith("/proc/")
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


@contextmanager
def plain_errors(name: object) -> Iterator[None]:
    """Raises our errors for what the system reports about writing to `name`; a closed pipe stays
    a BrokenPipeError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno in NO_ROOM:
            raise DiskFull(f"{name} cannot be written: {error.strerror or error}") from error
        kind = ExhaustError if error.errno in DISK_ERRORS else UsageError
        raise kind(
            f"{name} cannot be written: {error.strerror or error}.",
            "Give another path with -o or --output-dir."
            if kind is UsageError
            else "Check the disk and run the command again. No incomplete report was left behind.",
        ) from error
