import gzip
import struct
import zlib
from pathlib import Path

import duckdb
import pytest

from exhaust.errors import DataError
from exhaust.extract import gunzip
from exhaust.extract.folder import read_extract
from exhaust.extract.part import Part
from exhaust.project.sources import SourceTable

LINES = b"".join(b"%d,some text\n" % number for number in range(30_000))
FTEXT, FHCRC, FEXTRA, FNAME, FCOMMENT, RESERVED = 1, 2, 4, 8, 16, 32


def member(
    data: bytes,
    flags: int = 0,
    *,
    extra: bytes = b"AB\2\0xy",
    header_checksum: int = 0,
    checksum: int = 0,
    length: int = 0,
) -> bytes:
    """Returns a gzip file. Values other than 0 make the checksums or the length wrong."""
    header = b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0\0\3"
    if flags & FEXTRA:
        header += struct.pack("<H", len(extra)) + extra
    if flags & FNAME:
        header += b"name.csv\0"
    if flags & FCOMMENT:
        header += b"a comment\0"
    if flags & FHCRC:
        header += struct.pack("<H", (zlib.crc32(header) + header_checksum) & 0xFFFF)
    packer = zlib.compressobj(wbits=-15)
    ends = struct.pack("<II", (zlib.crc32(data) + checksum) & 0xFFFFFFFF, len(data) + length)
    return header + packer.compress(data) + packer.flush() + ends


def part_of(folder: Path, name: str, content: bytes) -> Part:
    (folder / name).write_bytes(content)
    return Part(folder / name, name)


def contents(part: Part) -> tuple[bytes, bool]:
    """Returns the bytes of a part, and whether DuckDB would refuse to read the file."""
    with part.open() as stream:
        return stream.read(), gunzip.is_refused_by_duckdb(stream)


def duckdb_reads(part: Part) -> bool:
    reader = (
        f"read_csv({part.sql_path}, auto_detect = false, columns = {{'a': 'text', 'b': 'text'}})"
    )
    try:
        duckdb.execute(f"select count(*) from {reader}").fetchall()
    except duckdb.Error:
        return False
    return True


WHOLE = [
    *(pytest.param(member(LINES, flags), LINES, id=f"flags {flags}") for flags in range(RESERVED)),
    pytest.param(member(LINES, FEXTRA | FNAME, extra=b"x" * 65_535), LINES, id="long extra field"),
    pytest.param(member(LINES) * 3, LINES * 3, id="members"),
    pytest.param(
        member(LINES) + member(LINES, FHCRC), LINES * 2, id="a member that DuckDB refuses"
    ),
    pytest.param(
        member(b"") + member(LINES) + member(b"") * 2 + member(LINES) + member(b""),
        LINES * 2,
        id="empty members",
    ),
    pytest.param(member(b"1,a\n") * 9_999, b"1,a\n" * 9_999, id="many members"),
    pytest.param(member(b""), b"", id="empty"),
    *(
        pytest.param(member(LINES) + b"\0" * size, LINES, id=f"{size} zeros")
        for size in (1, 512, 1 << 20)
    ),
]


@pytest.mark.parametrize(("compressed", "expected"), WHOLE)
def test_every_valid_gzip_file_is_read(tmp_path: Path, compressed: bytes, expected: bytes) -> None:
    part = part_of(tmp_path, "user.csv.gz", compressed)

    found, is_refused_by_duckdb = contents(part)

    assert found == expected
    assert is_refused_by_duckdb != duckdb_reads(part)
    assert duckdb_reads(part.spooled())


DAMAGED = [
    pytest.param(b"", id="no bytes"),
    pytest.param(LINES, id="not compressed"),
    *(
        pytest.param(member(LINES)[:size], id=f"truncated at {size}")
        for size in (1, 2, 3, 9, 10, 500)
    ),
    *(pytest.param(member(LINES)[:-size], id=f"without the last {size}") for size in (1, 4, 8, 9)),
    pytest.param(member(LINES, RESERVED), id="an unknown flag"),
    pytest.param(member(LINES, FHCRC, header_checksum=1), id="header checksum"),
    pytest.param(member(LINES, checksum=1), id="checksum"),
    pytest.param(member(LINES, length=1), id="length"),
    pytest.param(member(LINES, checksum=1) + member(LINES), id="checksum of the first member"),
    pytest.param(member(LINES) + member(LINES)[:-1], id="truncated second member"),
    pytest.param(member(LINES) + b"\x1f", id="started second member"),
]


@pytest.mark.parametrize("compressed", DAMAGED)
def test_damaged_gzip_is_refused(tmp_path: Path, compressed: bytes) -> None:
    part = part_of(tmp_path, "user.csv.gz", compressed)

    with pytest.raises(
        DataError, match=r"user\.csv\.gz: invalid gzip file: it is damaged or truncated"
    ) as raised:
        contents(part)

    assert raised.value.hint == "Copy it again from the source."


@pytest.mark.parametrize("rest", [b"x", b"garbage", b"\0\0x", b"\0" * 70_000 + member(LINES)])
def test_bytes_after_the_end_of_gzip_are_refused(tmp_path: Path, rest: bytes) -> None:
    with pytest.raises(DataError, match="gzip file: it has extra data after its end"):
        contents(part_of(tmp_path, "user.csv.gz", member(LINES) + rest))


def test_a_spooled_part_reads_its_decompressed_bytes(tmp_path: Path) -> None:
    part = part_of(tmp_path, "user.csv.gz", gzip.compress(b"xyz"))

    spooled = part.spooled(skip=1)

    assert contents(spooled) == (b"yz", False)
    assert spooled.size == 2
    assert spooled == part


HEADER = "userid,name\n1,é\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER.encode("utf-16"), "the text is not UTF-8 but UTF-16LE"),
        (HEADER.encode("utf-16-le"), "the text is not UTF-8 but UTF-16LE"),
        (HEADER.encode("utf-16-be"), "the text is not UTF-8 but UTF-16BE"),
        (b"\xfe\xff" + HEADER.encode("utf-16-be"), "the text is not UTF-8 but UTF-16BE"),
        (HEADER.encode("utf-32"), "the text is not UTF-8 but UTF-32LE"),
        (HEADER.encode("utf-32-le"), "the text is not UTF-8 but UTF-32LE"),
        (HEADER.encode("utf-32-be"), "the text is not UTF-8 but UTF-32BE"),
        (b"\0\0\xfe\xff" + HEADER.encode("utf-32-be"), "the text is not UTF-8 but UTF-32BE"),
        (b"PK\x03\x04" + bytes(99), "the file is compressed with zip"),
        (b"\x28\xb5\x2f\xfd" + bytes(99), "the file is compressed with zstd"),
        (b"BZh91AY&SY" + bytes(99), "the file is compressed with bzip2"),
        (b"\xfd7zXZ\0" + bytes(99), "the file is compressed with xz"),
        (b"PAR1" + bytes(99), "the file is Parquet, but its name does not end in .parquet"),
    ],
)
@pytest.mark.parametrize("name", ["user.csv", "user.json", "user.jsonl.gz"])
def test_other_formats_and_encodings_are_named(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    compressed = gzip.compress(content) if name.endswith(".gz") else content

    with pytest.raises(DataError) as raised:
        contents(part_of(tmp_path, name, compressed))

    assert f"{name}, line 1: {message}." in raised.value.message
    if "UTF" in message:
        assert f"iconv -f {message.split()[-1]} -t UTF-8" in str(raised.value.hint)


def test_gzip_with_the_wrong_extension_is_named(tmp_path: Path) -> None:
    compressed = gzip.compress(LINES)

    with pytest.raises(DataError, match=r"user\.csv, line 1: .* but its name does not end in \.gz"):
        contents(part_of(tmp_path, "user.csv", compressed))
    with pytest.raises(
        DataError, match=r"user\.csv\.gz, line 1: the file is compressed with gzip twice"
    ):
        contents(part_of(tmp_path, "user.csv.gz", gzip.compress(compressed)))


def test_read_errors_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"user\.csv: cannot read the file: No such file"):
        contents(Part(tmp_path / "user.csv", "user.csv"))


@pytest.mark.parametrize("flags", [FTEXT, FHCRC, FEXTRA, FNAME, FCOMMENT, 31])
@pytest.mark.parametrize("ending", ["csv", "jsonl", "json"])
def test_gzip_files_with_any_header_load(tmp_path: Path, flags: int, ending: str) -> None:
    table = SourceTable("user", ("userid",), ("userid",), ("userid",))
    rows = b"userid\n1\n" if ending == "csv" else b'{"userid":"1"}\n'
    other = rows.removeprefix(b"userid\n").replace(b"1", b"2")
    compressed = member(rows, flags) + member(b"") + member(other, FNAME) + b"\0" * 100
    (tmp_path / f"user.{ending}.gz").write_bytes(compressed)

    (found,) = read_extract(tmp_path, [table]).tables

    assert duckdb.execute(f"{found.files[0].reader} order by 1").fetchall() == [("1",), ("2",)]
