"""A keyspace packed as a tar archive. Its members are unpacked into temporary files."""

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
    """Yields the path of every file in an archive, with its unpacked part if it is wanted.

    `name` is the path of the archive within the extract. Raises DataError if the archive cannot be
    read to its end.
    """
    with _errors_with_name(name), path.open("rb") as packed:
        stream = _decompressed(packed, path.name)
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                inner = PurePosixPath(member.name)
                if not member.isreg():
                    continue
                part = None
                if is_wanted(inner):
                    content = archive.extractfile(member)
                    assert content is not None  # noqa: S101
                    part = _spooled_part(path, f"{name}/{inner}", content)
                yield inner, part
        # The checksum comes after the last member: read to the end so that it is verified.
        while stream.read(1 << 20):
            pass


def _decompressed(packed: BinaryIO, name: str) -> BinaryIO:
    return packed if name.lower().endswith(".tar") else cast(BinaryIO, gzip.open(packed))


def _spooled_part(path: Path, name: str, content: IO[bytes]) -> Part:
    stream = gzip.GzipFile(fileobj=content) if name.lower().endswith(".gz") else content
    return Part(path, name, spooled(lambda to: shutil.copyfileobj(stream, to, 1 << 20)))


@contextmanager
def _errors_with_name(name: str) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{name}: invalid archive: it is damaged or truncated.",
            "Copy it again from the source. `tar -tzf` lists every file of an intact archive.",
        ) from error
    except OSError as error:
        raise DataError(f"{name}: cannot read the file: {error.strerror or error}.") from error
