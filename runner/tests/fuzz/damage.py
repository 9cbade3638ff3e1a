"""Mutations of bytes: what may happen to a file after it was written, or on its way."""

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
    """Changes one bit."""
    if not content:
        return content
    at = random.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << random.randrange(8)]) + content[at + 1 :]


def cut(random: Random, content: bytes) -> bytes:
    """Ends the file early."""
    return content[: random.randint(0, len(content))]


def behead(random: Random, content: bytes) -> bytes:
    """Begins the file late."""
    return content[random.randint(0, min(len(content), 200)) :]


def insert(random: Random, content: bytes) -> bytes:
    """Puts an odd piece somewhere."""
    at = random.randint(0, len(content))
    return content[:at] + random.choice(PIECES) + content[at:]


def append(random: Random, content: bytes) -> bytes:
    """Puts an odd piece at the end, or the file once more."""
    return content + random.choice((*PIECES, content, bytes(512)))


def remove(random: Random, content: bytes) -> bytes:
    """Leaves out a stretch."""
    at = random.randint(0, len(content))
    return content[:at] + content[at + random.choice((1, 1, 2, 10, 1000)) :]


def double(random: Random, content: bytes) -> bytes:
    """Writes a stretch twice."""
    at = random.randint(0, len(content))
    length = random.choice((1, 10, 100, 4096))
    return content[: at + length] + content[at:]


def swap_ends(random: Random, content: bytes) -> bytes:
    """Ends lines the other way, also inside values."""
    if b"\r\n" in content:
        return content.replace(b"\r\n", b"\n")
    return content.replace(b"\n", random.choice((b"\r\n", b"\r")))


def mark(random: Random, content: bytes) -> bytes:
    """Puts a byte order mark before it."""
    return random.choice((codecs.BOM_UTF8, codecs.BOM_UTF8 * 2, codecs.BOM_UTF16_LE)) + content


def encode(random: Random, content: bytes) -> bytes:
    """Writes it in another encoding."""
    encoding = random.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"))
    return content.decode("utf-8", "replace").encode(encoding, "replace")


def empty(random: Random, content: bytes) -> bytes:
    """Leaves nothing, or nothing but white space."""
    return random.choice((b"", b"\n", b" ", b"\r\n\r\n"))


def blank_lines(random: Random, content: bytes) -> bytes:
    """Puts empty lines at the end."""
    return content + random.choice((b"\n", b"\n\n", b"\r\n"))


CONTENT: dict[Damage, float] = {
    flip: 8,
    cut: 4,
    behead: 1,
    insert: 8,
    append: 2,
    remove: 4,
    double: 2,
    swap_ends: 2,
    mark: 2,
    encode: 2,
    empty: 1,
    blank_lines: 1,
}


def change_content(random: Random, content: bytes) -> tuple[bytes, str]:
    """A file's content with one damage, and what it is."""
    damages, weights = zip(*CONTENT.items(), strict=True)
    damage = random.choices(damages, weights)[0]
    return damage(random, content), damage.__name__


def gzip_header(random: Random, content: bytes) -> bytes:
    """Gzip with all that a header may have: name, comment, extra field, its own checksum."""
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
    """Gzip in several members, some empty, maybe padded with zeros."""
    at = random.randint(0, len(content))
    members = [content[:at], b"", content[at:]]
    return b"".join(gzip.compress(member, mtime=0) for member in members) + bytes(
        random.choice((0, 0, 512))
    )


def pack(random: Random, files: Files) -> str:
    """Packs a file with gzip, in one of the ways that gzip allows."""
    plain = [name for name in files if name.endswith((".csv", ".json", ".jsonl"))]
    if not plain:
        return "nothing: no file to pack"
    name = random.choice(plain)
    way = random.choice((gzip_header, gzip_members))
    files[f"{name}.gz"] = way(random, files.pop(name))
    return f"{name} packed by {way.__name__}"


def add_marker(random: Random, files: Files) -> str:
    """Puts a file beside the others, or in one of their folders, that is no part of the data."""
    folder = random.choice(["", *(f"{name.rpartition('/')[0]}/" for name in files if "/" in name)])
    name = random.choice(
        ("_SUCCESS", ".user.csv.crc", "._user.csv", ".DS_Store", "schema.cql", "manifest.json")
    )
    files[folder + name] = random.choice((b"", b"\0\0\0\1", b"{}", b"x,y\n1,2\n"))
    return f"{folder}{name} put there"


def split(random: Random, files: Files) -> str:
    """Makes parts of a CSV or a file of JSON lines: between lines, or anywhere."""
    whole = [name for name in files if name.endswith((".csv", ".jsonl")) and "/" not in name]
    if not whole:
        return "nothing: no file to split"
    name = random.choice(whole)
    content = files.pop(name)
    stem, _, ending = name.partition(".")
    at = content.find(b"\n", random.randint(0, len(content))) + 1
    head = content[: content.find(b"\n") + 1] if ending == "csv" else b""
    files[f"{stem}/part-1.{ending}"] = content[:at] if at else content
    files[f"{stem}/part-2.{ending}"] = head + content[at:] if at else head
    return f"{name} in two parts"


def rename(random: Random, files: Files) -> str:
    """Gives a file another ending."""
    name = random.choice(list(files))
    stem = name.rpartition("/")[2].partition(".")[0]
    endings = (".csv", ".csv.gz", ".jsonl", ".json", ".parquet", ".CSV", ".txt", ".tar.gz", "")
    other = name.rpartition("/")[0] + "/" * ("/" in name) + stem + random.choice(endings)
    files[other] = files.pop(name)
    return f"{name} is called {other}"


def twice(random: Random, files: Files) -> str:
    """Puts a table there in a second form."""
    name = random.choice(list(files))
    stem = name.rpartition("/")[2].partition(".")[0]
    other = random.choice((f"{stem}.jsonl", f"sunbird/{stem}.csv", f"{stem}.csv.gz"))
    files.setdefault(other, files[name])
    return f"{name} is also there as {other}"


def exchange(random: Random, files: Files) -> str:
    """Gives two files each other's contents."""
    one, other = random.choices(list(files), k=2)
    files[one], files[other] = files[other], files[one]
    return f"{one} and {other} exchanged"


FILES: dict[Callable[[Random, Files], str], float] = {
    pack: 4,
    add_marker: 3,
    split: 3,
    rename: 1,
    twice: 1,
    exchange: 1,
}
HARMLESS = (pack, add_marker)
"""What changes nothing of the data."""


def change_files(random: Random, files: Files) -> tuple[str, bool]:
    """Changes files in place; says what was done, and whether the data is still the same."""
    changes, weights = zip(*FILES.items(), strict=True)
    change = random.choices(changes, weights)[0]
    return change(random, files), change in HARMLESS
