"""A private folder for what one try to make or read a file needs on disk meanwhile.

It is hidden, readable by its owner only, and locked by its process, as parts are. `sweep` removes
those of killed processes.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from exhaust.reports.files import plain_errors
from exhaust.reports.parts import FOLDER_FLAGS, HOST, lock_new, sweep


@contextmanager
def try_folder(parent: Path | None = None) -> Iterator[Path]:
    """Makes a folder of mode 700, and removes it with all that is in it at the end.

    Without a parent it is in the system's folder for temporary files. Raises UsageError or
    DiskFull if it cannot be made.
    """
    if parent is None:
        parent = Path(tempfile.gettempdir())
        sweep(parent)
    with plain_errors(parent):
        folder, descriptor = _create(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _create(parent: Path) -> tuple[Path, int]:
    """Creates and locks a folder; a sweep that comes in between takes one away, not the next."""
    while True:
        folder = parent / f".exhaust-{HOST}-{secrets.token_hex(8)}.try"
        folder.mkdir(mode=0o700)
        with suppress(FileNotFoundError):
            descriptor = os.open(folder, FOLDER_FLAGS)
            if lock_new(descriptor, folder):
                return folder, descriptor
            os.close(descriptor)
