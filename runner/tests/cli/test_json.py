"""`--json`: one document, whatever happens, with the keys that docs/json.md lists."""

import json
import re
import signal
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cli_support import BATCH, COURSE, LEARNER, MENTOR, RETIRED, call
from json_page import assert_documented, sections

from exhaust import api, errors
from exhaust.cli.answer import Answer, as_json
from exhaust.cli.command import INTERRUPTED
from exhaust.console import SYSTEM_CLOCK
from exhaust.errors import Busy, DiskFull, ExhaustError
from exhaust.marts.entities import Role


def test_the_page_lists_every_code() -> None:
    codes = {error.code: error.exit_code for error in vars(errors).values() if is_error(error)}
    codes |= {str(INTERRUPTED["code"]): 130}
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", sections()["Errors"], re.M)
    assert {code: int(exit_code) for code, exit_code in rows} == codes
    assert len(codes) == 12


def is_error(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, ExhaustError)


def test_values_are_written_in_one_form() -> None:
    in_india = timezone(timedelta(hours=5, minutes=30))
    document = {
        "name": "गणित\x1b",
        "naive": datetime(2026, 11, 26, 10, 28, 49, 999),
        "aware": datetime(2026, 11, 26, 15, 58, 49, tzinfo=in_india),
        "early": datetime(33, 1, 2, tzinfo=UTC),
        "day": date(2026, 1, 2),
        "path": Path("a/b"),
        "role": Role.MENTOR,
        "list": (1, 2.5, None, True),
    }
    text = as_json(document)
    assert text.isascii()
    assert json.loads(text) == {
        "name": "गणित\x1b",
        "naive": "2026-11-26T10:28:49Z",
        "aware": "2026-11-26T10:28:49Z",
        "early": "0033-01-02T00:00:00Z",
        "day": "2026-01-02",
        "path": "a/b",
        "role": "mentor",
        "list": [1, 2.5, None, True],
    }
    with pytest.raises(TypeError, match="set"):
        as_json({"a": {1}})


def test_an_answer_that_is_not_wanted_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    answer = Answer(is_wanted=False)
    answer.give(a=1)
    answer.give_line(a=1)
    answer.end()
    answer.end(INTERRUPTED)
    assert capsys.readouterr().out == ""


def test_every_document_has_the_keys_that_the_page_lists(
    sample_with_results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def output(*arguments: str, code: int = 0) -> str:
        assert call(*arguments, "--json") == code
        return capsys.readouterr().out

    assert_documented("info", output("info"))
    assert_documented("courses", output("courses"))
    assert_documented("batches", output("batches", COURSE))
    batches = assert_documented("batches", output("batches", COURSE, "--as", MENTOR))["batches"]
    assert {batch["role"] for batch in batches} == {"batch creator", "mentor"}
    assert_documented("export", output("export", COURSE))
    (file,) = assert_documented("export", output("export", BATCH, "-o", "one.csv"))["files"]
    assert len(assert_documented("export", output("export", "--all"))["retired"]) == 1
    assert file["file"] == "one.csv"
    assert_documented("verify", output("verify", "one.csv"))
    assert_documented("explain", output("explain", COURSE, LEARNER))
    new = assert_documented("request", output("request", BATCH, "--as", MENTOR))
    assert not new["has_worker"]
    assert_documented("status", output("status"))
    assert_documented("process", output("process"))
    status = assert_documented("status", output("status", new["request_id"]))
    assert status["has_worker"]
    assert_documented("download", output("download", new["request_id"], "--output-dir", "."))
    again = json.loads(output("request", BATCH, "--as", MENTOR))
    assert assert_documented("cancel", output("cancel", again["request_id"]))["request_data"]


def test_an_empty_result_is_a_document(
    sample_with_results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, key in (
        (["courses", "no such name"], "courses"),
        (["process"], "requests"),
        (["status"], "requests"),
        (["status", "--watch"], "requests"),
    ):
        assert call(*arguments, "--json") == 0
        assert json.loads(capsys.readouterr().out)[key] == []


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (["courses", "--nonsense"], 2, "usage"),
        (["--nonsense"], 2, "usage"),
        (["batchs"], 2, "usage"),
        (["batches"], 2, "usage"),
        (["export", "a", "--all"], 2, "usage"),
        (["export", "a", "-o", "-"], 2, "usage"),
        (["batches", ""], 2, "usage"),
        (["export", "no such name"], 3, "not_found"),
        (["verify", "no such file"], 3, "not_found"),
        (["explain", COURSE, "no such user"], 3, "not_found"),
        (["explain", COURSE, LEARNER, "no such column"], 3, "not_found"),
        (["export", "foundational literacy"], 4, "ambiguous"),
        (["export", RETIRED], 5, "not_allowed"),
        (["courses", "--as", "nobody"], 5, "not_allowed"),
    ],
    ids=str,
)
def test_an_error_is_a_document(
    sample: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    exit_code: int,
    code: str,
) -> None:
    assert call(*arguments, "--json") == exit_code
    shown = capsys.readouterr()
    error = json.loads(shown.out)["error"]
    assert error["code"] == code
    assert set(error) == {"code", "message", "hint"}
    assert f"rror: {error['message']}" in shown.err


def test_arguments_for_dbt_are_not_ours(
    no_warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("build", "--nonsense", "--", "--json") == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("raised", "exit_code", "code"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (Busy("held"), 6, "busy"),
        (DiskFull("no room"), 1, "disk_full"),
        (RuntimeError("odd"), 1, "unexpected"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("command", [["courses"], ["process", "--watch"]], ids=str)
def test_whatever_ends_a_command_is_a_document(
    no_warehouse: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raised: BaseException,
    exit_code: int,
    code: str,
    command: list[str],
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr("exhaust.cli.command._unexpected", lambda *_: ExhaustError("odd"))
    monkeypatch.setattr(api, "open_project", fail)
    assert call(*command, "--json") == exit_code
    shown = capsys.readouterr().out
    assert json.loads(shown)["error"]["code"] == code
    assert (len(shown.splitlines()) == 1) is ("--watch" in command)


def test_a_changed_file_is_one_document(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("export", BATCH, "-q", "-o", "one.csv") == 0
    (sample / "one.csv").write_bytes((sample / "one.csv").read_bytes() + b"\n")
    assert call("verify", "one.csv", "--json") == 7
    document = json.loads(capsys.readouterr().out)
    assert document["changes"]
    assert document["error"]["code"] == "data"


def test_a_watch_prints_a_document_per_line(
    sample_with_results: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call("request", BATCH, "--as", MENTOR) == 0
    capsys.readouterr()
    ends = iter([lambda: call("process", "-q")])
    monkeypatch.setattr(SYSTEM_CLOCK, "sleep", lambda _: next(ends)())
    assert call("status", "--watch", "--json") == 0
    lines = [assert_documented("status", line) for line in capsys.readouterr().out.splitlines()]
    assert [line["requests"][0]["status"] for line in lines] == ["SUBMITTED", "SUCCESS"]
    assert [line["has_worker"] for line in lines] == [False, True]

    assert call("request", BATCH, "--as", MENTOR, "-q") == 0
    capsys.readouterr()
    monkeypatch.setattr(SYSTEM_CLOCK, "sleep", lambda _: signal.raise_signal(signal.SIGINT))
    assert call("process", "--watch", "--json") == 130
    done, end = capsys.readouterr().out.splitlines()
    assert assert_documented("process", done)["requests"][0]["status"] == "SUCCESS"
    assert json.loads(end) == {"error": INTERRUPTED}
