"""Report files: their names, and that each appears only when it is complete."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from exhaust.errors import DiskFull, ExhaustError, UsageError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
DISK_ERRORS = (errno.EIO, errno.EFBIG)
"""Errors of the machine, not of the path that was given."""


def file_name(kind: str, batch_id: str, day: date, course_id: str | None = None) -> str:
    """Returns `<batch id>_<kind>_<yyyymmdd>.csv`, after `<course id>_` if one is given."""
    ids = [batch_id] if course_id is None else [course_id, batch_id]
    return f"{'_'.join(map(_encoded, ids))}_{kind}_{day:%Y%m%d}.csv"


def _encoded(name: str) -> str:
    encoded = quote(name, safe="").replace("~", "%7E")
    return "%2E" + encoded[1:] if encoded.startswith(".") else encoded


def make_folder(folder: Path) -> None:
    """Makes a folder and its parents. Raises UsageError if it cannot."""
    with plain_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)


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


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Opens a file that gets its name, and replaces a file of that name, when the block ends.

    If the block raises, nothing is left behind. A device or a named pipe is written to directly.
    """
    with plain_errors(path):
        # Resolved, so that a link stays and the file that it points to is replaced.
        path = Path(os.path.realpath(path))
        if is_device(path):
            with path.open("wb") as file:
                yield file
            return
        # Shortened, so that the longest name allowed is still allowed with the rest around it.
        part = path.with_name(f".{path.name[:60]}.{secrets.token_hex(4)}.part")
        try:
            with part.open("xb") as file:
                yield file
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def is_device(path: Path) -> bool:
    """Returns whether a path is written to directly, because it is a device or a named pipe."""
    return path.exists() and not path.is_file()


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
