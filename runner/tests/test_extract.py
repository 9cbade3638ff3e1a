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
def test_a_csv_file_is_found(tmp_path: Path, name: str) -> None:
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
def test_the_columns_of_json_lines_are_those_of_all_lines(tmp_path: Path, name: str) -> None:
    content = '{"userid":"1"}\n\n{"userid":"2","x":{"y":1}}\n'

    (table,) = read(write(tmp_path, **{name: content})).tables

    assert table.files[0].columns == ("userid", "x")


def test_a_parquet_file_is_found(tmp_path: Path) -> None:
    duckdb.sql(f"copy (select 1 as userid, 2 as x) to '{tmp_path}/user.parquet'")

    (table,) = read(tmp_path).tables

    assert table.files[0].columns == ("userid", "x")


def test_parts_may_differ_in_their_columns(tmp_path: Path) -> None:
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


def test_names_land_in_lower_case(tmp_path: Path) -> None:
    (table,) = read(write(tmp_path, user__csv='UserId,"Root""Org"\n')).tables

    assert table.files[0].columns == ("userid", 'root"org')


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfuserid\r\n", b"userid\n", b"userid"])
def test_a_header_alone_is_an_empty_table(tmp_path: Path, content: bytes) -> None:
    (table,) = read(write(tmp_path, user__csv=content)).tables

    assert table.files[0].columns == ("userid",)


def test_an_empty_file_of_json_lines_is_an_empty_table(tmp_path: Path) -> None:
    (table,) = read(write(tmp_path, user__jsonl="")).tables

    assert table.columns == USER.columns
    assert table.missing_columns == []


def test_what_looks_like_data_and_is_not_read_is_named(tmp_path: Path) -> None:
    write(
        tmp_path,
        user__csv="userid\n",
        users__csv="userid\n",
        location__csv__zip="",
        places_in_1__csv="",
        README__md="",
    )

    assert read(tmp_path).ignored == ("location.csv.zip", "places", "users.csv")


def test_a_path_is_not_a_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "it's [1] {a,b} * ? date=1"
    folder.mkdir()
    write(folder, user__jsonl='{"userid":"1"}\n')
    write(tmp_path / "it's [1] {a,b} * ? date=1", location__csv="id\n1\n")

    location_, user = sorted(read(folder).tables, key=lambda table: table.source.name)

    assert user.files[0].columns == ("userid",)
    assert duckdb.sql(location_.files[0].reader).fetchall() == [("1",)]


def test_the_name_of_a_folder_is_not_a_column(tmp_path: Path) -> None:
    folder = tmp_path / "day=1"
    folder.mkdir()
    duckdb.sql(f"copy (select 1 as userid) to '{folder}/user.parquet'")

    (table,) = read(folder).tables

    assert table.files[0].columns == ("userid",)


PLAIN = "userid,framework\n1,x\n"
BACKSLASHES = 'userid,framework\n1,"{\\"a\\":1}"\n'
DOUBLES = 'userid,framework\n1,"{""a"":1}"\n'


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "\\"),
        ({"user_in_b__csv": BACKSLASHES}, "\\"),
        ({"user_in_b__csv": DOUBLES}, '"'),
        ({"location__csv": DOUBLES.replace("userid", "id")}, '"'),
        ({"user_in_b__csv": BACKSLASHES, "location__csv": 'id\n"a""b"\n'}, "\\"),
    ],
)
def test_a_file_that_shows_no_escape_is_as_those_beside_it(
    tmp_path: Path, files: dict[str, str], expected: str
) -> None:
    extract = read(write(tmp_path, user_in_a__csv=PLAIN, **files))

    assert escape_of(extract, "user/a.csv") == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [(r'1,"c:\"', '"'), (r'1,"5\", wide"', "\\"), (r'1,"c:\","d\"', '"')],
)
@pytest.mark.parametrize("beside", [{}, {"location__csv": 'id\n"a""b"\n'}])
def test_a_doubtful_file_is_read_as_it_can_be(
    tmp_path: Path, line: str, expected: str, beside: dict[str, str]
) -> None:
    header = "userid,a" if line.count('"') < 4 else "userid,a,b"

    extract = read(write(tmp_path, user__csv=f"{header}\n{line}\n", **beside))

    assert escape_of(extract, "user.csv") == expected


def test_a_folder_has_to_be_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match="There is no folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="is no folder"):
        read(tmp_path / "file")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "holds no table of an extract; nothing in it looks like data"),
        ({"users__csv": ""}, r"holds no table of an extract; found there: users\.csv"),
        ({"user__csv": "", "user__csv__gz": ""}, r"the table user 2 times: user\.csv, user\.csv\."),
        ({"user__csv": "", "user_in_1__csv": ""}, r"the table user 2 times: user, user\.csv"),
        ({"user_in__SUCCESS": ""}, "user/ holds no part"),
        ({"user_in_1__csv__bz2": ""}, r"user/ holds what cannot be read .*: 1\.csv\.bz2"),
        ({"user__csv": ""}, r"user\.csv, line 1: the first line names no columns"),
        ({"user__csv": "\nuserid\n"}, r"user\.csv, line 1: the first line names no columns"),
        ({"user__csv": "userid,,x\n"}, r"user\.csv: column 2 has no name"),
        ({"user__csv": "userid,x,X\n"}, r"user\.csv: the column `x` is there twice"),
        ({"user__csv": "userid," + "x" * 64 + "\n"}, r"column `x+` is longer than 63 bytes"),
        ({"user__jsonl": '{"userid":1}\n{"userId":1}\n'}, r"the column `userid` is there twice"),
        ({"user__csv": "a,b\n1,2\n"}, r"user\.csv: .* is missing: userid\. There are: a, b\."),
        ({"user__jsonl": '{"a":1}\n'}, r"user\.jsonl: .* missing: userid\. There are: a\."),
        ({"user__csv": "userid\n1\n".encode("utf-16")}, r"user\.csv, line 1: this is not UTF-8"),
        ({"user__csv": 'userid,"x\n'}, r"user\.csv, line 1: there is no header that can be read"),
        ({"user__csv": "userid,x\n1,a\0b\n"}, r"user\.csv, line 2: there is a NUL character"),
        ({"user__csv": 'userid,x\n1,"2\n3"\n4,"5\n6,7\n'}, r"line 4: a quote is opened"),
        ({"user__csv": 'userid,x\n1,"a""b"\n4,"5\n6,7\n'}, r"line 3: a quote is opened"),
        ({"user__csv": '"x\\"",userid\n1,2\n"3,4\n'}, r"line 3: a quote is opened"),
        ({"user__csv": 'userid,x\n1,5"\n2,"3\n'}, r"user\.csv, line 3: a quote is opened"),
        ({"user__jsonl": '{"userid":1}\n\n{"userid":\n'}, "line 3: this is not a JSON object"),
        ({"user__jsonl": '{"userid":1}\n[1]\n'}, r"user\.jsonl, line 2: this is not a JSON object"),
        ({"user__jsonl": '{"userid":1}\nnull\n'}, "line 2: this is not a JSON object"),
        ({"user__jsonl": '{"userid":1}{"userid":2}\n'}, "line 1: this is not a JSON object"),
        ({"user__jsonl": b'{"userid":1}\n{"userid":"\xff"}\n'}, "line 2: this is not UTF-8"),
        ({"user__jsonl": '{"userid":"\\ud83d"}\n'}, "line 1: half of a character"),
        ({"user__parquet": "PAR1"}, r"user\.parquet: this cannot be loaded"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(
    tmp_path: Path, files: dict[str, str | bytes], message: str
) -> None:
    with pytest.raises(DataError, match=message) as error:
        read(write(tmp_path, **files))

    assert error.value.hint


@pytest.mark.parametrize("name", ["user.csv.gz", "user.jsonl.gz"])
@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: b"userid\n1\n"])
def test_a_damaged_gzip_file_is_unfit(
    tmp_path: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    content = b'{"userid":"1"}\n' * 99 if "json" in name else b"userid\n" + b"1\n" * 99
    (tmp_path / name).write_bytes(damage(gzip.compress(content)))

    with pytest.raises(DataError, match=f"{name}: this is not a whole gzip file"):
        read(tmp_path)


def test_a_stray_quote_alone_is_no_fault(tmp_path: Path) -> None:
    (table,) = read(write(tmp_path, user__csv='userid,x\n1,5" wide\n2,y\n')).tables

    assert duckdb.sql(table.files[0].reader).fetchall() == [("1", '5" wide'), ("2", "y")]


def test_large_files_are_scanned_in_processes_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, user__csv='userid\n"a\\"b"\n', location__csv='id,name\n1,"a\nb"\n')
    alone = read(tmp_path)

    monkeypatch.setattr(processes, "WORTH_PROCESSES", 0)

    assert read(tmp_path) == alone
    write(tmp_path, location__csv__gz=b"")
    (tmp_path / "location.csv").unlink()
    (tmp_path / "location.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(DataError, match="not a whole gzip file") as raised:
        read(tmp_path)
    assert raised.value.hint == "Copy it again from where it was written."


def test_only_a_file_of_whole_lines_is_read_in_parallel(tmp_path: Path) -> None:
    write(tmp_path, user__csv='userid\n"a, b"\n', location__csv='id,name\n1,"a\nb"\n')

    users, locations = (table.files[0] for table in read(tmp_path).tables)

    assert "parallel = true" in users.reader
    assert "parallel = false" in locations.reader
