"""The report's files: their names, and that each appears only when it is complete."""

import errno
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from exhaust.errors import ExhaustError, UsageError

DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
"""What is wrong with the machine, and not with the path given."""


def file_name(batch_id: str, day: date, course_id: str | None = None) -> str:
    """`<batch id>_progress_<yyyymmdd>.csv`, with `<course id>_` before it if one is given."""
    ids = [batch_id] if course_id is None else [course_id, batch_id]
    return f"{'_'.join(map(_encoded, ids))}_progress_{day:%Y%m%d}.csv"


def csv_line(values: Sequence[str]) -> bytes:
    """A line of CSV (RFC 4180): a value is quoted only if it has to be."""
    return (",".join(map(_field, values)) + "\n").encode()


def _field(text: str) -> str:
    if any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _encoded(name: str) -> str:
    encoded = quote(name, safe="").replace("~", "%7E")
    return "%2E" + encoded[1:] if encoded.startswith(".") else encoded


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it; UsageError if that cannot be."""
    with plain_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)


def check_file(path: Path) -> None:
    """UsageError if a report cannot be written to this path."""
    with plain_errors(path):
        if path.is_dir():
            raise UsageError(
                f"{path} is a folder.", "Give a file, or write one file a batch by --output-dir."
            )
        if not path.parent.is_dir():
            raise UsageError(f"There is no folder {path.parent}.", "Create it, or give another.")


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its name, and the place of one that is there, when the block has ended.

    If the block raises, nothing is left behind. A device or a named pipe is written to directly.
    """
    with plain_errors(path):
        # Through a link, so that the link stays and what it points at is replaced.
        path = Path(os.path.realpath(path))
        if is_device(path):
            with path.open("wb") as file:
                yield file
            return
        # Cut, so that the longest name allowed is still allowed with what stands around it.
        part = path.with_name(f".{path.name[:60]}.{secrets.token_hex(4)}.part")
        try:
            with part.open("xb") as file:
                yield file
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def is_device(path: Path) -> bool:
    """Whether what stands there is written to as it is: a device or a named pipe."""
    return path.exists() and not path.is_file()


@contextmanager
def plain_errors(name: object) -> Iterator[None]:
    """Says what the system has against writing to `name`; a closed pipe is no error of its own."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        kind = ExhaustError if error.errno in DISK_ERRORS else UsageError
        raise kind(
            f"{name} cannot be written: {error.strerror or error}.",
            "Give another path by -o or --output-dir."
            if kind is UsageError
            else "Make room, and run the command again: no incomplete report was left behind.",
        ) from error
