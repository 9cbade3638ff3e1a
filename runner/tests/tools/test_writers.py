"""The writers of extracts write what the tools write."""

import csv
import gzip
import io
import json
import tarfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pyarrow import parquet
from support import PROJECT
from writers import FORMS, PACKINGS, Question, Table, Tables, extract_files, sample, write_extract

SEEDS = PROJECT / "seeds"


@pytest.fixture(scope="module")
def tables() -> Tables:
    return sample(SEEDS)


def lines(tables: Tables, form: str, table: str) -> list[str]:
    (content,) = extract_files({table: tables[table]}, form).values()
    return content.decode().split(
        "\r\n" if form in ("cqlsh", "cqlsh-before-3.10", "backup") else "\n"
    )


def cell(value: object, kind: str, form: str) -> str:
    """Returns how a form writes one value, without the end of the line."""
    table = Table("user", {"userid": "text", "x": kind}, [["u", value]])
    return lines({"user": table}, form, "user")[1].removeprefix("u,")


BOTH = ("cqlsh", "cqlsh-before-3.10")

LINES = [
    (
        BOTH,
        "course_batch",
        "do_31300000000000000001,0130300000000000102,Where learners are,"
        "90e616e7-8a79-52d7-99e9-3aaf5457b015,,,2023-06-01,,2023-09-30,2,open",
    ),
    (
        BOTH,
        "user",
        "90e616e7-8a79-52d7-99e9-3aaf5457b015,Course creator,01269878797503692810,,,"
        r"[{\"type\":\"administrator\"}],1,bc6bfd848ebd7819c9a82bf124d65e7f739d08e0==,"
        "2021-01-01 00:00:00:000+0000",
    ),
    (
        BOTH,
        "user",
        '13a9a3d6-bc1c-584d-9656-c2d0cc34871d,"Code, two locations",0126684405014528002,,'
        r'"[{\"code\":\"07\",\"type\":\"District\"},{\"code\":\"07\",\"type\":\"state\"}]",'
        ",1,3cb9341553c63cfdd23071327b070dc231f642a9==,2022-05-14 09:13:11:382+0000",
    ),
    (
        BOTH,
        "user_enrolments",
        "095b6842-221b-581a-a9f3-c3fd0fb7371b,do_31300000000000000001,0130300000000000101,True,"
        "2024-05-31 18:30:00.000+0000,2024-05-31,2024-06-27 18:29:59.999+0000,"
        "{'do_31300000000000000101': 2},"
        "\"[{'identifier': '1-ee11c2f0-5a0a-4c5b-9d0e-3f5d6a7b8c9d', "
        "'lastIssuedOn': '2024-07-02T10:00:00Z', 'name': 'Merit'}]\","
        ",2024-06-03 04:30:00.000+0000,2",
    ),
    (
        BOTH,
        "user_declarations",
        "01cb756e-7c22-5d92-997f-8fc99c0354bb,01269878797503692810,teacher,VALIDATED,"
        "\"{'declared-phone': 'f7af0c5eef7376b5a306bed4063a9362eda98a0d==', "
        "'declared-school-name': 'PUPS, REDDIYARPATTI', "
        "'declared-school-udise-code': '33291500301'}\"",
    ),
    (
        BOTH,
        "assessment_aggregator",
        "03908454-a631-5518-8a0e-40cd1ffe373e,do_31300000000000000001,0130300000000000101,"
        "do_31300000000000000130,d3d9446802a44259755d38e6d163e820,17.5,20,"
        "2024-06-20 06:00:00.000+0000,2024-06-20 06:00:01.000+0000,1.75E1/20",
    ),
    (
        ("backup",),
        "user_enrolments",
        "095b6842-221b-581a-a9f3-c3fd0fb7371b,do_31300000000000000001,0130300000000000101,True,"
        "2024-05-31 18:30:00,2024-05-31,2024-06-27 18:29:59.999000,"
        "{'do_31300000000000000101': 2},"
        "\"[OrderedMapSerializedKey([('identifier', '1-ee11c2f0-5a0a-4c5b-9d0e-3f5d6a7b8c9d'), "
        "('name', 'Merit'), ('lastIssuedOn', '2024-07-02T10:00:00Z')])]\","
        ",2024-06-03 04:30:00,2",
    ),
    (
        ("backup",),
        "course_batch",
        'do_31300000000000000001,0130300000000000103,"Who is a row, which attempt counts",'
        "911ce132-8344-52ec-b886-dd566ca43537,\"['90e616e7-8a79-52d7-99e9-3aaf5457b015', "
        "'911ce132-8344-52ec-b886-dd566ca43537']\",2023-10-01 00:00:00,2023-10-01,"
        "2023-12-31 00:00:00,2023-12-31,2,invite-only",
    ),
]
"""Forms, a table, and a line from dumps that the tools themselves made."""


@pytest.mark.parametrize(
    ("form", "table", "line"),
    [(form, table, line) for forms, table, line in LINES for form in forms],
)
def test_the_sample_is_written_as_in_real_dumps(
    tables: Tables, form: str, table: str, line: str
) -> None:
    assert line in lines(tables, form, table)


HIERARCHY = {
    "cqlsh": r'"{\"identifier\":\"do_31300000000000000003\",'
    r"\"name\":\"Orientation: \\\\\"Vidya Samiksha\\\\\", a webinar\",",
    "cqlsh-before-3.10": r'"{\"identifier\":\"do_31300000000000000003\",'
    r"\"name\":\"Orientation: \\\"Vidya Samiksha\\\", a webinar\",",
    "backup": r'"{""identifier"":""do_31300000000000000003"",'
    r'""name"":""Orientation: \""Vidya Samiksha\"", a webinar"",',
    "dsbulk": r'"{\"identifier\":\"do_31300000000000000003\",'
    r"\"name\":\"Orientation: \\\"Vidya Samiksha\\\", a webinar\",",
}


@pytest.mark.parametrize("form", HIERARCHY)
def test_escaped_quotes_inside_json_are_escaped_as_in_real_dumps(tables: Tables, form: str) -> None:
    (line,) = [
        line
        for line in lines(tables, form, "content_hierarchy")
        if line.startswith("do_31300000000000000003,")
    ]

    assert line.removeprefix("do_31300000000000000003,").startswith(HIERARCHY[form])


QUESTIONS = [Question("q1", datetime(2019, 11, 16, 5, 41, 50), 1.0, 0.5, None, [{"1": "a"}])]

CELLS = [
    ("text", "a\nb\u00a0c", "cqlsh", r"a\\nb\\xa0c"),
    ("text", "a\nb\u00a0c", "cqlsh-before-3.10", r'"a\nb\xa0c"'),
    ("text", "c:\\d", "cqlsh", r"c:\\\\d"),
    ("text", "c:\\d", "cqlsh-before-3.10", r'"c:\\d"'),
    ("text", 'say "hi"', "cqlsh", r"say \"hi\""),
    ("text", "", "cqlsh", ""),
    ("list<text>", [], "cqlsh", ""),
    ("list<text>", ['Teacher\'s "Merit"'], "cqlsh", r"['Teacher''s \"Merit\"']"),
    ("boolean", False, "cqlsh", "False"),
    ("double", 5.0, "cqlsh", "5"),
    ("double", 1 / 3, "cqlsh", "0.3333333333333"),
    ("double", 1e15, "cqlsh", "1e+15"),
    (
        "timestamp",
        datetime(2019, 11, 16, 5, 41, 50, 382000),
        "cqlsh",
        "2019-11-16 05:41:50.382+0000",
    ),
    (
        "list<frozen<question>>",
        QUESTIONS,
        "cqlsh-before-3.10",
        "\"[{id: 'q1', assess_ts: '2019-11-16 05:41:50.000+0000', max_score: 1, score: 0.5, "
        "title: , resvalues: [{'1': 'a'}], duration: }]\"",
    ),
    ("list<text>", ["Teacher's"], "backup", '"[""Teacher\'s""]"'),
    ("map<text, frozen<list<text>>>", {"board": ["x"]}, "backup", "{'board': ['x']}"),
    ("list<text>", [], "backup", ""),
    ("double", 5.0, "backup", "5.0"),
    (
        "list<frozen<question>>",
        QUESTIONS,
        "backup",
        "\"[question(id='q1', assess_ts=datetime.datetime(2019, 11, 16, 5, 41, 50), "
        "max_score=1.0, score=0.5, title=None, resvalues=[OrderedMapSerializedKey([('1', 'a')])], "
        'duration=None)]"',
    ),
    ("text", "", "dsbulk", '""'),
    ("text", None, "dsbulk", ""),
    ("text", "c:\\d", "dsbulk", "c:\\d"),
    ("text", 'c:\\d"', "dsbulk", r'"c:\\d\""'),
    ("map<text, int>", {"do_1": 2}, "dsbulk", r'"{\"do_1\":2}"'),
    ("boolean", True, "dsbulk", "1"),
    ("double", 1e15, "dsbulk", "1.0E15"),
    ("double", float("nan"), "dsbulk", "NaN"),
    ("timestamp", datetime(2019, 11, 16, 5, 41, 50, 490000), "dsbulk", "2019-11-16T05:41:50.490Z"),
    ("text", 'c:\\d"', "rfc4180", '"c:\\d"""'),
]


@pytest.mark.parametrize(("kind", "value", "form", "text"), CELLS)
def test_a_value_is_written_as_the_tool_writes_it(
    kind: str, value: object, form: str, text: str
) -> None:
    assert cell(value, kind, form) == text


def test_the_old_flavour_differs_only_where_there_is_a_backslash(tables: Tables) -> None:
    """Python's own csv module confirms the rules that did not change."""
    plain = [name for name in tables if name != "content_hierarchy"]

    assert [lines(tables, "cqlsh", name) for name in plain] == [
        lines(tables, "cqlsh-before-3.10", name) for name in plain
    ]


def test_a_cell_of_another_type_stays_text(tables: Tables) -> None:
    enrolments = tables["user_enrolments"]
    statuses = [row[enrolments.columns.index("contentstatus")] for row in enrolments.rows]

    assert {type(status) for status in statuses} == {dict, str, type(None)}
    assert any(
        isinstance(row[enrolments.columns.index("enrolled_date")], str) for row in enrolments.rows
    )


def test_json_nests_collections() -> None:
    table = Table(
        "user",
        {"userid": "text", "framework": "map<text, frozen<list<text>>>", "n": "double"},
        [["u", {"board": ["த"]}, float("nan")], ["v", None, 2.5]],
    )

    json_lines, array = (
        extract_files({"user": table}, form) for form in ("dsbulk-json", "json-array")
    )

    assert json_lines == {
        "user.json": '{"userid":"u","framework":{"board":["த"]},"n":"NaN"}\n'
        '{"userid":"v","framework":null,"n":2.5}\n'.encode()
    }
    assert json.loads(array["user.json"]) == [
        json.loads(line) for line in json_lines["user.json"].splitlines()
    ]


def test_parquet_has_the_types_of_the_columns(tables: Tables) -> None:
    table = Table(
        "assessment_aggregator",
        {"day": "timestamp", "odd": "timestamp", "question": "list<frozen<question>>"},
        [
            [datetime(2024, 1, 1), datetime(2024, 1, 1), QUESTIONS],
            [None, "2024-13-01", [Question(duration=Decimal("3.5"))]],
        ],
    )

    (content,) = extract_files({table.name: table}, "parquet").values()
    found = parquet.read_table(io.BytesIO(content))

    assert [str(kind) for kind in found.schema.types][:2] == ["timestamp[ms, tz=UTC]", "string"]
    assert found["odd"].to_pylist() == ["2024-01-01T00:00:00Z", "2024-13-01"]
    assert found["question"].to_pylist()[1][0]["duration"] == Decimal("3.5")


PATHS = {
    "files": "user_enrolments.csv",
    "parts": "user_enrolments/output-000002.csv",
    "keyspaces": "sunbird_courses/user_enrolments.csv",
    "archives": "sunbird_courses.tar.gz",
    "backups": "sunbird_courses/2024-07-01T00-00-00.tar.gz",
}


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_packing_puts_files_where_the_tools_do(
    tables: Tables, tmp_path: Path, packing: str
) -> None:
    write_extract(tmp_path, tables, "rfc4180", packing)

    assert (tmp_path / PATHS[packing]).is_file()
    assert rows_found(tmp_path) == sum(len(table.rows) for table in tables.values())


def rows_found(folder: Path) -> int:
    contents = [file.read_text("utf-8") for file in folder.rglob("*.csv")]
    for file in folder.rglob("*.tar.gz"):
        with tarfile.open(file) as archive:
            contents += [
                stream.read().decode()
                for member in archive
                if member.name.endswith(".csv") and (stream := archive.extractfile(member))
            ]
    return sum(len(list(csv.reader(io.StringIO(content)))) - 1 for content in contents)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_written_the_same_each_time(tables: Tables, form: str) -> None:
    files = extract_files(tables, form)

    assert files == extract_files(tables, form)
    assert all(
        name.endswith(".gz") == (content[:2] == gzip.compress(b"")[:2])
        for name, content in files.items()
    )
