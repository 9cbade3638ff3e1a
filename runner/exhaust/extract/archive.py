"""A keyspace packed as a tar archive: its members, each kept in a temporary file."""

import gzip
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from exhaust.errors import DataError
from exhaust.extract.part import Part
from exhaust.extract.spool import spooled

ENDINGS = (".tar.gz", ".tgz", ".tar")


def is_archive(name: str) -> bool:
    return name.lower().endswith(ENDINGS)


def members(
    path: Path, name: str, is_wanted: Callable[[PurePosixPath], bool]
) -> Iterator[tuple[PurePosixPath, Part | None]]:
    """The files in an archive, by their paths in it; as parts, unpacked, those that are wanted.

    `name` is the archive's path within the extract. Raises DataError if it cannot be read
    to its end.
    """
    with _plain_errors(name), path.open("rb") as packed:
        stream = _unpacked(packed, path.name)
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                inner = PurePosixPath(member.name)
                if not member.isreg():
                    continue
                part = None
                if is_wanted(inner):
                    content = archive.extractfile(member)
                    assert content is not None  # noqa: S101
                    part = _kept(path, f"{name}/{inner}", content)
                yield inner, part
        # What follows the last member holds the checksum.
        while stream.read(1 << 20):
            pass


def _unpacked(packed: BinaryIO, name: str) -> BinaryIO:
    return packed if name.lower().endswith(".tar") else cast(BinaryIO, gzip.open(packed))


def _kept(path: Path, name: str, content: IO[bytes]) -> Part:
    stream = gzip.GzipFile(fileobj=content) if name.lower().endswith(".gz") else content
    return Part(path, name, spooled(lambda to: shutil.copyfileobj(stream, to, 1 << 20)))


@contextmanager
def _plain_errors(name: str) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{name}: this is not a whole archive: it is damaged or cut short.",
            "Copy it again from where it was written. `tar -tzf` reads one that is whole.",
        ) from error
    except OSError as error:
        raise DataError(f"{name}: this cannot be read: {error.strerror or error}.") from error
