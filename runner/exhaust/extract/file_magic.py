"""Recognises a file by its first bytes if it is not the UTF-8 text that its name promises."""

import re

from exhaust.extract.faults import Fault, conversion_hint
from exhaust.extract.gunzip import MAGIC as GZIP

HEAD_BYTES = 16
"""How many bytes are inspected."""

COMPRESSION_MAGIC = {
    "bzip2": re.compile(rb"BZh\d1AY&SY"),
    "xz": re.compile(rb"\xfd7zXZ\0"),
    "zip": re.compile(rb"PK\x03\x04"),
    "zstd": re.compile(rb"\x28\xb5\x2f\xfd"),
}

ENCODING_MAGIC = {
    # UTF-32 comes first because its byte order marks begin like those of UTF-16.
    "UTF-32LE": re.compile(rb"\xff\xfe\0\0|[^\0]\0\0\0"),
    "UTF-32BE": re.compile(rb"\0\0\xfe\xff|\0\0\0[^\0]"),
    "UTF-16LE": re.compile(rb"\xff\xfe|[^\0]\0[^\0]\0"),
    "UTF-16BE": re.compile(rb"\xfe\xff|\0[^\0]\0[^\0]"),
}
"""How text begins in each encoding: with a byte order mark or with ASCII characters."""


def check_magic(head: bytes, *, is_decompressed: bool) -> None:
    """Raises Fault if `head`, the start of a file, shows that it is neither CSV nor JSON in UTF-8.

    `is_decompressed` says that `head` has already been decompressed from gzip.
    """
    if head.startswith(GZIP):
        if is_decompressed:
            raise Fault(
                1, "the file is compressed with gzip twice", "Decompress it once with gunzip."
            )
        raise Fault(
            1,
            "the file is compressed with gzip, but its name does not end in .gz",
            "Add .gz to its name.",
        )
    for tool, magic in COMPRESSION_MAGIC.items():
        if magic.match(head):
            raise Fault(1, f"the file is compressed with {tool}", "Decompress it, or use gzip.")
    if head.startswith(b"PAR1"):
        raise Fault(
            1,
            "the file is Parquet, but its name does not end in .parquet",
            "Rename it to end in .parquet.",
        )
    for encoding, beginning in ENCODING_MAGIC.items():
        if beginning.match(head):
            raise Fault(1, f"the text is not UTF-8 but {encoding}", conversion_hint(encoding))
