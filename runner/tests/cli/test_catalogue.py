import json
from pathlib import Path

import pytest
from cli_support import COURSE, call


def test_courses_lists_courses(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("courses", "--json") == 0
    found = json.loads(capsys.readouterr().out)["courses"]
    assert COURSE in {course["course_id"] for course in found}
    assert call("courses", COURSE) == 0
    head, only = capsys.readouterr().out.splitlines()
    assert head.split() == ["ID", "Name", "Status", "Tenant", "Batches", "Enrolments"]
    assert only.startswith(COURSE)


def test_no_matching_course_is_not_an_error(
    sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("courses", "no such name") == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "No course matches `no such name`.\n")


def test_batches_lists_the_batches_of_a_course(
    sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("batches", COURSE) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["ID", "Name", "Status", "Starts", "Ends", "Enrolled", "Completed"]
    assert call("batches", COURSE, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["course_id"] == COURSE
    assert [row.split()[0] for row in rows] == [one["batch_id"] for one in result["batches"]]
