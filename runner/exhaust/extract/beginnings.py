"""What the first bytes of a file tell, if it is not the text that its name promises."""

import re

from exhaust.extract.faults import Fault, conversion
from exhaust.extract.gunzip import MAGIC as GZIP

MAX_VALUE = 16
"""Bytes that are looked at."""

PACKED = {
    "bzip2": re.compile(rb"BZh\d1AY&SY"),
    "xz": re.compile(rb"\xfd7zXZ\0"),
    "zip": re.compile(rb"PK\x03\x04"),
    "zstd": re.compile(rb"\x28\xb5\x2f\xfd"),
}

ENCODINGS = {
    # UTF-32 first: its marks begin as those of UTF-16.
    "UTF-32LE": re.compile(rb"\xff\xfe\0\0|[^\0]\0\0\0"),
    "UTF-32BE": re.compile(rb"\0\0\xfe\xff|\0\0\0[^\0]"),
    "UTF-16LE": re.compile(rb"\xff\xfe|[^\0]\0[^\0]\0"),
    "UTF-16BE": re.compile(rb"\xfe\xff|\0[^\0]\0[^\0]"),
}
"""How text begins in each: with a byte order mark, or with ASCII characters."""


def check_beginning(head: bytes, *, is_unpacked: bool) -> None:
    """Raises a Fault for the beginning of a file that is neither CSV nor JSON in UTF-8.

    `is_unpacked` tells that the file was a gzip file, and was unpacked.
    """
    if head.startswith(GZIP):
        if is_unpacked:
            raise Fault(1, "this is packed with gzip twice", "Unpack it once with gunzip.")
        raise Fault(
            1,
            "this is packed with gzip, but its name does not end in .gz",
            "Add .gz to its name.",
        )
    for tool, magic in PACKED.items():
        if magic.match(head):
            raise Fault(1, f"this is packed with {tool}", "Unpack it, or pack it with gzip.")
    if head.startswith(b"PAR1"):
        raise Fault(
            1,
            "this is a Parquet file, but its name does not end in .parquet",
            "Change the ending of its name.",
        )
    for encoding, beginning in ENCODINGS.items():
        if beginning.match(head):
            raise Fault(1, f"this is not UTF-8, but {encoding}", conversion(encoding))
