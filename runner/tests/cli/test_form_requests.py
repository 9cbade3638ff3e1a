"""Requests of reports in other forms, with the command: from the options to the files."""

import io
import json
import sys
from pathlib import Path

import pytest
from cli_support import BATCH, COURSE, MENTOR, call

from exhaust.reports.protection import opened

PASSWORD = "Xq7-correct horse"


@pytest.fixture(autouse=True)
def user(sample_with_results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXHAUST_USER", MENTOR)


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.TextIOWrapper(io.BytesIO(f"{PASSWORD}\n".encode()))
    monkeypatch.setattr(sys, "stdin", content)


def requested(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    capsys.readouterr()
    assert call("request", COURSE, "-b", BATCH, *options) == 0
    return capsys.readouterr().out.strip()


def test_every_option_is_kept_and_made(capsys: pytest.CaptureFixture[str]) -> None:
    request_id = requested(
        capsys,
        *("--format", "xlsx", "--headers", "name", "--add", "Status"),
        *("--column", "User UUID", "--column", "batch_id", "--column", "course_id"),
    )
    assert call("process") == 0
    assert f"{request_id}: SUCCESS, 11 of 11 rows" in capsys.readouterr().err
    assert call("status", request_id, "--json") == 0
    (one,) = json.loads(capsys.readouterr().out)["requests"]
    data = one["request_data"]
    assert {name: data[name] for name in ("format", "headers", "columns", "additions")} == {
        "format": "xlsx",
        "headers": "name",
        "columns": ["User UUID", "batch_id", "course_id"],
        "additions": ["Status"],
    }
    assert call("download", request_id) == 0
    (file,) = Path().glob("*.xlsx")
    assert file.name.startswith(f"{BATCH}_progress_")
    assert call("verify", str(file)) == 0


def test_a_split_has_a_file_each_and_an_index(capsys: pytest.CaptureFixture[str]) -> None:
    request_id = requested(capsys, "--split-by", "district", "--format", "csv-excel")
    assert call("process") == 0
    assert f"{request_id}: SUCCESS, 11 of 11 rows" in capsys.readouterr().err
    assert call("download", request_id, "-o", "one.csv") == 2
    assert "files, but one output was given" in capsys.readouterr().err
    assert call("download", request_id, "--output-dir", "out") == 0
    reports = [file for file in Path("out").glob("*.csv") if "index" not in file.name]
    (index,) = Path("out").glob("*_index.csv")
    lines = index.read_text("utf-8-sig").splitlines()
    assert len(lines) == len(reports) + 1 > 2
    assert all(any(line.startswith(file.name) for line in lines) for file in reports)
    for file in reports:
        assert call("verify", str(file)) == 0


def test_a_split_is_not_found_without_one_of_its_files(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    request_id = requested(capsys, "--split-by", "district")
    assert call("process") == 0
    file = next(one for one in tmp_path.rglob("*_progress_*.csv") if "index" not in one.name)
    file.unlink()
    assert call("download", request_id) == 3


@pytest.mark.parametrize("content", ["", "File\n../../secret.csv\n", "Name\nx\n", "File\n\n\0"])
def test_an_index_that_somebody_changed_hands_out_nothing(
    content: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    request_id = requested(capsys, "--split-by", "district")
    assert call("process") == 0
    (index,) = tmp_path.rglob("*_index.csv")
    index.write_text(content)
    capsys.readouterr()
    assert call("download", request_id, "--output-dir", "out") in (3, 7)
    assert not list(tmp_path.glob("here/out/*.csv"))


def test_only_what_is_new_since_a_request(capsys: pytest.CaptureFixture[str]) -> None:
    first = requested(capsys)
    assert call("process") == 0
    second = requested(capsys, "--since", first.lower())
    assert call("process") == 0
    assert f"{second}: SUCCESS, 0 of 0 rows" in capsys.readouterr().err
    assert call("status", second, "--json") == 0
    (one,) = json.loads(capsys.readouterr().out)["requests"]
    assert one["request_data"]["since"] == first
    assert call("download", second) == 0
    (receipt,) = Path().glob("*.receipt.json")
    assert json.loads(receipt.read_text("utf-8"))["left_out"]["unchanged"] == 11


@pytest.mark.usefixtures("stdin")
def test_an_earlier_report_with_the_same_password(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("process") == 0
    first = requested(capsys, "--format", "xlsx", "--password-stdin")
    assert call("process") == 0
    assert call("request", COURSE, "-b", BATCH, "--since", first) == 2
    assert "opens only with a password" in capsys.readouterr().err
    sys.stdin = io.TextIOWrapper(io.BytesIO(f"{PASSWORD}\n".encode()))
    second = requested(capsys, "--since", first, "--password-stdin")
    assert call("process") == 0
    assert f"{second}: SUCCESS, 0 of 0 rows" in capsys.readouterr().err


def test_a_report_that_is_not_there_is_no_earlier_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "here" / "old.csv").touch()
    assert call("request", COURSE, "-b", BATCH, "--since", "old.csv") == 3
    first = requested(capsys)
    assert call("request", COURSE, "-b", BATCH, "--since", first) == 6
    assert call("process") == 0
    assert call("request", COURSE, "--since", first) == 2
    assert "has not got the batch" in capsys.readouterr().err


def test_status_tells_forms_apart(capsys: pytest.CaptureFixture[str]) -> None:
    requested(capsys)
    assert call("status") == 0
    assert "Form" not in capsys.readouterr().out
    requested(capsys, "--format", "xlsx", "--add", "Status", "--split-by", "block")
    assert call("status") == 0
    assert "  xlsx, other columns, by block  " in capsys.readouterr().out


def test_a_column_that_is_not_there_makes_no_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("request", COURSE, "--column", "Grade") == 2
    assert "There is no column `Grade`" in capsys.readouterr().err
    assert call("status") == 0
    assert "There are no requests." in capsys.readouterr().err


@pytest.mark.usefixtures("stdin")
def test_a_password_from_stdin_opens_all_files_of_a_split(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert call("process") == 0
    request_id = requested(capsys, "--split-by", "block", "--format", "xlsx", "--password-stdin")
    assert call("process") == 0
    assert call("download", request_id, "--output-dir", "out") == 0
    files = list(Path("out").glob("*.xlsx"))
    assert len(files) > 1
    for file in files:
        assert opened(file, PASSWORD, tmp_path) != file
    found = [one for one in tmp_path.rglob("*") if one.is_file()]
    assert not [one for one in found if PASSWORD.encode() in one.read_bytes()]


def test_a_password_needs_a_worker(stdin: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("request", COURSE, "--password-stdin") == 3
    assert "hint: Run `exhaust process` once." in capsys.readouterr().err


def test_a_report_can_be_under_way_in_each_form(capsys: pytest.CaptureFixture[str]) -> None:
    ids = {
        requested(capsys, *options)
        for options in ([], ["--format", "xlsx"], ["--layout", "sunbird"], ["--add", "Status"])
    }
    assert len(ids) == 4
    assert call("request", COURSE, "-b", BATCH, "--format", "xlsx") == 6
    assert call("request", COURSE, "--add", "Status") == 6
    assert call("process") == 0
    assert capsys.readouterr().err.count("SUCCESS, 11 of 11 rows") == 4
