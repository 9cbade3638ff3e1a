"""Hidden files for what is not complete yet, and how those of killed processes are found.

Each is locked by the process that writes it. The lock ends with the process, however it ends.
"""

import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from exhaust.errors import Busy
from exhaust.permissions import set_mode

HOST = sha256(os.uname().nodename.encode()).hexdigest()[:8]
NAMING = ".exhaust-naming.lock"
PART = re.compile(rf"\.exhaust-([0-9a-f]{{8}})-[0-9a-f]{{16}}\.(?:part|try)|{re.escape(NAMING)}")
"""The name of a part or of a try's folder: the machine that writes it, and what nobody can predict;
or of the lock."""
FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""How hidden files are opened: what others have put at their names is neither followed nor waited
for."""
FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
DAY_SECONDS = 86_400
"""After this time without a write, a part of another machine is dead. Locks may not reach there."""
LOCK_SECONDS = 10.0
"""How long naming waits for another process, which needs a millisecond."""
PAUSE_SECONDS = 0.005


@contextmanager
def new_part(folder: Path, *, is_private: bool) -> Iterator[tuple[Path, BinaryIO]]:
    """Opens a new hidden file for writing. It is removed at the end, unless it was renamed."""
    path, descriptor = _create(folder)
    try:
        set_mode(descriptor, is_private=is_private)
        # The lock lasts as long as one of the two descriptors is open.
        with os.fdopen(os.dup(descriptor), "wb") as file:
            yield path, file
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Removes the parts, and the folders of tries, that dead processes have left in a folder."""
    with suppress(OSError), os.scandir(folder) as entries:
        for found in [match for entry in entries if (match := PART.fullmatch(entry.name))]:
            with suppress(OSError):
                _remove_if_dead(folder / found[0], is_local=found[1] in (HOST, None))


@contextmanager
def naming(folder: Path) -> Iterator[None]:
    """Lets one process, and one thread of it, at a time give names to files in a folder.

    Raises Busy. Where it cannot lock, such as in another user's folder, it does not wait.
    """
    path = folder / NAMING
    descriptor = _lock_name(path)
    try:
        yield
    finally:
        if descriptor is not None:
            # Still locked: whoever waits for it finds out that its name is gone.
            path.unlink(missing_ok=True)
            os.close(descriptor)


def _create(folder: Path) -> tuple[Path, int]:
    """Creates and locks a part; a sweep that comes in between takes one away, but not the next."""
    while True:
        path = folder / f".exhaust-{HOST}-{secrets.token_hex(8)}.part"
        descriptor = os.open(path, FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
        if lock_new(descriptor, path):
            return path, descriptor
        os.close(descriptor)


def lock_new(descriptor: int, path: Path) -> bool:
    """Locks what was just created at a path; returns whether no sweep was there before."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # The file system has no locks.
    return _has_name(descriptor, path)


def _remove_if_dead(path: Path, *, is_local: bool) -> None:
    """Raises OSError if the part is locked, or cannot be: then it is left alone."""
    is_folder = path.suffix == ".try"
    descriptor = os.open(path, FOLDER_FLAGS if is_folder else FLAGS)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_local or time.time() - os.fstat(descriptor).st_mtime > DAY_SECONDS:
            shutil.rmtree(path) if is_folder else path.unlink()
    finally:
        os.close(descriptor)


def _lock_name(path: Path) -> int | None:
    """Returns the descriptor of the locked file, or None where there can be none."""
    end = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            descriptor = os.open(path, FLAGS | os.O_CREAT, 0o600)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _has_name(descriptor, path):
                return descriptor
        except BlockingIOError:
            pass
        except OSError:
            os.close(descriptor)
            return None
        os.close(descriptor)
        if time.monotonic() > end:
            raise Busy(f"{path} is held by another process.", "End it, then run the command again.")
        time.sleep(PAUSE_SECONDS)


def _has_name(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False
