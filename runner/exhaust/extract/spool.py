"""Temporary copies of what DuckDB cannot read directly.

These are members of archives, unusual gzip files, and UTF-8 with a byte order mark. On Linux the
copies have no name, so they disappear when the process ends, even if it is killed.
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
except ImportError:  # Windows has no such limit.
    resource = None  # type: ignore[assignment]

DESCRIPTORS = Path("/proc/self/fd")
"""Where Linux lists the open files of a process by number."""


class Spool:
    """Bytes in a temporary file, which exists as long as this object."""

    path: str
    """The path that DuckDB opens. It may name a descriptor of this process and end with it."""

    def __init__(self, file: BinaryIO) -> None:
        self.path = f"/proc/{os.getpid()}/fd/{file.fileno()}" if DESCRIPTORS.is_dir() else file.name
        self.close = weakref.finalize(self, file.close)

    def __reduce__(self) -> tuple[type["Borrowed"], tuple[str]]:
        """Pickles the path only, so that worker processes can read the file."""
        return Borrowed, (self.path,)


class Borrowed(Spool):
    """A spool that another process owns."""

    def __init__(self, path: str) -> None:
        self.path = path


def spooled(write: Callable[[BinaryIO], None]) -> Spool:
    """Passes a temporary file to `write` and returns it as a spool.

    Raises ExhaustError if the temporary folder is full or not writable, and whatever `write`
    raises.
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
    # When the writer is discarded, it only flushes; the file stays open.
    writer = io.BufferedWriter(_Raw(file))
    write(cast(BinaryIO, writer))
    writer.flush()
    return spool


class _Raw(io.RawIOBase):
    """A file whose errors say that it is temporary, so that they are not mistaken for errors of the
    file that is read at the same time."""

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
        f"Cannot write a temporary file: {error.strerror or error}.",
        "A load unpacks files there. Free some space in the temporary folder "
        f"({_folder()}), or set TMPDIR to a folder with more space.",
    )


def _folder() -> str:
    try:
        return tempfile.gettempdir()
    except OSError:
        return "none found"


def _allow_many_files() -> None:
    """Raises the limit of open files to what the system allows. An extract may have thousands."""
    if resource is not None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            with suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
