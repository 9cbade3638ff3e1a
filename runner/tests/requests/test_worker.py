import json
import os
import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from handmade_marts import CREATOR, HEADER, LINES, MATHS, MENTOR
from key_pair import KeyPair
from requests_support import (
    ShiftedClock,
    download_files,
    execute,
    once,
    process_requests,
    reload,
    report_text,
    submit_request,
)
from support import CallingConsole

from exhaust.errors import Busy, NoConnection, NotFound, UsageError
from exhaust.project.settings import Settings
from exhaust.reports.layout import Layout
from exhaust.reports.parts import HOST
from exhaust.reports.verify import verify
from exhaust.requests import lease, store, worker
from exhaust.requests.entities import Status
from exhaust.requests.lease import Pulse
from exhaust.requests.ledger import LEASE, Ledger

pytestmark = pytest.mark.not_on_spark


def test_every_batch_is_a_file_with_its_receipt(project: Settings) -> None:
    new = submit_request(project)
    (done,) = process_requests(project)
    folder = project.results_dir / "progress-exhaust" / new.request_id
    files = {batch: folder / f"{batch}_progress_20261123.csv" for batch in ("001", "002")}
    assert done.files == {batch: str(file) for batch, file in files.items()}
    assert (done.status, done.rows_done) == (Status.SUCCESS, 3)
    for batch, file in files.items():
        assert file.read_text("utf-8") == report_text(batch)
        assert verify(file).is_unchanged
        receipt = json.loads(file.with_name(f"{file.name}.receipt.json").read_text("utf-8"))
        assert (receipt["request"], receipt["requester"]) == (new.request_id, CREATOR)
    assert len(list(folder.iterdir())) == 4


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_only_the_worker_may_read_its_files(project: Settings, umask: int) -> None:
    before = os.umask(umask)
    try:
        submit_request(project)
        process_requests(project)
    finally:
        os.umask(before)
    found = [project.results_dir, *project.results_dir.rglob("*")]
    assert len(found) == 8
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_a_worker_signs_receipts(project: Settings) -> None:
    keys = KeyPair()
    environment = {**project.environment, "EXHAUST_RECEIPT_KEY": keys.private_pem}
    submit_request(project)
    (done,) = process_requests(
        replace(project, environment=environment, receipt_public_keys=keys.listed)
    )
    for file in done.files.values():
        assert verify(Path(file), public_keys=keys.listed).is_unchanged


def test_a_key_that_cannot_sign_leaves_requests_waiting(project: Settings) -> None:
    new = submit_request(project)
    wrong = replace(project, environment={"EXHAUST_RECEIPT_KEY": "S3cret"})
    with pytest.raises(UsageError, match="not an Ed25519 private key"):
        process_requests(wrong)
    assert (reload(project, new).status, reload(project, new).tries) == (Status.SUBMITTED, 0)


def test_a_file_has_the_requested_layout(project: Settings) -> None:
    submit_request(project, batches=["002"], layout=Layout.SUNBIRD)
    (done,) = process_requests(project)
    assert Path(done.files["002"]).read_text("utf-8").startswith("Batch Id,")


def test_a_file_has_only_the_requesters_learners(project: Settings) -> None:
    submit_request(project, user=MENTOR)
    (done,) = process_requests(project)
    assert Path(done.files["001"]).read_text("utf-8") == HEADER + LINES[MATHS, "001"][1]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            "delete from {schema}.requester_batches where user_id = 'm'",
            "`m` may not see the reports of `do_1`.",
        ),
        (
            "update {schema}.courses set status = 'Retired'",
            "The request is made for retired collection: do_1 Mathematics",
        ),
        (
            "update {schema}.requester_batches set sees_all_learners = true",
            "`m` may see other learners now than when the report was requested.",
        ),
        (
            "update {schema}.courses set course_id = 'DO_1' where course_id = 'do_1'; "
            "update {schema}.requester_batches set course_id = 'DO_1' where course_id = 'do_1'; "
            "update {schema}.course_batches set course_id = 'DO_1' where course_id = 'do_1'",
            "The course do_1, or a batch of the request, is no longer in the data that is "
            "built here.",
        ),
        (
            "delete from {schema}.courses",
            "The course do_1, or a batch of the request, is no longer in the data that is "
            "built here.",
        ),
    ],
)
def test_rights_are_checked_again(project: Settings, change: str, reason: str) -> None:
    submit_request(project, user=MENTOR)
    execute(project, change)
    (failed,) = process_requests(project)
    assert (failed.status, failed.error) == (Status.FAILED, reason)
    assert not list(project.results_dir.rglob("*.csv"))


def test_a_failure_records_its_reason(project: Settings) -> None:
    submit_request(project)
    execute(project, "delete from {schema}.course_progress where user_id = 'u2'")
    (failed,) = process_requests(project)
    assert failed.status == Status.FAILED
    assert failed.error == "The report of do_1 has 1 row, but its batches count 2 learners."


def test_finished_batches_are_not_made_again(project: Settings) -> None:
    submit_request(project)
    (made,) = process_requests(project)
    mark = Path(made.files["001"])
    mark.write_text("made before")
    with Ledger.open(project.profile) as ledger, ledger._store.begin() as connection:
        connection.execute(sa.update(store.REQUESTS).values(status=Status.SUBMITTED))
    (done,) = process_requests(project)
    assert (done.status, done.tries, done.files["001"]) == (Status.SUCCESS, 2, str(mark))
    assert mark.read_text() == "made before"


def test_a_worker_that_lost_its_lease_changes_no_file(project: Settings) -> None:
    new = submit_request(project, batches=["002"])

    def claim_elsewhere(what: str, share: float) -> None:
        with Ledger.open(project.profile, ShiftedClock(2 * LEASE)) as ledger:
            claim = ledger.claim("faster")
            assert claim

    (overtaken,) = process_requests(project, CallingConsole(once(claim_elsewhere)))
    assert (overtaken.status, overtaken.tries) == (Status.PROCESSING, 2)
    assert list((project.results_dir / "progress-exhaust" / new.request_id).iterdir()) == []


def test_files_of_an_earlier_try_are_removed(project: Settings) -> None:
    new = submit_request(project, batches=["002"])
    folder = project.results_dir / "progress-exhaust" / new.request_id
    folder.mkdir(parents=True)
    (folder / f".exhaust-{HOST}-0123456789abcdef.part").touch()
    process_requests(project)
    assert sorted(file.name for file in folder.iterdir()) == [
        "002_progress_20261123.csv",
        "002_progress_20261123.csv.receipt.json",
    ]


def test_what_a_killed_worker_left_of_an_ended_request_is_removed(project: Settings) -> None:
    submit_request(project, batches=["002"])
    (done,) = process_requests(project)
    left = Path(done.files["002"]).with_name(f".exhaust-{HOST}-0123456789abcdef.part")
    left.touch()
    process_requests(project)
    assert not left.exists()


def test_a_missing_finished_file_is_made_again(project: Settings) -> None:
    submit_request(project, batches=["001"])
    with Ledger.open(project.profile, ShiftedClock(-2 * LEASE)) as ledger:
        claim = ledger.claim("killed")
        assert claim
        ledger.batch_done(claim, "001", str(project.results_dir / "gone.csv"), 2)
    (done,) = process_requests(project)
    assert Path(done.files["001"]).is_file()


def test_a_request_can_be_cancelled_while_it_is_processed(project: Settings) -> None:
    new = submit_request(project)

    def cancel(what: str, share: float) -> None:
        with Ledger.open(project.profile) as ledger:
            ledger.cancel(new.request_id)

    (cancelled,) = process_requests(project, CallingConsole(once(cancel)))
    assert (cancelled.status, cancelled.files) == (Status.CANCELLED, {})


def test_rows_are_counted_batch_by_batch(
    project: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit_request(project)
    pulses: list[Pulse] = []

    def new_pulse(rows: int) -> Pulse:
        pulses.append(Pulse(rows))
        return pulses[0]

    monkeypatch.setattr(lease, "Pulse", new_pulse)
    rows: list[int] = []
    process_requests(project, CallingConsole(lambda what, share: rows.append(pulses[0].rows)))
    assert rows[-1] == 3
    assert sorted(rows) == rows
    assert set(rows) <= {0, 2, 3}


@pytest.mark.parametrize("error", [Busy, NoConnection, KeyboardInterrupt])
def test_an_unavailable_warehouse_does_not_count_as_a_try(
    project: Settings, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    new = submit_request(project)

    def fail(*_: object, **__: object) -> None:
        raise error("The file is held.")

    monkeypatch.setattr(worker, "open_marts", fail)
    for _ in range(4):
        with pytest.raises(error):
            process_requests(project)
    waiting = reload(project, new)
    assert (waiting.status, waiting.tries) == (Status.SUBMITTED, 0)
    assert waiting.error in ("The file is held.", "Its worker was stopped.")


def test_without_requests_the_warehouse_is_not_opened(
    project: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "open_marts", pytest.fail)
    assert process_requests(project) == []


def test_an_unexpected_error_counts_as_a_try(project: Settings) -> None:
    new = submit_request(project)

    def fail(what: str, share: float) -> None:
        raise ZeroDivisionError

    for status in (Status.SUBMITTED, Status.SUBMITTED, Status.FAILED):
        with pytest.raises(ZeroDivisionError):
            process_requests(project, CallingConsole(fail))
        assert reload(project, new).status == status
    assert reload(project, new).error == (
        "Unexpected failure: ZeroDivisionError. The log of its worker has the details."
    )


def test_old_files_are_removed(project: Settings) -> None:
    others = project.results_dir / "progress-exhaust" / "of another ledger"
    others.mkdir(parents=True)
    submit_request(project)
    (done,) = process_requests(project)
    assert process_requests(project) == []
    assert Path(done.files["001"]).is_file()
    assert process_requests(replace(project, results_retention=timedelta())) == []
    assert not Path(done.files["001"]).parent.exists()
    assert others.exists()
    with pytest.raises(NotFound, match="has no files in the folder of results"):
        download_files(project, done)
