"""Decompresses gzip files as strictly as `gzip -t`.

Python's own reader accepts trailing bytes after zero padding, undefined flags, and headers with a
wrong checksum. DuckDB's reader verifies no checksum and does not support every header.
"""

import gzip
import io
import zlib
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAGIC = b"\x1f\x8b"
DAMAGED = "it is damaged or truncated"
EXTRA_DATA = "it has extra data after its end"
GZIP_WBITS = 31
"""The `wbits` value with which zlib reads a gzip header and verifies the checksum."""
DUCKDB_FLAGS = 0x04 | 0x08
"""The header flags FEXTRA and FNAME. DuckDB refuses FTEXT, FHCRC and FCOMMENT."""
FLAGS_OFFSET = 3
CHUNK_BYTES = 1 << 14
"""How much is read at a time. Bytes after the end of a member are copied, so larger chunks would
make files with many small members slow."""


def decompressed(compressed: BinaryIO) -> io.BufferedReader:
    """Opens the contents of a gzip file.

    Reading raises gzip.BadGzipFile, with the reason, for everything that `gzip -t` refuses.
    """
    return io.BufferedReader(_Decompressor(compressed), 1 << 17)


def is_refused_by_duckdb(stream: BinaryIO) -> bool:
    """Whether a stream that was read to its end came from a gzip file that DuckDB cannot read."""
    raw = getattr(stream, "raw", None)
    return isinstance(raw, _Decompressor) and raw.is_refused_by_duckdb


class _Decompressor(io.RawIOBase):
    def __init__(self, compressed: BinaryIO) -> None:
        self.is_refused_by_duckdb = False
        self._compressed = compressed
        self._pending = b""
        """Compressed bytes that were read but not yet decompressed."""
        self._begin()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer).cast("B")
        data = self._read(len(view))
        view[: len(data)] = data
        return len(data)

    def _read(self, size: int) -> bytes:
        while True:
            if self._member.eof and not self._has_next():
                return b""
            if not self._pending and not self._fill():
                raise gzip.BadGzipFile(DAMAGED)
            try:
                data = self._member.decompress(self._pending, size)
            except zlib.error as error:
                raise gzip.BadGzipFile(DAMAGED) from error
            self._pending = self._member.unconsumed_tail or self._member.unused_data
            if data:
                return data

    def _begin(self) -> None:
        """Starts a member and inspects its header, which zlib then parses again."""
        self._member = zlib.decompressobj(GZIP_WBITS)
        while len(self._pending) <= FLAGS_OFFSET and self._fill():
            pass
        flags = self._pending[FLAGS_OFFSET : FLAGS_OFFSET + 1]
        self.is_refused_by_duckdb = self.is_refused_by_duckdb or any(
            flag & ~DUCKDB_FLAGS for flag in flags
        )

    def _has_next(self) -> bool:
        """Starts the next member, if any. The last one may be followed by zero padding."""
        if not self._pending and not self._fill():
            return False
        if self._pending[0]:
            self._begin()
            if MAGIC.startswith(self._pending[: len(MAGIC)]):
                return True
            raise gzip.BadGzipFile(EXTRA_DATA)
        self.is_refused_by_duckdb = True
        while not self._pending.strip(b"\0"):
            self._pending = b""
            if not self._fill():
                return False
        raise gzip.BadGzipFile(EXTRA_DATA)

    def _fill(self) -> bool:
        chunk = self._compressed.read(CHUNK_BYTES)
        self._pending += chunk
        return bool(chunk)
