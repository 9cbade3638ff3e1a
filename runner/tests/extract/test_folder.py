import gzip
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from exhaust.errors import DataError, UsageError
from exhaust.extract import processes
from exhaust.extract.csv_file import CsvFile
from exhaust.extract.folder import Extract, read_extract
from exhaust.project.sources import SourceTable

USER = SourceTable("user", ("userid", "rootorgid", "framework"), ("userid",), ("userid",))
LOCATION = SourceTable("location", ("id", "name"), ("id",), ("id",))
TABLES = [USER, LOCATION]


def write(folder: Path, **files: str | bytes) -> Path:
    """Writes `user__csv` as user.csv."""
    for key, content in files.items():
        path = folder / key.replace("_in_", "/").replace("__", ".")
        path.parent.mkdir(exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return folder


def read(folder: Path) -> Extract:
    return read_extract(folder, TABLES)


def escape_of(extract: Extract, name: str) -> str:
    (file,) = (
        landed.file
        for table in extract.tables
        for landed in table.files
        if landed.part.name == name
    )
    assert isinstance(file, CsvFile)
    return file.escape


@pytest.mark.parametrize("name", ["user__csv", "user__csv__gz", "user_in_part-1__csv__gz"])
def test_csv_files_are_found(tmp_path: Path, name: str) -> None:
    (table,) = read(write(tmp_path, **{name: "userid,x\n"})).tables

    assert table.source == USER
    assert table.columns == ("userid", "rootorgid", "framework", "x")
    assert table.missing_columns == ["rootorgid", "framework"]


@pytest.mark.parametrize(
    "name",
    [
        "user__jsonl",
        "user__jsonl__gz",
        "USER__JSONL",
        "user__json",
        "user__json__gz",
        "user_in_output-000001__json",
    ],
)
def test_json_columns_come_from_all_lines(tmp_path: Path, name: str) -> None:
    content = '{"userid":"1"}\n\n{"userid":"2","x":{"y":1}}\n'

    (table,) = read(write(tmp_path, **{name: content})).tables

    assert table.files[0].columns == ("userid", "x")


def test_parquet_files_are_found(tmp_path: Path) -> None:
    duckdb.sql(f"copy (select 1 as userid, 2 as x) to '{tmp_path}/user.parquet'")

    (table,) = read(tmp_path).tables

    assert table.files[0].columns == ("userid", "x")


def test_parts_may_have_different_columns(tmp_path: Path) -> None:
    write(
        tmp_path,
        user_in_1__csv="userid,a,rootorgid\n",
        user_in_2__csv="b,userid\n",
        user_in__SUCCESS="",
        user_in_1__csv__crc="x",
        user_in_operation__log="x",
    )
    (tmp_path / "user" / ".hidden.csv").touch()

    (table,) = read(tmp_path).tables

    assert [file.part.name for file in table.files] == ["user/1.csv", "user/2.csv"]
    assert table.columns == ("userid", "rootorgid", "framework", "a", "b")
    assert table.missing_columns == ["framework"]


def test_column_names_land_in_lower_case(tmp_path: Path) -> None:
    (table,) = read(write(tmp_path, user__csv='UserId,"Root""Org"\n')).tables

    assert table.files[0].columns == ("userid", 'root"org')


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfuserid\r\n", b"userid\n", b"userid"])
def test_a_file_with_only_a_header_is_an_empty_table(tmp_path: Path, content: bytes) -> None:
    (table,) = read(write(tmp_path, user__csv=content)).tables

    assert table.files[0].columns == ("userid",)


def test_an_empty_json_file_is_an_empty_table(tmp_path: Path) -> None:
    (table,) = read(write(tmp_path, user__jsonl="")).tables

    assert table.columns == USER.columns
    assert table.missing_columns == []


def test_unread_data_files_are_listed_as_ignored(tmp_path: Path) -> None:
    write(
        tmp_path,
        user__csv="userid\n",
        users__csv="userid\n",
        location__csv__zip="",
        places_in_1__csv="",
        README__md="",
    )

    assert read(tmp_path).ignored == ("location.csv.zip", "places", "users.csv")


def test_special_characters_in_paths_are_not_wildcards(tmp_path: Path) -> None:
    folder = tmp_path / "it's [1] {a,b} * ? date=1"
    folder.mkdir()
    write(folder, user__jsonl='{"userid":"1"}\n')
    write(tmp_path / "it's [1] {a,b} * ? date=1", location__csv="id\n1\n")

    location_, user = sorted(read(folder).tables, key=lambda table: table.source.name)

    assert user.files[0].columns == ("userid",)
    assert duckdb.execute(location_.files[0].reader).fetchall() == [("1",)]


def test_a_folder_name_does_not_become_a_partition_column(tmp_path: Path) -> None:
    folder = tmp_path / "day=1"
    folder.mkdir()
    duckdb.sql(f"copy (select 1 as userid) to '{folder}/user.parquet'")

    (table,) = read(folder).tables

    assert table.files[0].columns == ("userid",)


PLAIN = "userid,framework\n1,x\n"
BACKSLASH_ESCAPES = 'userid,framework\n1,"{\\"a\\":1}"\n'
DOUBLED_QUOTES = 'userid,framework\n1,"{""a"":1}"\n'


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "\\"),
        ({"user_in_b__csv": BACKSLASH_ESCAPES}, "\\"),
        ({"user_in_b__csv": DOUBLED_QUOTES}, '"'),
        ({"location__csv": DOUBLED_QUOTES.replace("userid", "id")}, '"'),
        ({"user_in_b__csv": BACKSLASH_ESCAPES, "location__csv": 'id\n"a""b"\n'}, "\\"),
    ],
)
def test_a_file_without_evidence_uses_the_escape_of_other_files(
    tmp_path: Path, files: dict[str, str], expected: str
) -> None:
    extract = read(write(tmp_path, user_in_a__csv=PLAIN, **files))

    assert escape_of(extract, "user/a.csv") == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [(r'1,"c:\"', '"'), (r'1,"5\", wide"', "\\"), (r'1,"c:\","d\"', '"')],
)
@pytest.mark.parametrize("others", [{}, {"location__csv": 'id\n"a""b"\n'}])
def test_an_ambiguous_file_uses_the_escape_that_can_read_it(
    tmp_path: Path, line: str, expected: str, others: dict[str, str]
) -> None:
    header = "userid,a" if line.count('"') < 4 else "userid,a,b"

    extract = read(write(tmp_path, user__csv=f"{header}\n{line}\n", **others))

    assert escape_of(extract, "user.csv") == expected


def test_the_folder_must_exist(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match="There is no folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="is not a folder"):
        read(tmp_path / "file")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, r"contains no Sunbird table \(no data files found\)"),
        ({"users__csv": ""}, r"contains no Sunbird table \(found: users\.csv\)"),
        ({"user__csv": "", "user__csv__gz": ""}, r"the table user 2 times: user\.csv, user\.csv\."),
        ({"user__csv": "", "user_in_1__csv": ""}, r"the table user 2 times: user, user\.csv"),
        ({"user_in__SUCCESS": ""}, "user/ contains no parts"),
        (
            {"user_in_1__csv__bz2": ""},
            r"user/ contains something that is not a part .*: 1\.csv\.bz2",
        ),
        ({"user__csv": ""}, r"user\.csv, line 1: the first line has no column names"),
        ({"user__csv": "\nuserid\n"}, r"user\.csv, line 1: the first line has no column names"),
        ({"user__csv": "userid,,x\n"}, r"user\.csv: column 2 has no name"),
        ({"user__csv": "userid,x,X\n"}, r"user\.csv: the column `x` appears twice"),
        ({"user__csv": "userid," + "x" * 64 + "\n"}, r"column `x+` is longer than 63 bytes"),
        ({"user__jsonl": '{"userid":1}\n{"userId":1}\n'}, r"the column `userid` appears twice"),
        ({"user__csv": "a,b\n1,2\n"}, r"user\.csv: .* is missing: userid\. The file has: a, b\."),
        ({"user__jsonl": '{"a":1}\n'}, r"user\.jsonl: .* missing: userid\. The file has: a\."),
        (
            {"user__csv": "userid\n1\n".encode("utf-16")},
            r"user\.csv, line 1: the text is not UTF-8",
        ),
        ({"user__csv": 'userid,"x\n'}, r"user\.csv, line 1: cannot read the header"),
        (
            {"user__csv": "userid,x\n1,a\0b\n"},
            r"user\.csv, line 2: the text contains a NUL character",
        ),
        (
            {"user__csv": 'userid,x\n1,"2\n3"\n4,"5\n6,7\n'},
            r"line 4: an opening quote is never closed",
        ),
        (
            {"user__csv": 'userid,x\n1,"a""b"\n4,"5\n6,7\n'},
            r"line 3: an opening quote is never closed",
        ),
        ({"user__csv": '"x\\"",userid\n1,2\n"3,4\n'}, r"line 3: an opening quote is never closed"),
        (
            {"user__csv": 'userid,x\n1,5"\n2,"3\n'},
            r"user\.csv, line 3: an opening quote is never closed",
        ),
        ({"user__jsonl": '{"userid":1}\n\n{"userid":\n'}, "line 3: not a JSON object"),
        ({"user__jsonl": '{"userid":1}\n[1]\n'}, r"user\.jsonl, line 2: not a JSON object"),
        ({"user__jsonl": '{"userid":1}\nnull\n'}, "line 2: not a JSON object"),
        ({"user__jsonl": '{"userid":1}{"userid":2}\n'}, "line 1: not a JSON object"),
        ({"user__jsonl": b'{"userid":1}\n{"userid":"\xff"}\n'}, "line 2: the text is not UTF-8"),
        ({"user__jsonl": '{"userid":"\\ud83d"}\n'}, "line 1: the text has an unpaired surrogate"),
        ({"user__parquet": "PAR1"}, r"user\.parquet: cannot load the file"),
    ],
)
def test_errors_name_the_file_and_the_line(
    tmp_path: Path, files: dict[str, str | bytes], message: str
) -> None:
    with pytest.raises(DataError, match=message) as error:
        read(write(tmp_path, **files))

    assert error.value.hint


@pytest.mark.parametrize("name", ["user.csv.gz", "user.jsonl.gz"])
@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: b"userid\n1\n"])
def test_damaged_gzip_files_are_refused(
    tmp_path: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    content = b'{"userid":"1"}\n' * 99 if "json" in name else b"userid\n" + b"1\n" * 99
    (tmp_path / name).write_bytes(damage(gzip.compress(content)))

    with pytest.raises(DataError, match=f"{name}: invalid gzip file"):
        read(tmp_path)


def test_a_stray_quote_in_an_unquoted_field_is_accepted(tmp_path: Path) -> None:
    (table,) = read(write(tmp_path, user__csv='userid,x\n1,5" wide\n2,y\n')).tables

    assert duckdb.execute(table.files[0].reader).fetchall() == [("1", '5" wide'), ("2", "y")]


def test_large_files_are_scanned_in_worker_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, user__csv='userid\n"a\\"b"\n', location__csv='id,name\n1,"a\nb"\n')
    sequential = read(tmp_path)

    monkeypatch.setattr(processes, "MIN_PARALLEL_BYTES", 0)

    assert read(tmp_path) == sequential
    write(tmp_path, location__csv__gz=b"")
    (tmp_path / "location.csv").unlink()
    (tmp_path / "location.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(DataError, match="invalid gzip file") as raised:
        read(tmp_path)
    assert raised.value.hint == "Copy it again from the source."


def test_files_with_line_breaks_in_values_are_not_read_in_parallel(tmp_path: Path) -> None:
    write(tmp_path, user__csv='userid\n"a, b"\n', location__csv='id,name\n1,"a\nb"\n')

    users, locations = (table.files[0] for table in read(tmp_path).tables)

    assert "parallel = true" in users.reader
    assert "parallel = false" in locations.reader
