"""Who may read the files that exhaust creates.

Warehouses, ledgers, the files of requests and logs are *private*: only their owner may read them,
unless EXHAUST_UMASK says otherwise. Reports that somebody asked for follow the caller's own umask.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from exhaust.errors import UsageError

OWNER_ONLY = 0o077
"""The umask of private files."""
VARIABLE = "EXHAUST_UMASK"


class _Umask:
    """The umask of this process, which several threads may want to be private at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._callers = 0

    def callers(self) -> int:
        """Returns the umask that the process had before anything in it was private."""
        with self._lock:
            if not self._holders:
                self._callers = os.umask(OWNER_ONLY)
                os.umask(self._callers)
            return self._callers

    def hold(self, private: int) -> None:
        with self._lock:
            if not self._holders:
                self._callers = os.umask(private)
            self._holders += 1

    def release(self) -> None:
        with self._lock:
            self._holders -= 1
            if not self._holders:
                os.umask(self._callers)


_UMASK = _Umask()


def private_umask() -> int:
    """Returns the umask of private files, never wider than the caller's own.

    Raises UsageError if EXHAUST_UMASK is not an octal number.
    """
    text = os.environ.get(VARIABLE) or f"{OWNER_ONLY:03o}"
    try:
        wanted = int(text, 8)
    except ValueError:
        wanted = -1
    if not 0 <= wanted <= 0o777:
        raise UsageError(
            f"{VARIABLE} has to be an octal number, not `{text}`.",
            "For example: 027, so that the group may read.",
        )
    return wanted | _UMASK.callers()


@contextmanager
def private_files() -> Iterator[None]:
    """Makes what this process, and what it starts, creates in the block private.

    For libraries that create files themselves. In the block, only `make_folder` and `set_mode`
    follow the caller's umask.
    """
    _UMASK.hold(private_umask())
    try:
        yield
    finally:
        _UMASK.release()


def umask_for(*, is_private: bool) -> int:
    """Returns the umask of a private file, or else of one that somebody asked for."""
    return private_umask() if is_private else _UMASK.callers()


def private_opener(path: str, flags: int) -> int:
    """Opens a file that is private if it is new; for the `opener` of `open`."""
    return os.open(path, flags, 0o666 & ~private_umask())


def set_mode(descriptor: int, *, is_private: bool) -> None:
    """Gives a new file its permissions, where the file system has any."""
    with suppress(OSError):
        os.fchmod(descriptor, 0o666 & ~umask_for(is_private=is_private))


def make_folder(folder: Path, *, is_private: bool) -> None:
    """Creates a folder and its parents. Existing ones keep their permissions. Raises OSError."""
    mode = 0o777 & ~umask_for(is_private=is_private)
    for path in reversed([folder, *folder.parents]):
        try:
            path.mkdir(0o700)
        except OSError:
            if not path.is_dir():
                raise
            continue
        with suppress(OSError):
            # The folder above may have passed its group on.
            path.chmod(path.stat().st_mode & 0o7000 | mode)
