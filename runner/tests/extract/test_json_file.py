import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from exhaust.errors import DataError
from exhaust.extract import json_faults, json_scan, limits, processes
from exhaust.extract.json_file import JsonFile, open_json_files
from exhaust.extract.part import Part

BOM = "\ufeff"


def part_of(folder: Path, content: str | bytes, name: str = "user.json") -> Part:
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return Part(folder / name, name)


def rows(file: JsonFile) -> list[tuple[str | None, ...]]:
    return duckdb.execute(file.reader_of(file.sql_path)).fetchall()


def fault_of(file: JsonFile) -> DataError:
    """Returns what is wrong with a file that can be opened but not read."""
    with pytest.raises(duckdb.Error) as raised:
        rows(file)
    return file.fault(raised.value)


ROWS = [{"userid": "1", "x": {"a": [1, " é"]}}, {"userid": "2"}, {"x": "[ ] {", "userid": None}]
LANDED = [("1", '{"a":[1," é"]}'), ("2", None), (None, "[ ] {")]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
FORMS = {
    "lines": LINES,
    "lines in UTF-8": "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS),
    "lines of Windows": LINES.replace("\n", "\r\n"),
    "lines with blanks": "\n \t\n" + LINES.replace("\n", " \n\r\n  "),
    "array": json.dumps(ROWS),
    "array with blanks": f"\n  {json.dumps(ROWS)} \n\n",
    "pretty array": json.dumps(ROWS, indent=2),
    "array of lines": "[\n" + ",\n".join(map(json.dumps, ROWS)) + "\n]\n",
    "pretty objects": "\n".join(json.dumps(row, indent=2) for row in ROWS),
    "pretty objects of Windows": "".join(
        json.dumps(row, indent="\t").replace("\n", "\r\n") for row in ROWS
    ),
}


@pytest.mark.parametrize("bom", ["", BOM])
@pytest.mark.parametrize("name", ["user.json", "USER.JSONL.gz"])
@pytest.mark.parametrize("form", FORMS)
def test_every_json_layout_is_read(tmp_path: Path, form: str, name: str, bom: str) -> None:
    file = JsonFile.open(part_of(tmp_path, bom + FORMS[form], name))

    assert file.columns == ("userid", "x")
    assert sorted(rows(file), key=repr) == sorted(LANDED, key=repr)


@pytest.mark.parametrize("content", ["", BOM, " \n\n", "[]", "[\n]\n", BOM + "[ ]"])
def test_a_file_without_rows_has_no_columns(tmp_path: Path, content: str) -> None:
    assert JsonFile.open(part_of(tmp_path, content)).columns == ()


def test_gzip_files_that_duckdb_refuses_are_read(tmp_path: Path) -> None:
    part = part_of(tmp_path, LINES, "user.json.gz")
    part.path.write_bytes(part.path.read_bytes() + bytes(512))

    assert len(rows(JsonFile.open(part))) == len(ROWS)


def test_damaged_gzip_is_refused(tmp_path: Path) -> None:
    """DuckDB would read this file: only its checksum is wrong."""
    part = part_of(tmp_path, LINES, "user.json.gz")
    packed = bytearray(part.path.read_bytes())
    packed[-8] ^= 1
    part.path.write_bytes(packed)

    with pytest.raises(DataError, match=r"user\.json\.gz: invalid gzip file"):
        JsonFile.open(part)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("true", "true"),
        ("20", "20"),
        ("130748176837836811000", "130748176837836811000"),
        ("0.5", "0.5"),
        ('"\\"\\u0ba4\\n"', '"த\n'),
        ('""', ""),
        ("null", None),
        ('{"b": [1, {"c": null}]}', '{"b":[1,{"c":null}]}'),
        ("[" * 5_000 + "]" * 5_000, "[" * 5_000 + "]" * 5_000),
    ],
)
def test_values_land_as_text(tmp_path: Path, value: str, text: str | None) -> None:
    part = part_of(tmp_path, f'{{"a": {value}}}\n')

    assert rows(JsonFile.open(part)) == [(text,)]


@pytest.mark.parametrize("name", ["a.b", "a/b~c", "~1", "'\"", "$", "*", "0", " ", "क"])
def test_any_key_can_be_a_column_name(tmp_path: Path, name: str) -> None:
    file = JsonFile.open(part_of(tmp_path, json.dumps({name: "x", "b": "y"})))

    assert set(file.columns) == {name, "b"}
    assert set(rows(file)[0]) == {"x", "y"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a":1}\n\n{"a":\n', "line 3: not a JSON object (expecting value at char"),
        ('{"a":1}\n[1]\n', "line 2: not a JSON object"),
        ('{"a":1}\n[{"a":1}]\n', "line 2: not a JSON object"),
        ('{"a":1}{"a":2}\n', "line 1: not a JSON object"),
        ('{"a":1,}\n{"a":NaN}\n{"a":1]\n', "line 3: not a JSON object"),
        ('{"a":1}\n' + BOM + '{"a":1}\n', "line 2: not a JSON object"),
        ('{"a":0130748176837836811000}', "line 1: not a JSON object"),
        ("\n\nnull\n", "line 3: not a JSON object"),
        ("<html>", "line 1: not a JSON object"),
        ('{"a":1}\n{}\n', "line 2: the object has no keys"),
        ('[{"a":1},\n{ }]', "line 2: the object has no keys"),
        ('{"a":1}\n{"a":2,"a":3}\n', "line 2: the object has the key `a` twice"),
        ('{"a":1}\n{"a\\u0000":2}\n', "line 2: the text contains a NUL character"),
        ('{"a":1}\n{"a":"\\ud83d"}\n', "line 2: the text has an unpaired surrogate"),
        ('{"a":1}\n{"a":[{"\\udc00":1}]}\n', "line 2: the text has an unpaired surrogate"),
        ('{"a":' + "1" * 9_999 + '}\n{"a"}', "line 2: not a JSON object"),
        ('{"a":1}\n\n\0\0\0', "line 3: the text contains a NUL character"),
        ("\0\0\0\0", "line 1: the text contains a NUL character"),
        (
            b'{"a":1}\n{"a":"na\xefve"}',
            "line 2: the text is not UTF-8 (byte 0xEF at position 9), but probably Windows-1252",
        ),
        (b'{"a":"\xc3\xaf \xef"}', "line 1: the text is not UTF-8 (byte 0xEF at position 10)"),
        ('[{"a":1},\n{"a":2,"a":3}]', "line 2: the object has the key `a` twice"),
        ('[{"a":1},\n1]', "line 2: not a JSON object"),
        ('[{"a":1},\n[{"a":1}]]', "line 2: not a JSON object"),
        ('[{"a":1},\n{"a":tru}]', "line 2: invalid JSON (expecting value)"),
        ('[{"a":1}\n{"a":1}]', "line 2: expected `]`, found `{`"),
        ('[{"a":1},\n{"a":1}\n', "line 3: expected `]`, found the end of the file"),
        ('[{"a":1},\n{"a":"1', "line 2: invalid JSON (unterminated string)"),
        ('[{"a":1},\n{"a":"1\n"}]', "line 2: invalid JSON (invalid control character)"),
        ('[{"a":1}]\n[{"a":1}]', "line 2: the array is followed by other text"),
        (b'[\n{"a":"\xff"}]', "line 2: the text is not UTF-8"),
        ('[\n{"a":' + "[" * 9_999 + "]" * 9_998 + "}]", "line 2: the object is nested too deeply"),
        ('{\n"a":1\n}\n\n{\n"b" 1\n}', "line 6: invalid JSON (expecting ':' delimiter)"),
        ('{\n"a":1\n}\n[]', "line 4: not a JSON object"),
    ],
)
def test_errors_name_the_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(DataError) as raised:
        JsonFile.open(part_of(tmp_path, content))

    assert f"user.json, {message}" in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize("content", ['{"a":1}\n{"a":"\\u0000"}', '[{"a":1},\n{"a":"\\u0000"}]'])
def test_a_nul_character_in_a_value_is_a_fault(tmp_path: Path, content: str) -> None:
    file = JsonFile.open(part_of(tmp_path, content))

    assert "user.json, line 2: the text contains a NUL character" in fault_of(file).message


def test_a_nul_character_in_a_long_value_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_faults, "LONG_OBJECT_BYTES", 3)
    file = JsonFile.open(part_of(tmp_path, '{"a":"\\u0000"}'))

    assert "user.json: the text contains a NUL character" in fault_of(file).message


@pytest.mark.parametrize("content", ['{"a":1}\n{"a":1]', '{"a":1}\n{"a":1,"a":2}'])
def test_duckdb_checks_long_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.setattr(json_faults, "LONG_OBJECT_BYTES", 3)

    with pytest.raises(
        DataError, match=r"user\.json, line 2: (not a JSON object|the object has the key `a` twice)"
    ):
        JsonFile.open(part_of(tmp_path, content))


def test_a_fault_after_long_objects_in_an_array_names_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_faults, "FIRST_READ_BYTES", 2)
    row = json.dumps({"a": ["é" * 99] * 9}, indent=1, ensure_ascii=False)

    with pytest.raises(DataError, match=r"user\.json, line 28: invalid JSON"):
        JsonFile.open(part_of(tmp_path, f'[{row},\n{row},\n{{"a":1,\n"b" 2}}]'))


@pytest.mark.parametrize("name", ["user.json", "user.json.gz"])
class TestLimits:
    """Lowered limits. A file over a limit is not read to its end."""

    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "MAX_RECORD_BYTES", 1 << 20)
        monkeypatch.setattr(limits, "MAX_BLANK_BYTES", 1 << 19)
        monkeypatch.setattr(limits, "MAX_JSON_ENTRIES", 200_000)

    def fault(self, folder: Path, name: str, content: str) -> str:
        with pytest.raises(DataError) as raised:
            JsonFile.open(part_of(folder, content, name))
        assert raised.value.hint
        return raised.value.message.removeprefix(name)

    @pytest.mark.parametrize("end", ["", '"}\n'])
    def test_a_line_that_is_too_long_is_refused(self, tmp_path: Path, name: str, end: str) -> None:
        content = '{"a":1}\n{"a":"' + "x" * (2 << 20) + end

        assert self.fault(tmp_path, name, content) == ", line 2: the line is longer than 1 MiB."

    def test_an_object_in_an_array_that_is_too_long_is_refused(
        self, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(json_faults, "MAX_READ_BYTES", 1 << 16)
        content = '[{"a":1},\n{"a":"' + "x" * (3 << 20)

        assert self.fault(tmp_path, name, content) == ", line 2: the object is longer than 1 MiB."

    def test_an_array_may_be_longer_than_the_limit_of_an_object(
        self, tmp_path: Path, name: str
    ) -> None:
        content = json.dumps([{"a": "x" * 999}] * 2_000)

        assert len(rows(JsonFile.open(part_of(tmp_path, content, name)))) == 2_000

    @pytest.mark.parametrize("blank", ["\n", "\r\n", "\n" + " " * 999, " \t"])
    @pytest.mark.parametrize("before", ["", '{"a":1}\n', '[{"a":1},\n'])
    def test_too_many_blank_lines_are_refused(
        self, tmp_path: Path, name: str, blank: str, before: str
    ) -> None:
        content = f'{before}{blank * (999_999 // len(blank))}{{"a":1}}'

        assert "MiB of consecutive blank lines" in self.fault(tmp_path, name, content)

    def test_a_value_may_consist_of_spaces(self, tmp_path: Path, name: str) -> None:
        content = '{"a":"' + " " * 999_999 + '"}\n'

        assert rows(JsonFile.open(part_of(tmp_path, content, name))) == [(" " * 999_999,)]

    @pytest.mark.parametrize("entry", ["{},", "[", "1,"])
    def test_a_line_with_too_many_entries_is_refused(
        self, tmp_path: Path, name: str, entry: str
    ) -> None:
        content = '{"a":1}\n{"a":[' + entry * 999_999 + "1]}"

        assert ", line 2: the object has more than 200,000 br" in self.fault(
            tmp_path, name, content
        )

    def test_an_object_in_an_array_with_too_many_entries_is_refused(
        self, tmp_path: Path, name: str
    ) -> None:
        content = '[{"a":1},\n{"a":[' + "1," * 999_999

        assert ", line 2: the object has more than 200,000 br" in self.fault(
            tmp_path, name, content
        )

    def test_nul_characters_stop_the_scan(self, tmp_path: Path, name: str) -> None:
        content = '{"a":1}\n{"a":"' + "\0" * (2 << 20)

        assert ", line 2: the text contains a NUL character" in self.fault(tmp_path, name, content)

    def test_an_object_with_too_many_keys_is_refused(
        self, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "MAX_COLUMNS", 9)
        keys = {str(key): 1 for key in range(10)}

        lines = self.fault(tmp_path, name, '{"a":1}\n' + json.dumps(keys))
        array = self.fault(tmp_path, name, '[{"a":1},\n' + json.dumps(keys) + "]")

        assert lines == array == ", line 2: the object has 10 keys; the limit is 9."

    def test_objects_with_too_many_keys_together_are_refused(
        self, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("exhaust.extract.data_file.MAX_COLUMNS", 9)
        content = "\n".join(json.dumps({str(key): 1}) for key in range(10))

        assert "the file has 10 columns; the limit is 9" in self.fault(tmp_path, name, content)


@pytest.mark.parametrize("chunk", [3, 4, 7, 64])
@pytest.mark.parametrize("form", FORMS)
def test_chunks_may_end_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, chunk: int
) -> None:
    monkeypatch.setattr(json_scan, "CHUNK_BYTES", chunk)

    file = JsonFile.open(part_of(tmp_path, BOM + FORMS[form]))

    assert len(rows(file)) == len(ROWS)
    assert file.max_object_bytes >= max(len(line.encode()) for line in FORMS[form].split("\n"))


def test_many_parts_are_opened_with_one_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [
        part_of(tmp_path, content, f"{number:04}.json")
        for number, content in enumerate(
            [*FORMS.values(), *(f'{{"{key}":1}}\n' for key in "abcdefgh" * 20), ""]
        )
    ]
    opened: list[int] = []
    connect = duckdb.connect

    def counted(**options: Any) -> duckdb.DuckDBPyConnection:
        opened.append(1)
        return connect(**options)

    monkeypatch.setattr("duckdb.connect", counted)

    files = open_json_files(parts)

    assert [file.part for file in files] == parts
    assert [file.columns for file in files] == [
        *[("userid", "x")] * len(FORMS),
        *((key,) for key in "abcdefgh" * 20),
        (),
    ]
    assert len(opened) == 1


def test_the_first_faulty_part_is_named(tmp_path: Path) -> None:
    contents = ['{"a":1}', '{"a":1}\n{"a":}', '{"a":1}', '{"b":}']
    parts = [part_of(tmp_path, text, f"{at}.json") for at, text in enumerate(contents)]

    with pytest.raises(DataError, match=r"1\.json, line 2: not a JSON object"):
        open_json_files(parts)


def test_large_files_are_scanned_in_worker_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [part_of(tmp_path, FORMS[form], f"{form}.json") for form in FORMS]
    sequential = open_json_files(parts)

    monkeypatch.setattr(processes, "MIN_PARALLEL_BYTES", 0)

    assert open_json_files(parts) == sequential
    with pytest.raises(DataError, match=r"html\.json, line 1: not a JSON object") as raised:
        open_json_files([*parts, part_of(tmp_path, "<html>", "html.json")])
    assert raised.value.hint
