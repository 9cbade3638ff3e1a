import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from cli_support import BATCH, COURSE, MENTOR, call


def test_courses_lists_courses(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("courses", "--json") == 0
    found = json.loads(capsys.readouterr().out)["courses"]
    assert COURSE in {course["course_id"] for course in found}
    assert call("courses", COURSE) == 0
    head, only = capsys.readouterr().out.splitlines()
    assert head.split() == ["ID", "Name", "Status", "Tenant", "Batches", "Rows"]
    assert only.startswith(COURSE)


def test_no_matching_course_is_not_an_error(
    sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("courses", "no such name") == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    message, *nearest = shown.err.splitlines()
    assert message == (
        "No course matches `no such name` (searched 4 courses by ID and name). The nearest:"
    )
    assert f"  {COURSE}  Foundational Literacy and Numeracy" in nearest
    assert call("courses", "no such name", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"courses": []}


@pytest.mark.parametrize("user", [[], ["--as", MENTOR]], ids=str)
def test_the_counts_of_courses_batches_and_reports_agree(
    sample: Path, capsys: pytest.CaptureFixture[str], user: list[str]
) -> None:
    def answer(*arguments: str) -> dict[str, Any]:
        assert call(*arguments, "--json", "-q", *user) == 0
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    exported = answer("export", "--all")["files"]
    courses = [one for one in answer("courses")["courses"] if one["status"] != "Retired"]
    assert sum(file["rows"] for file in exported) > 10
    for course in courses:
        batches = answer("batches", course["course_id"])["batches"]
        files = [file for file in exported if file["course_id"] == course["course_id"]]
        assert course["batches"] == len(batches) == len(files)
        assert course["rows"] == sum(file["rows"] for file in files)
        for batch in batches:
            (file,) = [one for one in files if list(one["batches"]) == [batch["batch_id"]]]
            assert batch["rows"] == batch["enrolled"] == file["rows"]
            assert batch["left_out"] == file["left_out"]
            report = Path(file["file"]).read_text("utf-8")
            assert len(list(csv.reader(report.splitlines()))) == 1 + batch["rows"]
        if not user:
            assert course["enrolments"] >= course["rows"] + sum(
                sum(batch["left_out"].values()) for batch in batches
            )


def test_batches_lists_the_batches_of_a_course(
    sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("batches", COURSE) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert re.split("  +", head) == [
        *("ID", "Name", "Status", "Starts", "Ends", "Rows", "Left out", "Completed"),
    ]
    assert call("batches", COURSE, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["course_id"] == COURSE
    assert [row.split()[0] for row in rows] == [one["batch_id"] for one in result["batches"]]
    assert call("batches", BATCH, "--json") == 0
    assert json.loads(capsys.readouterr().out) == result


@pytest.mark.parametrize("text", ["", " ", "\u200b"], ids=ascii)
def test_an_empty_text_lists_all_courses_but_names_none(
    sample: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    assert call("courses", text, "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["courses"]) == 4
    for command in ("batches", "export"):
        assert call(command, text) == 2
    assert call("request", text, "--as", MENTOR) == 2
    assert capsys.readouterr().err.count("error: An empty course was given.") == 3
