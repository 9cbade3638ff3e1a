"""Mutations of bytes: what may happen to a file after it was written, or in transit."""

import codecs
import gzip
import struct
import zlib
from collections.abc import Callable
from random import Random

Damage = Callable[[Random, bytes], bytes]
Files = dict[str, bytes]

PIECES = (
    *(b"\0", b"\n", b"\r", b"\r\n", b'"', b'""', b"\\", b'\\"', b",", b",,", b"\xff", b"\xc3"),
    *(b"\x80",),
    *(b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\x1a", b"{", b"}", b"[", b"]", b"'"),
    *(b":", b" ", b"\t", b"null", b"\n\n\n", b'"\n"', b'\n","', b"x" * 70_000, b'"' * 5, b"\\" * 5),
    *(b"\xc2\xa0", b"\x1f\x8b", b"PAR1", b"#", b"--", b"0" * 500),
)


def flip(random: Random, content: bytes) -> bytes:
    """Flips one bit."""
    if not content:
        return content
    offset = random.randrange(len(content))
    return (
        content[:offset]
        + bytes([content[offset] ^ 1 << random.randrange(8)])
        + content[offset + 1 :]
    )


def cut(random: Random, content: bytes) -> bytes:
    """Truncates the file."""
    return content[: random.randint(0, len(content))]


def cut_start(random: Random, content: bytes) -> bytes:
    """Drops the start of the file."""
    return content[random.randint(0, min(len(content), 200)) :]


def insert(random: Random, content: bytes) -> bytes:
    """Inserts an unusual piece."""
    offset = random.randint(0, len(content))
    return content[:offset] + random.choice(PIECES) + content[offset:]


def append(random: Random, content: bytes) -> bytes:
    """Appends an unusual piece, or the file itself."""
    return content + random.choice((*PIECES, content, bytes(512)))


def remove(random: Random, content: bytes) -> bytes:
    """Removes a stretch."""
    offset = random.randint(0, len(content))
    return content[:offset] + content[offset + random.choice((1, 1, 2, 10, 1000)) :]


def repeat(random: Random, content: bytes) -> bytes:
    """Repeats a stretch."""
    offset = random.randint(0, len(content))
    length = random.choice((1, 10, 100, 4096))
    return content[: offset + length] + content[offset:]


def swap_ends(random: Random, content: bytes) -> bytes:
    """Changes the line ends, even inside values."""
    if b"\r\n" in content:
        return content.replace(b"\r\n", b"\n")
    return content.replace(b"\n", random.choice((b"\r\n", b"\r")))


def add_bom(random: Random, content: bytes) -> bytes:
    """Puts a byte order mark at the start."""
    return random.choice((codecs.BOM_UTF8, codecs.BOM_UTF8 * 2, codecs.BOM_UTF16_LE)) + content


def encode(random: Random, content: bytes) -> bytes:
    """Re-encodes the file."""
    encoding = random.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"))
    return content.decode("utf-8", "replace").encode(encoding, "replace")


def empty(random: Random, content: bytes) -> bytes:
    """Leaves nothing, or only whitespace."""
    return random.choice((b"", b"\n", b" ", b"\r\n\r\n"))


def blank_lines(random: Random, content: bytes) -> bytes:
    """Appends empty lines."""
    return content + random.choice((b"\n", b"\n\n", b"\r\n"))


CONTENT: dict[Damage, float] = {
    flip: 8,
    cut: 4,
    cut_start: 1,
    insert: 8,
    append: 2,
    remove: 4,
    repeat: 2,
    swap_ends: 2,
    add_bom: 2,
    encode: 2,
    empty: 1,
    blank_lines: 1,
}


def change_content(random: Random, content: bytes) -> tuple[bytes, str]:
    """Returns the content of a file with one damage, and the name of the damage."""
    damages, weights = zip(*CONTENT.items(), strict=True)
    damage = random.choices(damages, weights)[0]
    return damage(random, content), damage.__name__


def gzip_header(random: Random, content: bytes) -> bytes:
    """Returns gzip with optional header fields: name, comment, extra field and header checksum."""
    flags = random.choice((0, 2, 4, 8, 16, 4 | 8 | 16, 2 | 4 | 8 | 16))
    head = b"\x1f\x8b\x08" + bytes([flags]) + bytes(4) + b"\x02\x03"
    head += struct.pack("<H", 4) + b"ab\0\0" if flags & 4 else b""
    head += b"name.csv\0" if flags & 8 else b""
    head += b"a comment\0" if flags & 16 else b""
    head += struct.pack("<H", zlib.crc32(head) & 0xFFFF) if flags & 2 else b""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    trailer = struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)
    return head + packer.compress(content) + packer.flush() + trailer


def gzip_members(random: Random, content: bytes) -> bytes:
    """Returns gzip in several members, some empty, possibly padded with zeros."""
    offset = random.randint(0, len(content))
    members = [content[:offset], b"", content[offset:]]
    return b"".join(gzip.compress(member, mtime=0) for member in members) + bytes(
        random.choice((0, 0, 512))
    )


def pack(random: Random, files: Files) -> str:
    """Compresses a file with gzip, in one of the ways that gzip allows."""
    plain = [name for name in files if name.endswith((".csv", ".json", ".jsonl"))]
    if not plain:
        return "nothing: no file to compress"
    name = random.choice(plain)
    compress = random.choice((gzip_header, gzip_members))
    files[f"{name}.gz"] = compress(random, files.pop(name))
    return f"{name} compressed by {compress.__name__}"


def add_marker(random: Random, files: Files) -> str:
    """Adds a marker or system file next to the data."""
    folder = random.choice(["", *(f"{name.rpartition('/')[0]}/" for name in files if "/" in name)])
    name = random.choice(
        ("_SUCCESS", ".user.csv.crc", "._user.csv", ".DS_Store", "schema.cql", "manifest.json")
    )
    files[folder + name] = random.choice((b"", b"\0\0\0\1", b"{}", b"x,y\n1,2\n"))
    return f"{folder}{name} added"


def split(random: Random, files: Files) -> str:
    """Splits a CSV or JSON lines file into two parts, between lines."""
    whole = [name for name in files if name.endswith((".csv", ".jsonl")) and "/" not in name]
    if not whole:
        return "nothing: no file to split"
    name = random.choice(whole)
    content = files.pop(name)
    stem, _, ending = name.partition(".")
    offset = content.find(b"\n", random.randint(0, len(content))) + 1
    head = content[: content.find(b"\n") + 1] if ending == "csv" else b""
    files[f"{stem}/part-1.{ending}"] = content[:offset] if offset else content
    files[f"{stem}/part-2.{ending}"] = head + content[offset:] if offset else head
    return f"{name} split into two parts"


def rename(random: Random, files: Files) -> str:
    """Gives a file another extension."""
    name = random.choice(list(files))
    stem = name.rpartition("/")[2].partition(".")[0]
    endings = (".csv", ".csv.gz", ".jsonl", ".json", ".parquet", ".CSV", ".txt", ".tar.gz", "")
    other = name.rpartition("/")[0] + "/" * ("/" in name) + stem + random.choice(endings)
    files[other] = files.pop(name)
    return f"{name} renamed to {other}"


def duplicate_table(random: Random, files: Files) -> str:
    """Adds a table a second time, in another form."""
    name = random.choice(list(files))
    stem = name.rpartition("/")[2].partition(".")[0]
    other = random.choice((f"{stem}.jsonl", f"sunbird/{stem}.csv", f"{stem}.csv.gz"))
    files.setdefault(other, files[name])
    return f"{name} copied to {other}"


def exchange(random: Random, files: Files) -> str:
    """Swaps the contents of two files."""
    one, other = random.choices(list(files), k=2)
    files[one], files[other] = files[other], files[one]
    return f"{one} and {other} exchanged"


FILES: dict[Callable[[Random, Files], str], float] = {
    pack: 4,
    add_marker: 3,
    split: 3,
    rename: 1,
    duplicate_table: 1,
    exchange: 1,
}
HARMLESS = (pack, add_marker)
"""Changes that leave the data the same."""


def change_files(random: Random, files: Files) -> tuple[str, bool]:
    """Changes files in place. Returns what was done, and whether the data is still the same."""
    changes, weights = zip(*FILES.items(), strict=True)
    change = random.choices(changes, weights)[0]
    return change(random, files), change in HARMLESS
