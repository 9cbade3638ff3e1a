"""Tests that the oracle keeps the rules and makes the golden files."""

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from oracle import file_name, make_reports
from oracle.extract import COLUMNS, Row
from support import GOLDEN, SCENARIOS

Tables = dict[str, list[Row]]
COLLECTION = "application/vnd.ekstep.content-collection"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_golden_files_equal_the_oracle(scenario: str) -> None:
    reports = make_reports(SCENARIOS[scenario])
    for folder, made in [
        (GOLDEN / scenario, reports.files),
        (GOLDEN / "additions" / scenario, reports.files_with_additions),
    ]:
        golden = {file.name: file.read_bytes() for file in folder.iterdir()}
        assert {file_name(batch_id): content for (_, batch_id), content in made.items()} == golden


# Extracts with one course and one learner


def small_extract(**enrolment: str) -> Tables:
    """Returns course `c` with contents a, b and q (an assessment), its batch `1`, and an enrolment.

    The enrolment of learner `u` of tenant `t` has the given columns in addition to its key.
    """
    contents = [
        {"identifier": "a", "mimeType": "video/mp4"},
        {"identifier": "b", "mimeType": "video/mp4"},
        {"identifier": "q", "mimeType": "video/mp4", "contentType": "SelfAssess"},
    ]
    key = {"userid": "u", "courseid": "c", "batchid": "1"}
    tables: Tables = {table: [] for table in COLUMNS}
    tables |= {
        "content_hierarchy": [{"identifier": "c", "hierarchy": hierarchy(contents)}],
        "course_batch": [{"courseid": "c", "batchid": "1", "name": "B"}],
        "user_enrolments": [{**key, "active": "1", "enrolled_date": "2024-01-01", **enrolment}],
        "user": [{"userid": "u", "rootorgid": "t"}],
        "organisation": [{"id": "t", "orgname": "Tenant"}],
        "system_settings": [{"id": "custodianOrgId", "value": "custodian"}],
    }
    return tables


def hierarchy(children: Sequence[Mapping[str, object]]) -> str:
    return json.dumps({"name": 'The "C", a course', "mimeType": COLLECTION, "children": children})


def as_csv(rows: list[Row], table: str) -> str:
    """Returns rows as RFC 4180."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS[table].split(), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_dsbulk_csv(rows: list[Row], table: str) -> str:
    def field(value: str | None) -> str:
        escaped = (value or "").replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"' if escaped != value or "," in escaped else escaped

    columns = COLUMNS[table].split()
    lines = [columns] + [[field(row[c]) if row.get(c) else "" for c in columns] for row in rows]
    return "\n".join(map(",".join, lines))


def as_json_lines(rows: list[Row], table: str) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def write_extract(folder: Path, tables: Tables) -> Path:
    for table, rows in tables.items():
        (folder / f"{table}.csv").write_bytes(as_csv(rows, table).encode())
    return folder


def report_rows(folder: Path, tables: Tables) -> list[dict[str, str]]:
    content = make_reports(write_extract(folder, tables)).files["c", "1"].decode()
    return list(csv.DictReader(io.StringIO(content, newline="")))


def test_a_report_is_exact_to_the_byte(tmp_path: Path) -> None:
    extract = write_extract(tmp_path, small_extract(completedon="2024-01-31T18:30:00Z"))

    assert make_reports(extract).files == {
        ("c", "1"): b"Collection ID,Collection Name,Batch ID,Batch Name,User UUID,State,District,"
        b"Org Name,School ID,School Name,Block Name,Cluster Name,User Type,User Sub Type,"
        b"Declared Board,Enrolment Date,Completion Date,Certificate Status,Progress,Total Score,"
        b"q - Score\n"
        b'c,"The ""C"", a course",1,B,u,,,Tenant,,,,,,,,01/01/2024,01/02/2024,,100,,\n'
    }


@pytest.mark.parametrize("form", [as_csv, as_dsbulk_csv, as_json_lines])
def test_every_format_gives_the_same_report(
    form: Callable[[list[Row], str], str], tmp_path: Path
) -> None:
    tables = small_extract(contentstatus='{"a":2,"\\\\":2}')
    plain_folder, parts_folder = tmp_path / "plain", tmp_path / "parts"
    plain_folder.mkdir()
    suffix = "jsonl" if form is as_json_lines else "csv"
    for table, rows in tables.items():
        if form is as_json_lines and not rows:
            rows = [dict.fromkeys(COLUMNS[table].split())]  # It has no key, so it is ignored.
        (parts_folder / table).mkdir(parents=True)
        part = parts_folder / table / f"part-1.{suffix}.gz"
        part.write_bytes(gzip.compress(form(rows, table).encode()))
    write_extract(plain_folder, tables)

    assert make_reports(parts_folder) == make_reports(plain_folder)


def test_an_ambiguous_file_uses_the_escape_of_other_files(tmp_path: Path) -> None:
    tables = small_extract()
    write_extract(tmp_path, tables)
    (tmp_path / "course_batch.csv").write_text('courseid,batchid,name\nc,1,"a\\\\b, c"\n')
    assert b'"a\\\\b, c"' in make_reports(tmp_path).files["c", "1"]

    hierarchies = as_dsbulk_csv(tables["content_hierarchy"], "content_hierarchy")
    (tmp_path / "content_hierarchy.csv").write_text(hierarchies)
    assert b'"a\\b, c"' in make_reports(tmp_path).files["c", "1"]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"enrolled_date": "12-14-2020 05:41:50:382+0000"}, "enrolment date unreadable"),
        ({"enrolled_date": "", "enrolleddate": "soon"}, "enrolment date unreadable"),
        ({"enrolled_date": ""}, "no enrolment date"),
        ({"enrolled_date": "soon", "enrolleddate": "2024-01-01"}, None),
        ({"active": "0", "enrolled_date": "soon"}, "inactive"),
        ({"active": "", "batchid": "2"}, "batch unknown"),
        ({"batchid": "2", "courseid": "d"}, "course unknown"),
    ],
)
def test_only_the_first_reason_is_counted(
    columns: dict[str, str], reason: str | None, tmp_path: Path
) -> None:
    extract = write_extract(tmp_path, small_extract(**columns))
    batch = columns.get("courseid", "c"), columns.get("batchid", "1")

    assert make_reports(extract).left_out == ({batch: Counter([reason])} if reason else {})


@pytest.mark.parametrize(
    ("done", "leaves", "progress"),
    [(0, 200, 0), (1, 200, 1), (1, 201, 0), (197, 200, 99), (199, 200, 99), (200, 200, 100)],
)
def test_progress_is_100_only_if_all_contents_are_completed(
    done: int, leaves: int, progress: int, tmp_path: Path
) -> None:
    tables = small_extract(contentstatus=json.dumps({str(n): 2 for n in range(done)}))
    contents = [{"identifier": str(n), "mimeType": "video/mp4"} for n in range(leaves)]
    tables["content_hierarchy"][0]["hierarchy"] = hierarchy(contents)

    assert report_rows(tmp_path, tables)[0]["Progress"] == str(progress)


def test_content_that_is_optional_in_one_unit_is_optional(tmp_path: Path) -> None:
    optional = {"optional": "True"}
    unit: dict[str, object] = {
        "identifier": "unit",
        "mimeType": COLLECTION,
        "relationalMetadata": optional,
        "children": [{"identifier": "a", "mimeType": "video/mp4"}],
    }
    tables = small_extract(contentstatus='{"a":2,"b":2}')
    contents = [{"identifier": i, "mimeType": "video/mp4"} for i in ("a", "b", "c")]
    tables["content_hierarchy"][0]["hierarchy"] = hierarchy([*contents, unit])

    assert report_rows(tmp_path, tables)[0]["Progress"] == "50"


def attempt(attempt_id: str, score: str, maximum: str, at: str = "", **columns: str) -> Row:
    key = {"user_id": "u", "course_id": "c", "batch_id": "1", "content_id": "q"}
    scores = {"total_score": score, "total_max_score": maximum, "last_attempted_on": at}
    return {**key, "attempt_id": attempt_id, **scores, **columns}


@pytest.mark.parametrize(
    ("attempts", "percent"),
    [
        ([], ""),
        ([attempt("1", "0", "10")], "0%"),
        ([attempt("1", "7", "100")], "7%"),
        ([attempt("1", "14", "25")], "56%"),
        ([attempt("1", "1", "3")], "34%"),
        ([attempt("1", "12", "10")], "120%"),
        ([attempt("1", "5", "10"), attempt("2", "9", "100")], "9%"),
        ([attempt("1", "5", "10"), attempt("2", "5", "8")], "63%"),
        ([attempt("1", "9", "10", content_id="a")], ""),
        ([attempt("1", "9", "10", batch_id="2")], ""),
        ([attempt("1", "-1", "10"), attempt("2", "1", "0"), attempt("3", "NaN", "9")], ""),
        (
            [
                attempt("1", "9", "10", updated_on="2024-01-01"),
                attempt("1", "-1", "10", updated_on="2024-01-02"),
            ],
            "",
        ),
    ],
)
def test_the_best_attempt_gives_the_score(
    attempts: list[Row], percent: str, tmp_path: Path
) -> None:
    row = report_rows(tmp_path, small_extract() | {"assessment_aggregator": attempts})[0]

    assert row["q - Score"] == percent
    assert row["Total Score"] == percent


def added_cells(folder: Path, tables: Tables) -> dict[str, str]:
    content = make_reports(write_extract(folder, tables)).files_with_additions["c", "1"].decode()
    return next(csv.DictReader(io.StringIO(content, newline="")))


def test_added_columns_without_any_activity(tmp_path: Path) -> None:
    cells = list(added_cells(tmp_path, small_extract()).items())
    assert cells[20:] == [
        ("Status", "Not started"),
        ("Contents Completed", "0 of 3"),
        ("Assessments Attempted", "0 of 1"),
        ("Total Score (all)", ""),
        ("Last Activity", ""),
        ("Certificate Date", ""),
        ("q - Score", ""),
        ("q - Attempts", "0"),
        ("q - Points", ""),
        ("q - Maximum", ""),
    ]


def test_added_columns_of_a_learner_with_attempts(tmp_path: Path) -> None:
    enrolment = {
        "completedon": "2024-01-02",
        "contentstatus": '{"a": 2, "gone": 2}',
        "datetime": "2024-01-05T18:29:59Z",
        "certificates": '[{"lastIssuedOn": "2024-02-01"}, {"lastIssuedOn": "2024-01-31"}]',
    }
    attempts = [attempt("1", "2.5", "10", "2024-01-05T18:30:00Z"), attempt("2", "0", "10")]
    tables = small_extract(**enrolment) | {"assessment_aggregator": attempts}
    cells = list(added_cells(tmp_path, tables).values())
    assert cells[20:26] == ["Completed", "1 of 3", "1 of 1", "25%", "06/01/2024", "01/02/2024"]
    assert cells[26:] == ["25%", "2", "2.5", "10"]


@pytest.mark.parametrize(
    ("contentstatus", "attempts", "status"),
    [
        ('{"a": 0, "b": 3}', [], "Not started"),
        ('{"gone": 1}', [], "In progress"),
        ('{"a": 2}', [], "In progress"),
        ("", [attempt("1", "0", "1")], "In progress"),
        ("", [attempt("1", "0", "0"), attempt("2", "1", "2", content_id="a")], "Not started"),
    ],
)
def test_the_status_says_who_has_started(
    contentstatus: str, attempts: list[Row], status: str, tmp_path: Path
) -> None:
    tables = small_extract(contentstatus=contentstatus) | {"assessment_aggregator": attempts}
    assert added_cells(tmp_path, tables)["Status"] == status


@pytest.mark.parametrize(
    ("others", "total"),
    [
        ([], ""),
        (["10"], "0%"),
        (["10", "10", "20"], "50%"),
        (["10", "20"], "34%"),
    ],
)
def test_an_untried_assessment_counts_as_zero_of_its_usual_maximum(
    others: list[str], total: str, tmp_path: Path
) -> None:
    """Others tried `q` with these maximums; if there are several, the learner has 10/10 in `p`."""
    own = [attempt("1", "10", "10", content_id="p")] if len(others) > 1 else []
    of_others = [
        attempt(str(number), "1", maximum, user_id="v") for number, maximum in enumerate(others)
    ]
    contents = [
        {"identifier": i, "mimeType": "video/mp4", "contentType": "SelfAssess"} for i in "pqr"
    ]
    tables = small_extract() | {"assessment_aggregator": own + of_others}
    tables["content_hierarchy"][0]["hierarchy"] = hierarchy(contents)
    assert added_cells(tmp_path, tables)["Total Score (all)"] == total


@pytest.mark.parametrize(
    ("attempts", "total"),
    [
        ([attempt("1", "0", "8", "2024-01-01"), attempt("2", "0", "5", "2024-01-02")], "40%"),
        ([attempt("1", "0", "5", "2024-01-02"), attempt("2", "0", "8", "2024-01-01")], "40%"),
        ([attempt("1", "0", "8"), attempt("2", "0", "5", updated_on="2024-01-01")], "40%"),
        ([attempt("2", "0", "8"), attempt("10", "0", "5")], "40%"),
    ],
)
def test_equal_attempts_are_ranked_by_time_then_lowest_id(
    attempts: list[Row], total: str, tmp_path: Path
) -> None:
    """Visible in the total: 4 of 5 in another assessment, and 0 of 5 (not of 8) in this one."""
    tables = small_extract() | {
        "assessment_aggregator": [*attempts, attempt("1", "4", "5", content_id="p")]
    }
    contents = [
        {"identifier": i, "mimeType": "video/mp4", "contentType": "SelfAssess"} for i in ("p", "q")
    ]
    tables["content_hierarchy"][0]["hierarchy"] = hierarchy(contents)

    assert report_rows(tmp_path, tables)[0]["Total Score"] == total


def test_the_school_is_the_lowest_organisation_id_of_type_school(tmp_path: Path) -> None:
    tables = small_extract()
    for organisation_id, kind, is_deleted in [
        ("1", "5", "0"),
        ("2", "2", "1"),
        ("30", "2.0", ""),
        ("4", "2", "0"),
    ]:
        row: Row = {"id": organisation_id, "orgname": f"School {organisation_id}"}
        tables["organisation"].append({**row, "organisationtype": kind, "externalid": "07"})
        member: Row = {"userid": "u", "organisationid": organisation_id, "isdeleted": is_deleted}
        tables["user_organisation"].append(member)

    row = dict(report_rows(tmp_path, tables)[0])

    assert (row["School ID"], row["School Name"]) == ("07", "School 30")


def test_locations_come_from_the_profile_then_the_school_then_its_ancestors(tmp_path: Path) -> None:
    tables = small_extract()
    tables["location"] = [
        {"id": "s", "code": "33", "name": "Tamil Nadu", "type": "state"},
        {"id": "d", "name": "Madurai", "parentid": "s", "type": "district"},
        {"id": "e", "name": "Salem", "parentid": "s", "type": "district"},
        {"id": "b", "name": "Melur", "parentid": "d", "type": "Block"},
    ]
    tables["user"][0]["profilelocation"] = '[{"id":"e"}]'
    school = {"id": "school", "organisationtype": "2", "orglocation": '[{"id":"b"}]'}
    tables["organisation"].append({**school})
    tables["user_organisation"] = [{"userid": "u", "organisationid": "school"}]

    row = report_rows(tmp_path, tables)[0]

    assert [row[c] for c in ("State", "District", "Block Name")] == ["Tamil Nadu", "Salem", "Melur"]


def test_a_validated_declaration_wins_and_is_used_as_a_whole(tmp_path: Path) -> None:
    tables = small_extract()
    tables["user"][0]["rootorgid"] = "custodian"
    tables["user_declarations"] = [
        {"userid": "u", "orgid": "t", "persona": persona, "status": status, "userinfo": info}
        for persona, status, info in [
            ("a", "SUBMITTED", '{"declared-school-name":"A","declared-school-udise-code":"1"}'),
            ("b", "VALIDATED", '{"declared-school-udise-code":33291500301}'),
        ]
    ]

    row = report_rows(tmp_path, tables)[0]

    assert (row["School ID"], row["School Name"]) == ("33291500301", "")
