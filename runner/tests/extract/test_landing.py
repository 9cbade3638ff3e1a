"""Tests how the columns of a file become the columns of its table."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support import PROJECT

from exhaust.errors import DataError, ExhaustError
from exhaust.extract import landing
from exhaust.extract.folder import read_extract
from exhaust.extract.landing import LandedFiles, group_files
from exhaust.extract.limits import MAX_ENTRIES
from exhaust.project.sources import read_sources

SOURCES = read_sources(PROJECT)


def land(folder: Path, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """Returns the columns of a table of an extract as they land."""
    rows: list[tuple[Any, ...]] = []
    with duckdb.connect() as connection:
        for group in groups_of(folder, table):
            names = ", ".join(f'"{column}"' for column in columns)
            try:
                rows += connection.execute(f"select {names} from ({group.reader})").fetchall()
            except duckdb.Error as error:
                raise group.fault(error) from error
    return rows


def groups_of(folder: Path, table: str) -> list[LandedFiles]:
    (found,) = (
        found for found in read_extract(folder, SOURCES).tables if found.source.name == table
    )
    return group_files(found.files)


ATTEMPT = "u,{course},{other_course},{batch},{other_batch},x,1,5,10\n"
ATTEMPTS = (
    "user_id,course_id,collection_id,batch_id,context_id,content_id,attempt_id,total_score,"
    "total_max_score\n"
)


def test_successor_columns_fill_empty_values(tmp_path: Path) -> None:
    rows = [
        ("c1", "", "b1", ""),
        ("", "c2", '""', "b2"),
        ("c3", "c4", "b3", "b4"),
        ("", "", "", ""),
    ]
    lines = (
        ATTEMPT.format(course=course, other_course=other, batch=batch, other_batch=other_batch)
        for course, other, batch, other_batch in rows
    )
    (tmp_path / "assessment_aggregator.csv").write_text(ATTEMPTS + "".join(lines))

    found = land(tmp_path, "assessment_aggregator", "course_id", "batch_id", "collection_id")

    assert found == [
        ("c1", "b1", None),
        ("c2", "b2", "c2"),
        ("c3", "b3", "c4"),
        (None, None, None),
    ]


def test_successor_columns_are_enough(tmp_path: Path) -> None:
    (tmp_path / "assessment_aggregator.csv").write_text(
        "user_id,collection_id,context_id,content_id,attempt_id,total_score,total_max_score\n"
        "u,c,b,x,1,5,10\n"
    )
    (table,) = read_extract(tmp_path, SOURCES).tables

    assert land(tmp_path, "assessment_aggregator", "course_id", "batch_id") == [("c", "b")]
    assert table.missing_columns == ["last_attempted_on", "updated_on"]


def test_the_two_user_id_columns_must_agree(tmp_path: Path) -> None:
    file = tmp_path / "user.csv"
    file.write_text("id,userid,rootorgid\nu1,u1,o\nu2,,o\n,u3,o\n")

    assert land(tmp_path, "user", "userid") == [("u1",), ("u2",), ("u3",)]

    file.write_text("id,userid,rootorgid\nu1,u1,o\nu2,u3,o\n")

    with pytest.raises(
        DataError, match=r"user\.csv: a row has two different user IDs: userid u3 and id u2\."
    ):
        land(tmp_path, "user", "userid")


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        ('[{"type":"teacher"}]', '{"type":"other"}', [{"type": "teacher"}]),
        ("", '{"type":"teacher","subType":null}', [{"type": "teacher", "subType": None}]),
        ("[]", "{'type': 'teacher'}", [{"type": "teacher"}]),
        (None, '[{"type":"teacher"}]', [{"type": "teacher"}]),
        ("", "", None),
    ],
)
def test_the_user_type_of_old_releases_becomes_a_list(
    tmp_path: Path, new: str | None, old: str, expected: object
) -> None:
    row = {"userid": "u", "rootorgid": "o", "profileusertypes": new, "profileusertype": old}
    (tmp_path / "user.jsonl").write_text(json.dumps(row))

    ((found,),) = land(tmp_path, "user", "profileusertypes")

    assert (json.loads(found) if found else None) == expected


def test_a_collection_with_too_many_entries_is_refused(tmp_path: Path) -> None:
    few = json.dumps(dict.fromkeys(map(str, range(MAX_ENTRIES)), 2))
    many = json.dumps(dict.fromkeys(map(str, range(MAX_ENTRIES + 1)), 2))
    row = {"userid": "u", "courseid": "c", "batchid": "b", "active": True}
    file = tmp_path / "user_enrolments.jsonl"

    file.write_text(json.dumps({**row, "contentstatus": few}))

    assert land(tmp_path, "user_enrolments", "contentstatus") == [(few,)]

    file.write_text(json.dumps({**row, "contentstatus": many}))

    with pytest.raises(
        DataError, match=r"a value in column `contentstatus` has more than 100,000 entries"
    ):
        land(tmp_path, "user_enrolments", "contentstatus")


def test_files_with_the_same_group_key_are_read_together(tmp_path: Path) -> None:
    parts = tmp_path / "location"
    parts.mkdir()
    for number in range(5):
        (parts / f"{number}.csv").write_text(f'id,name\n{number},"a\\"b"\n')
        (parts / f"{number}.jsonl").write_text(f'{{"id":"j{number}"}}\n')
    (parts / "other.csv").write_text("name,id\nx,y\n")

    groups = groups_of(tmp_path, "location")

    assert sorted(len(group.files) for group in groups) == [1, 5, 5]
    assert sorted(land(tmp_path, "location", "id")) == sorted(
        [
            ("y",),
            *((f"{number}",) for number in range(5)),
            *((f"j{number}",) for number in range(5)),
        ]
    )


def test_the_faulty_file_of_a_group_is_named(tmp_path: Path) -> None:
    parts = tmp_path / "location"
    parts.mkdir()
    for number in range(5):
        (parts / f"{number}.csv").write_text("id,name\n1,x\n")
    (parts / "3.csv").write_text("id,name\n1,x\n2\n")

    with pytest.raises(DataError, match=r"location/3\.csv, line 3: expected 2 columns, found 1"):
        land(tmp_path, "location", "id")


def test_rows_are_counted_over_all_files_of_a_group(tmp_path: Path) -> None:
    parts = tmp_path / "location"
    parts.mkdir()
    for number in range(3):
        (parts / f"{number}.csv").write_text("id,name\n1,x\n\n2,y\n")
    (group,) = groups_of(tmp_path, "location")

    group.check(6)


def test_a_full_disk_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    (tmp_path / "location.csv").write_text("id,name\n1,x\n")
    (group,) = groups_of(tmp_path, "location")

    error = group.fault(duckdb.IOException('Could not write file "x": No space left on device'))

    assert isinstance(error, ExhaustError)
    assert not isinstance(error, DataError)
    assert "A disk is full" in error.message
    assert landing.TOO_MANY_ENTRIES not in error.message


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("line", ["2,x,,", "2,x,", "2,,,", ",,,", '2,"x\ny",', '2,"x\\"y",""'])
def test_empty_fields_after_the_last_column_are_refused(
    tmp_path: Path, line: str, end: str
) -> None:
    """They may have been shifted there by an unquoted comma."""
    (tmp_path / "location.csv").write_bytes(f"id,name{end}1,{end}{line}{end}3,{end}".encode())
    (group,) = groups_of(tmp_path, "location")

    with pytest.raises(DataError, match=r"location\.csv, line \d: expected 2 columns, found [34]"):
        group.check(3)


def test_an_empty_last_column_is_accepted(tmp_path: Path) -> None:
    parts = tmp_path / "location"
    parts.mkdir()
    for number in range(2):
        (parts / f"{number}.csv").write_text('id,name\n1,\n\n2,""\n3,"a,\nb"\n')
    (group,) = groups_of(tmp_path, "location")

    group.check(6)


def test_the_file_of_a_group_with_too_many_fields_is_named(tmp_path: Path) -> None:
    parts = tmp_path / "location"
    parts.mkdir()
    for number in range(3):
        (parts / f"{number}.csv").write_text("id,name\n1,x\n")
    (parts / "1.csv").write_text("id,name\n1,x,\n")
    (group,) = groups_of(tmp_path, "location")

    with pytest.raises(DataError, match=r"location/1\.csv, line 2: expected 2 columns, found 3"):
        group.check(3)


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_tree_may_have_more_entries_than_a_collection(tmp_path: Path, ending: str) -> None:
    units = [{"children": [{"name": "it's"}] * 100} for _ in range(MAX_ENTRIES // 50)]
    tree = {"name": "a course", "children": units}
    if ending == "csv":
        text = json.dumps(tree).replace('"', '""')
        (tmp_path / "content_hierarchy.csv").write_text(f'identifier,hierarchy\nc,"{text}"\n')
    else:
        line = json.dumps({"identifier": "c", "hierarchy": tree})
        (tmp_path / "content_hierarchy.jsonl").write_text(line)

    ((found,),) = land(tmp_path, "content_hierarchy", "hierarchy")

    assert json.loads(found) == tree


def test_a_list_with_too_many_entries_is_refused(tmp_path: Path) -> None:
    row = {"courseid": "c", "batchid": "b", "mentors": [{"a": 1}] * (MAX_ENTRIES + 1)}
    (tmp_path / "course_batch.jsonl").write_text(json.dumps(row))

    with pytest.raises(
        DataError, match=r"a value in column `mentors` has more than 100,000 entries"
    ):
        land(tmp_path, "course_batch", "mentors")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{'a': True, 'b': None, 'c': ''}", '{"a": true, "b": null, "c": ""}'),
        ("""{"it's": "\\"x'"}""", """{"it's": "\\"x'"}"""),
        ("OrderedMapSerializedKey([('a', ['(b), (c'])])", '{"a": ["(b), (c"]}'),
        (r'{"a":"\\"b\\""}', r'{"a":"\"b\""}'),
        # Damaged JSON stays damaged, because no tool writes a text like this.
        (r"""{"a":"\'"}""", r"""{"a":"\'"}"""),
        (r'{"a":"\x41"}', r'{"a":"\x41"}'),
        ("{'a': 'b'", "{'a': 'b'"),
        ("question(id='q1')", "question(id='q1')"),
        ("it's", "it's"),
    ],
)
def test_text_that_is_not_a_literal_stays_unchanged(
    tmp_path: Path, text: str, expected: str
) -> None:
    row = {"userid": "u", "orgid": "o", "persona": "p", "userinfo": text}
    (tmp_path / "user_declarations.jsonl").write_text(json.dumps(row))

    assert land(tmp_path, "user_declarations", "userinfo") == [(expected,)]
