"""Temporary files for what DuckDB cannot read as it lies: members of archives, odd gzip, UTF-8
with a byte order mark.

On Linux they have no name: they are gone when the process ends, even if it is killed.
"""

import io
import os
import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from exhaust.errors import ExhaustError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

try:
    import resource
except ImportError:  # Windows has no limits of this kind.
    resource = None  # type: ignore[assignment]

DESCRIPTORS = Path("/proc/self/fd")
"""Where Linux lists the open files of a process, each under its number."""


class Spool:
    """Bytes in a temporary file, there as long as this object is."""

    path: str
    """What DuckDB opens. It may name a descriptor of this process, and ends with it."""

    def __init__(self, file: BinaryIO) -> None:
        self.path = f"/proc/{os.getpid()}/fd/{file.fileno()}" if DESCRIPTORS.is_dir() else file.name
        self.close = weakref.finalize(self, file.close)

    def __reduce__(self) -> tuple[type["Borrowed"], tuple[str]]:
        """Processes that help this one read what it keeps."""
        return Borrowed, (self.path,)


class Borrowed(Spool):
    """Bytes that another process keeps."""

    def __init__(self, path: str) -> None:
        self.path = path


def spooled(write: Callable[[BinaryIO], None]) -> Spool:
    """Hands a temporary file to `write` and keeps what it writes there.

    Raises ExhaustError if the temporary folder has no room or cannot be written to; and what
    `write` raises.
    """
    _allow_many_files()
    try:
        file = cast(
            BinaryIO,
            tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
            if DESCRIPTORS.is_dir()
            else tempfile.NamedTemporaryFile(prefix="exhaust-", buffering=0),  # noqa: SIM115
        )
    except OSError as error:
        raise _not_written(error) from error
    spool = Spool(file)
    # It only flushes: the file stays open after it.
    writer = io.BufferedWriter(_Raw(file))
    write(cast(BinaryIO, writer))
    writer.flush()
    return spool


class _Raw(io.RawIOBase):
    """A file whose errors say that it was a temporary one; else they would be taken for errors of
    the file that is read at the same time."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            raise _not_written(error) from error


def _not_written(error: OSError) -> ExhaustError:
    return ExhaustError(
        f"A temporary file cannot be written: {error.strerror or error}.",
        "Packed files are unpacked there to be loaded. Free some space in the temporary folder "
        f"({_folder()}), or set TMPDIR to a folder with room.",
    )


def _folder() -> str:
    try:
        return tempfile.gettempdir()
    except OSError:
        return "there is none"


def _allow_many_files() -> None:
    """Lets this process hold as many files as the system allows: an extract may have thousands."""
    if resource is not None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            with suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
