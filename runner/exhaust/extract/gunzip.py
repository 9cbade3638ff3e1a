"""Unpacks gzip files, and is as strict as `gzip -t`.

Python's own reader takes bytes that follow the zeros after a file, flags that nobody defined, and
headers whose checksum is wrong. DuckDB's checks no checksum at all, and does not know all headers.
"""

import gzip
import io
import zlib
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAGIC = b"\x1f\x8b"
DAMAGED = "it is damaged or cut short"
FOLLOWED = "something follows its end"
HEADER_AND_CHECKSUM = 31
"""The `wbits` under which zlib reads a gzip header, and checks what follows."""
READ_BY_DUCKDB = 0x04 | 0x08
"""The flags FEXTRA and FNAME. It refuses FTEXT, FHCRC and FCOMMENT."""
FLAGS_AT = 3
PACKED_CHUNK = 1 << 14
"""Bytes. What follows the end of a member is copied, so that more would be slow for small ones."""


def unpacked(packed: BinaryIO) -> io.BufferedReader:
    """What is in a gzip file. Reading raises gzip.BadGzipFile, with the reason, for what
    `gzip -t` refuses."""
    return io.BufferedReader(_Unpacked(packed), 1 << 17)


def is_odd(stream: BinaryIO) -> bool:
    """Whether a stream, read to its end, came out of a gzip file that DuckDB would refuse."""
    raw = getattr(stream, "raw", None)
    return isinstance(raw, _Unpacked) and raw.is_odd


class _Unpacked(io.RawIOBase):
    def __init__(self, packed: BinaryIO) -> None:
        self.is_odd = False
        self._packed = packed
        self._waiting = b""
        """Packed bytes that were read, and not yet unpacked."""
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
            if not self._waiting and not self._fill():
                raise gzip.BadGzipFile(DAMAGED)
            try:
                data = self._member.decompress(self._waiting, size)
            except zlib.error as error:
                raise gzip.BadGzipFile(DAMAGED) from error
            self._waiting = self._member.unconsumed_tail or self._member.unused_data
            if data:
                return data

    def _begin(self) -> None:
        """Looks at the header of a member; zlib reads it once more."""
        self._member = zlib.decompressobj(HEADER_AND_CHECKSUM)
        while len(self._waiting) <= FLAGS_AT and self._fill():
            pass
        flags = self._waiting[FLAGS_AT : FLAGS_AT + 1]
        self.is_odd = self.is_odd or any(flag & ~READ_BY_DUCKDB for flag in flags)

    def _has_next(self) -> bool:
        """Begins the next member if there is one; zeros may follow the last, as on tapes."""
        if not self._waiting and not self._fill():
            return False
        if self._waiting[0]:
            self._begin()
            if MAGIC.startswith(self._waiting[: len(MAGIC)]):
                return True
            raise gzip.BadGzipFile(FOLLOWED)
        self.is_odd = True
        while not self._waiting.strip(b"\0"):
            self._waiting = b""
            if not self._fill():
                return False
        raise gzip.BadGzipFile(FOLLOWED)

    def _fill(self) -> bool:
        chunk = self._packed.read(PACKED_CHUNK)
        self._waiting += chunk
        return bool(chunk)
