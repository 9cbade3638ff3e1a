"""Standard streams that are closed or full, and a folder that was deleted."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_support import BATCH, COURSE, MENTOR, call

EXHAUST = Path(sys.executable).with_name("exhaust")

pytestmark = pytest.mark.not_on_spark  # Another process cannot open the metastore.


def run(command: str) -> tuple[int, str, str]:
    """Runs a line of a shell, in which $X is the command."""
    done = subprocess.run(
        ["sh", "-c", command], env={**_environment(), "X": str(EXHAUST)}, capture_output=True
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_file_is_written_where_standard_streams_are_closed(sample: Path, closed: str) -> None:
    code, output, errors = run(f'exec "$X" export {BATCH} -o one.csv {closed}')
    assert (code, output) == (0, "")
    assert ("one.csv: 11 rows" in errors) is (closed == ">&-")
    assert run(f'exec "$X" verify one.csv {closed}')[0] == 0
    assert {file.name for file in sample.iterdir()} == {"one.csv", "one.csv.receipt.json"}


def test_a_result_is_not_mixed_with_messages_where_standard_error_is_closed(sample: Path) -> None:
    code, output, _ = run(f'exec "$X" export {BATCH} -o one.csv --json 2>&-')
    assert (code, json.loads(output)["files"][0]["rows"]) == (0, 11)
    code, output, _ = run('exec "$X" export none --json 2>&-')
    assert (code, json.loads(output)["error"]["code"]) == (3, "not_found")


def test_wrong_usage_has_its_code_where_standard_error_is_closed(no_warehouse: Path) -> None:
    assert run('exec "$X" --nonsense 2>&-') == (2, "", "")
    code, output, _ = run('exec "$X" --nonsense --json 2>&-')
    assert (code, json.loads(output)["error"]["code"]) == (2, "usage")
    assert run('exec "$X" --help 2>&- | true')[0] == 0


def test_a_report_for_a_closed_standard_output_is_refused(sample: Path) -> None:
    code, _, errors = run(f'exec "$X" export {BATCH} -o - >&-')
    assert code == 2
    assert errors.startswith("error: Standard output is closed")


def test_messages_that_a_full_disk_does_not_take_are_lost_but_not_the_file(sample: Path) -> None:
    assert run(f'exec "$X" export {BATCH} -o one.csv 2> /dev/full') == (0, "", "")
    assert (sample / "one.csv").is_file()


@pytest.mark.parametrize(
    "command",
    [
        *("courses", "courses --json", "courses -q", f"batches {COURSE}", f"export {BATCH} -o -"),
        *("--help", "--version", "courses --help", "--nonsense --json"),
    ],
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_behind_standard_output_is_a_plain_error(
    sample: Path, command: str, unbuffered: str
) -> None:
    code, _, errors = run(f'PYTHONUNBUFFERED={unbuffered} exec "$X" {command} > /dev/full')
    assert code == 1
    *_, error, hint = errors.splitlines()
    assert error == (
        "error: A disk is full: Standard output cannot be written: No space left on device."
    )
    assert hint.startswith("hint: Free some space")


def test_a_download_to_a_full_disk_is_a_plain_error(
    sample_with_results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("request", BATCH, "--as", MENTOR) == 0
    (request_id,) = capsys.readouterr().out.split()
    assert call("process") == 0
    code, _, errors = run(f'exec "$X" download {request_id} -o - > /dev/full')
    assert (code, errors.partition(": No space")[0]) == (
        1,
        "error: A disk is full: Standard output cannot be written",
    )


@pytest.mark.parametrize(
    "command", ["courses", f"export {COURSE}", "verify a.csv", "courses --json"]
)
def test_a_deleted_folder_is_a_plain_error(sample: Path, command: str) -> None:
    code, output, errors = run(f'mkdir gone && cd gone && rmdir ../gone && exec "$X" {command}')
    assert code == 2
    assert errors.startswith("error: The current folder no longer exists.\nhint: ")
    assert not output or json.loads(output)["error"]["code"] == "usage"
