"""Keyspaces as folders and as archives, and the other files next to the data."""

import gzip
import io
import shutil
import tarfile
from pathlib import Path

import duckdb
import pytest

from exhaust.errors import DataError
from exhaust.extract.folder import Extract, read_extract
from exhaust.project.sources import SourceTable

USER = SourceTable("user", ("userid", "name"), ("userid",), ("userid",))
ENROLMENTS = SourceTable(
    "user_enrolments", ("userid",), ("userid",), ("userid",), other_table="report_user_enrolments"
)
TABLES = [USER, ENROLMENTS]
USERS_CSV = b"userid,name\r\nu1,x\r\n"


def pack(path: Path, files: dict[str, bytes], mode: str = "w:gz") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def names(extract: Extract) -> list[str]:
    return [file.part.name for table in extract.tables for file in table.files]


def rows(extract: Extract) -> list[tuple[str, ...]]:
    with duckdb.connect() as connection:
        return [
            row
            for table in extract.tables
            for file in table.files
            for row in connection.execute(f"select userid, name from ({file.reader})").fetchall()
        ]


@pytest.mark.parametrize(
    "name",
    ["sunbird.tar.gz", "sunbird.tgz", "sunbird.tar", "SUNBIRD.TAR.GZ", "sunbird/20240603.tar.gz"],
)
@pytest.mark.parametrize("member", ["user.csv", "./user.csv", "backup/sunbird/user.csv"])
def test_a_keyspace_may_be_an_archive(tmp_path: Path, name: str, member: str) -> None:
    pack(
        tmp_path / name,
        {"schema.cql": b"create", member: USERS_CSV},
        "w:gz" if "g" in name.lower() else "w",
    )

    extract = read_extract(tmp_path, TABLES)

    assert names(extract) == [f"{name}/{member.removeprefix('./')}"]
    assert rows(extract) == [("u1", "x")]
    assert extract.ignored == ()


def test_an_archive_may_contain_folders_of_parts_and_gzip_files(tmp_path: Path) -> None:
    pack(
        tmp_path / "sunbird.tar.gz",
        {
            "user/part-1.csv": USERS_CSV,
            "user/part-2.csv.gz": gzip.compress(USERS_CSV.replace(b"u1", b"u2")),
            "user/part-3.jsonl": b'{"userid":"u3","name":"y"}\n',
            "user/_SUCCESS": b"",
            "user/.part-1.csv.crc": b"x",
        },
    )

    assert sorted(rows(read_extract(tmp_path, TABLES))) == [("u1", "x"), ("u2", "x"), ("u3", "y")]


def test_keyspaces_may_be_folders_and_archives_together(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"sunbird/user.csv": USERS_CSV, "sunbird/schema.cql": b"", "sunbird/otp.csv": b"a\n"},
    )
    pack(
        tmp_path / "sunbird_courses.tar.gz", {"user_enrolments.csv": b"userid\nu1\n", "x.csv": b""}
    )

    extract = read_extract(tmp_path, TABLES)

    assert names(extract) == ["sunbird/user.csv", "sunbird_courses.tar.gz/user_enrolments.csv"]
    assert extract.ignored == ("sunbird/otp.csv", "sunbird_courses.tar.gz/x.csv")


@pytest.mark.parametrize(
    "other", ["sunbird2/user.csv", "user.jsonl", "user/part.csv", "sunbird/user.parquet"]
)
def test_two_files_for_one_table_are_refused_and_named(tmp_path: Path, other: str) -> None:
    write(tmp_path, {"sunbird/user.csv": USERS_CSV, other: USERS_CSV})
    shown = other.removesuffix("/part.csv")

    with pytest.raises(DataError, match="contains the table user 2 times") as raised:
        read_extract(tmp_path, TABLES)

    assert "sunbird/user.csv" in raised.value.message
    assert shown in raised.value.message


def test_two_backups_of_a_keyspace_are_refused_and_named(tmp_path: Path) -> None:
    pack(tmp_path / "sunbird" / "20240603.tar.gz", {"user.csv": USERS_CSV})
    pack(tmp_path / "sunbird" / "20240604.tar.gz", {"user.csv": USERS_CSV})

    with pytest.raises(
        DataError, match=r"20240603\.tar\.gz/user\.csv, sunbird/20240604\.tar\.gz/user"
    ):
        read_extract(tmp_path, TABLES)


def test_the_reporting_copy_is_read_only_if_the_table_is_missing(
    tmp_path: Path,
) -> None:
    write(tmp_path, {"report_user_enrolments.csv": b"userid\nu1\n"})

    (table,) = read_extract(tmp_path, TABLES).tables

    assert table.source.name == "user_enrolments"
    assert table.files[0].part.name == "report_user_enrolments.csv"

    write(tmp_path, {"user_enrolments.csv": b"userid\nu1\n"})

    assert names(read_extract(tmp_path, TABLES)) == ["user_enrolments.csv"]


def test_marker_and_system_files_are_ignored(tmp_path: Path) -> None:
    ignored = [
        ".DS_Store",
        "._user.csv",
        ".user.csv.crc",
        "_SUCCESS",
        "_committed_1.json",
        "manifest.json",
        "schema.cql",
        "sunbird/._user.csv",
        "sunbird/user.csv.md5",
        "sunbird/user/._part.csv",
        "sunbird/user/_SUCCESS",
        "sunbird/user/manifest.json",
        "sunbird/user/unload.log",
        "__MACOSX/sunbird/user.csv",
    ]
    write(tmp_path, dict.fromkeys(ignored, b"\0\1") | {"sunbird/user/part.csv": USERS_CSV})
    pack(tmp_path / "x.tar.gz", {"._user_enrolments.csv": b"\0", "__MACOSX/user.csv": b"\0"})

    extract = read_extract(tmp_path, TABLES)

    assert names(extract) == ["sunbird/user/part.csv"]
    assert extract.ignored == ()


def test_files_that_cqlsh_split_are_refused(tmp_path: Path) -> None:
    write(tmp_path, {"sunbird/user.csv": USERS_CSV, "sunbird/user.csv.1": b"u2,y\r\n"})

    with pytest.raises(
        DataError, match=r"sunbird/user\.csv\.1 continues user\.csv without a header"
    ) as raised:
        read_extract(tmp_path, TABLES)

    assert "MAXOUTPUTSIZE" in raised.value.message


def test_unsupported_archives_are_named(tmp_path: Path) -> None:
    write(tmp_path, {"sunbird.zip": b"PK", "sunbird.tar.xz": b"", "notes.txt": b""})

    with pytest.raises(DataError, match=r"found: sunbird\.tar\.xz, sunbird\.zip"):
        read_extract(tmp_path, TABLES)


@pytest.mark.parametrize("size", [20, 200, -9, -4])
def test_truncated_archives_are_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "sunbird.tar.gz"
    lines = "".join(f"{number * 7919 % 10_007},x\r\n" for number in range(2_000))
    pack(path, {"user.csv": USERS_CSV + lines.encode()})
    path.write_bytes(path.read_bytes()[:size])

    with pytest.raises(DataError, match=r"sunbird\.tar\.gz: invalid archive") as raised:
        read_extract(tmp_path, TABLES)

    assert raised.value.hint


def test_an_archive_with_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sunbird.tar.gz"
    pack(path, {"user.csv": USERS_CSV})
    content = bytearray(path.read_bytes())
    content[-8] ^= 1
    path.write_bytes(bytes(content))

    with pytest.raises(DataError, match=r"sunbird\.tar\.gz: invalid archive"):
        read_extract(tmp_path, TABLES)


def test_a_fault_in_a_member_names_archive_member_and_line(tmp_path: Path) -> None:
    pack(tmp_path / "sunbird.tar.gz", {"user.csv": b"userid,name\n1,2\n3,\xff\n"})
    (table,) = read_extract(tmp_path, TABLES).tables

    with duckdb.connect() as connection, pytest.raises(duckdb.Error) as error:
        connection.execute(table.files[0].reader).fetchall()

    assert (
        "sunbird.tar.gz/user.csv, line 3: the text is not UTF-8"
        in table.files[0].fault(error.value).message
    )


def test_member_paths_outside_the_extract_write_nothing(tmp_path: Path) -> None:
    extract = tmp_path / "extract"
    pack(
        extract / "sunbird.tar.gz",
        {"../../user.csv": USERS_CSV, "/etc/user_enrolments.csv": b"userid\n"},
    )

    read_extract(extract, TABLES)

    assert sorted(path.name for path in tmp_path.rglob("*")) == ["extract", "sunbird.tar.gz"]


def test_links_in_an_archive_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_bytes(USERS_CSV)
    extract = tmp_path / "extract"
    extract.mkdir()
    with tarfile.open(extract / "sunbird.tar.gz", "w:gz") as archive:
        link = tarfile.TarInfo("user.csv")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "secret.csv")
        archive.addfile(link)

    with pytest.raises(DataError, match="contains no Sunbird table"):
        read_extract(extract, TABLES)


def test_unpacked_members_are_deleted_with_the_extract(tmp_path: Path) -> None:
    pack(tmp_path / "sunbird.tar.gz", {"user.csv": USERS_CSV})
    extract = read_extract(tmp_path, TABLES)
    spool = extract.tables[0].files[0].part.spool
    assert spool is not None
    path = Path(spool.path)

    assert path.exists()
    del extract, spool

    assert not path.exists()
    shutil.rmtree(tmp_path)
