"""Several files as one zip that is sent while it is made."""

import time
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

PIECE = 1 << 20
STORED = (".xlsx", ".zip")
"""What is compressed already."""


class _Pieces:
    """A file to be written to, from which what was written is taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def zipped(files: Iterable[Path]) -> Iterator[bytes]:
    """Yields a zip of files, by their names, in pieces."""
    pieces = _Pieces()
    with zipfile.ZipFile(pieces, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for path in files:
            with path.open("rb") as file:
                made = time.gmtime(path.stat().st_mtime)[:6]
                entry = zipfile.ZipInfo(path.name, made)
                entry.compress_type = (
                    zipfile.ZIP_STORED if path.suffix in STORED else zipfile.ZIP_DEFLATED
                )
                # The size is not known before the file has been read: it may need 64 bits.
                with archive.open(entry, "w", force_zip64=True) as member:
                    while piece := file.read(PIECE):
                        member.write(piece)
                        yield pieces.take()
            yield pieces.take()
    yield pieces.take()
