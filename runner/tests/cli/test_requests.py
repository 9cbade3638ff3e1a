import json
import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
from cli_support import BATCH, COURSE, MENTOR, call
from support import ManualClock

from exhaust import api
from exhaust.console import SYSTEM_CLOCK
from exhaust.errors import Busy, ExhaustError, NoConnection
from exhaust.requests.entities import WORKER_MINUTES

NO_WORKER = "warning: No worker has been seen in the last 10 minutes: run `exhaust process`."


def test_from_the_request_to_the_file(
    sample_with_results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXHAUST_USER", MENTOR)
    assert call("request", COURSE, "-b", BATCH) == 0
    shown = capsys.readouterr()
    (request_id,) = shown.out.split()
    assert shown.err == (
        f"Requested: 1 batch of {COURSE}, 11 rows; SUBMITTED, 1st in the queue.\n{NO_WORKER}\n"
    )
    assert call("request", COURSE, "-b", BATCH) == 6
    assert "The request for this report is being processed" in capsys.readouterr().err
    assert call("download", request_id) == 6
    assert call("process") == 0
    assert f"{request_id}: SUCCESS, 11 of 11 rows\n" in capsys.readouterr().err
    assert call("status", request_id, "--json") == 0
    (result,) = json.loads(capsys.readouterr().out)["requests"]
    assert (result["status"], result["batch_ids"]) == ("SUCCESS", [BATCH])
    assert call("download", request_id, "-o", "one.csv") == 0
    assert call("verify", "one.csv") == 0
    assert call("status") == 0
    _, line = capsys.readouterr().out.splitlines()
    assert re.split("  +", line)[1:3] == [
        "Foundational Literacy and Numeracy",
        "Who is a row, which attempt counts",
    ]
    assert call("cancel", request_id) == 2
    assert call("status", "") == 3
    assert call("process") == 0
    assert "No requests are waiting." in capsys.readouterr().err


def test_status_counts_several_batches(
    sample_with_results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("request", COURSE, "--as", MENTOR) == 0
    assert call("status") == 0
    assert "  2 batches  " in capsys.readouterr().out


def test_a_missing_worker_is_said_only_while_a_request_waits(
    sample_with_results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = ManualClock()
    monkeypatch.setattr(SYSTEM_CLOCK, "now", clock.now)
    assert call("process") == 0
    clock.pass_by(timedelta(minutes=WORKER_MINUTES))
    assert call("request", BATCH, "--as", MENTOR) == 0
    assert NO_WORKER not in capsys.readouterr().err
    clock.pass_by(timedelta(seconds=1))
    assert call("status") == 0
    assert capsys.readouterr().err == f"{NO_WORKER}\n"
    assert call("status", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["has_worker"], answer["worker_last_seen_at"]) == (False, "2026-11-23T10:00:00Z")
    assert call("process") == 0
    clock.pass_by(timedelta(days=1))
    capsys.readouterr()
    assert call("status") == 0
    assert capsys.readouterr().err == ""


def test_a_request_is_hidden_from_other_users(
    sample_with_results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("request", COURSE, "-b", BATCH, "--as", MENTOR) == 0
    (request_id,) = capsys.readouterr().out.split()
    assert call("status", "--as", "nobody") == 0
    assert capsys.readouterr().err == "There are no requests.\n"
    for command in ("status", "download", "cancel"):
        assert call(command, request_id, "--as", "nobody") == 3
    assert call("cancel", request_id) == 0
    capsys.readouterr()
    assert call("status", "--as", MENTOR) == 0
    assert f"{request_id}  Foundational Literacy and Numeracy  " in capsys.readouterr().out


def test_a_user_id_is_required(
    sample_with_results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("request", COURSE) == 2
    assert call("request", COURSE, "-b", BATCH, "--as", MENTOR) == 0
    project = Path(os.environ["EXHAUST_PROJECT_DIR"]) / "dbt_project.yml"
    text = project.read_text("utf-8")
    project.write_text(text.replace("require_requester: false", "require_requester: true"))
    for command in (
        ["courses"],
        ["batches", COURSE],
        ["export", COURSE],
        ["request", COURSE],
        ["status"],
        ["download", "x"],
        ["cancel", "x"],
    ):
        assert call(*command) == 5
        assert "require_requester" in capsys.readouterr().err
    assert list(sample_with_results.iterdir()) == []
    assert call("process") == 0
    assert "SUCCESS, 11 of 11 rows" in capsys.readouterr().err


def test_status_watches_until_all_requests_have_ended(
    sample_with_results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("request", COURSE, "-b", BATCH, "--as", MENTOR) == 0
    (request_id,) = capsys.readouterr().out.split()

    rounds = iter(range(3))

    def cancel(seconds: float) -> None:
        if next(rounds) == 2:
            assert call("cancel", request_id) == 0

    monkeypatch.setattr(SYSTEM_CLOCK, "sleep", cancel)
    assert call("status", request_id, "--watch") == 0
    states = [line.split()[-4:] for line in capsys.readouterr().out.splitlines()]
    assert len(states) == 4


def test_process_watches_until_it_is_stopped(
    sample_with_results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rounds = iter(range(2))

    def request_again(seconds: float) -> None:
        if next(rounds, None) is None:
            raise KeyboardInterrupt
        assert call("request", COURSE, "-b", BATCH, "--as", MENTOR) == 0

    monkeypatch.setattr(SYSTEM_CLOCK, "sleep", request_again)
    assert call("process", "--watch") == 130
    assert capsys.readouterr().err.count("SUCCESS, 11 of 11 rows") == 2


@pytest.mark.parametrize(("error", "code"), [(Busy, 6), (NoConnection, 8)])
def test_only_process_watch_waits_for_an_unavailable_warehouse(
    sample_with_results: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: type[ExhaustError],
    code: int,
) -> None:
    rounds = iter(range(2))

    def fail(*_: object, **__: object) -> None:
        raise error("The file is held.")

    def wait(seconds: float) -> None:
        if next(rounds, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setattr(api, "process", fail)
    monkeypatch.setattr(SYSTEM_CLOCK, "sleep", wait)
    monkeypatch.setattr(SYSTEM_CLOCK, "now", ManualClock().now)
    assert call("process") == code
    assert capsys.readouterr().err == "error: The file is held.\n"
    assert call("process", "--watch") == 130
    messages = [*["The file is held."] * 3, "Interrupted."]
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"2026-11-23 10:00:00 UTC {message}" for message in messages]
