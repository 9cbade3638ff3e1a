import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from handmade_marts import CREATOR, MATHS, MATHS_2
from key_pair import KeyPair
from requests_support import DAY, execute, process_requests, report_text, submit_request
from support import NO_MESSAGES, ManualClock

from exhaust.errors import Busy, DataError, NotFound, UsageError
from exhaust.marts.state import open_marts
from exhaust.project.settings import Settings
from exhaust.reports.export import ExportReport, write
from exhaust.reports.selection import Criteria, Destination
from exhaust.reports.verify import verify
from exhaust.requests import at_once
from exhaust.requests.at_once import export_at_once
from exhaust.requests.entities import Status
from exhaust.requests.ledger import Ledger

pytestmark = pytest.mark.not_on_spark


def export_now(
    settings: Settings,
    criteria: Criteria,
    output: Path | BinaryIO | None = None,
) -> ExportReport:
    with open_marts(settings, NO_MESSAGES) as marts, Ledger.open(settings.profile) as ledger:
        return export_at_once(
            marts, ledger, criteria, Destination(output), NO_MESSAGES, ManualClock(DAY)
        )


def test_an_export_is_recorded_in_the_ledger(project: Settings) -> None:
    export_now(project, Criteria([MATHS, MATHS_2], user_id=CREATOR))
    with Ledger.open(project.profile) as ledger:
        requests = {one.course_id: one for one in ledger.requests()}
    assert {one.status for one in requests.values()} == {Status.SUCCESS}
    here = Path.cwd()
    assert requests[MATHS].files == {
        "001": str(here / "do_1_001_progress_20261123.csv"),
        "002": str(here / "002_progress_20261123.csv"),
    }
    for one in requests.values():
        for file in one.files.values():
            receipt = json.loads(Path(f"{file}.receipt.json").read_text("utf-8"))
            assert receipt["request"] == one.request_id


def test_receipts_are_signed(project: Settings) -> None:
    keys = KeyPair()
    environment = {**project.environment, "EXHAUST_RECEIPT_KEY": keys.private_pem}
    signing = replace(project, environment=environment, receipt_public_keys=keys.listed)
    (file,) = export_now(signing, Criteria([MATHS], user_id=CREATOR), Path("all.csv")).files
    assert verify(Path(file.file), public_keys=keys.listed).is_unchanged


def test_a_key_that_cannot_sign_leaves_no_request(project: Settings) -> None:
    wrong = replace(project, environment={"EXHAUST_RECEIPT_KEY": "S3cret"})
    with pytest.raises(UsageError, match="not an Ed25519 private key"):
        export_now(wrong, Criteria([MATHS], user_id=CREATOR))
    with Ledger.open(project.profile) as ledger:
        assert ledger.requests() == []


def test_one_file_can_hold_all_batches(project: Settings) -> None:
    export_now(project, Criteria([MATHS], user_id=CREATOR), Path("all.csv"))
    assert Path("all.csv").read_text("utf-8") == report_text("001", "002")
    export_now(project, Criteria([MATHS], user_id=CREATOR), BytesIO())
    with Ledger.open(project.profile) as ledger:
        second, first = sorted(ledger.requests(), key=lambda one: -len(one.request_id))
    assert set(first.files.values()) == {str(Path("all.csv").absolute())}
    assert (second.status, second.files) == (Status.SUCCESS, {})
    assert (first.rows_done, second.rows_done) == (3, 3)


def test_an_export_is_refused_while_its_report_is_processed(project: Settings) -> None:
    submit_request(project, batches=["001"])
    with pytest.raises(Busy, match="being processed"):
        export_now(project, Criteria([MATHS_2, MATHS], user_id=CREATOR))
    assert list(Path().iterdir()) == []
    with Ledger.open(project.profile) as ledger:
        states = {one.course_id: one.status for one in ledger.requests()}
    assert states == {MATHS: Status.SUBMITTED, MATHS_2: Status.FAILED}


def test_no_worker_claims_a_running_export(
    project: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def try_to_process(*_: object, **__: object) -> ExportReport:
        assert process_requests(project) == []
        raise NotFound("Enough.")

    monkeypatch.setattr(at_once, "write", try_to_process)
    with pytest.raises(NotFound, match="Enough"):
        export_now(project, Criteria([MATHS], user_id=CREATOR))


def test_a_running_export_can_be_cancelled(
    project: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancel_and_write(*arguments: Any, **options: Any) -> ExportReport:
        with Ledger.open(project.profile) as ledger:
            (maths,) = (one for one in ledger.requests() if one.course_id == MATHS)
            ledger.cancel(maths.request_id)
        return write(*arguments, **options)

    monkeypatch.setattr(at_once, "write", cancel_and_write)
    with pytest.raises(Busy, match="was taken from this export: it is CANCELLED"):
        export_now(project, Criteria([MATHS_2, MATHS], user_id=CREATOR))
    with Ledger.open(project.profile) as ledger:
        states = {one.course_id: one.status for one in ledger.requests()}
    assert states == {MATHS: Status.CANCELLED, MATHS_2: Status.FAILED}


def test_a_failed_export_is_recorded_in_the_ledger(project: Settings) -> None:
    execute(project, "delete from {schema}.course_progress where user_id = 'u2'")
    with pytest.raises(DataError):
        export_now(project, Criteria([MATHS], batches=["001"], user_id=CREATOR))
    with Ledger.open(project.profile) as ledger:
        (failed,) = ledger.requests()
    assert (failed.status, failed.error) == (
        Status.FAILED,
        "The report of do_1 has 1 row, but its batches count 2 learners.",
    )
