"""How workers claim, keep and end requests in the ledger."""

from datetime import timedelta
from typing import Any

import pytest
from ledger_support import DATA, Submit, claim_of, finish, new_request
from support import ManualClock, new_processes

from exhaust.errors import Busy
from exhaust.project.profile import Profile
from exhaust.project.settings import Settings
from exhaust.requests.entities import Claim, LeaseLost, Status
from exhaust.requests.lease import worker_name
from exhaust.requests.ledger import LEASE, Ledger

pytestmark = pytest.mark.not_on_spark


def _process_all(profile: Profile, barrier: Any) -> list[str]:
    processed = []
    barrier.wait()
    with Ledger.open(profile) as ledger:
        while claim := ledger.claim(worker_name()):
            processed.append(finish(ledger, claim).request_id)
    return processed


def test_the_oldest_request_is_claimed_first(
    ledger: Ledger, submit: Submit, clock: ManualClock
) -> None:
    late = submit(course_id="do_a")
    clock.pass_by(timedelta(minutes=-1))
    early = submit(course_id="do_b")
    assert [one.position for one in ledger.requests()] == [2, 1]
    assert claim_of(ledger).request.request_id == early.request_id
    assert ledger.request(late.request_id).position == 1
    assert claim_of(ledger).request.request_id == late.request_id
    assert ledger.claim("a") is None


def test_a_request_made_by_a_worker_is_leased_to_it(ledger: Ledger, submit: Submit) -> None:
    new = submit(worker="a")
    assert (new.status, new.tries, new.position) == (Status.PROCESSING, 1, None)
    assert ledger.claim("b") is None
    assert finish(ledger, Claim(new, "a")).status == Status.SUCCESS


def test_workers_share_the_queue(settings: Settings, ledger: Ledger) -> None:
    requested = [ledger.submit(new_request(course_id=f"do_{one}")).request_id for one in range(20)]
    processes = new_processes()
    with processes.Pool(4) as pool:
        barrier = processes.Manager().Barrier(4)
        processed = pool.starmap(_process_all, [(settings.profile, barrier)] * 4)
    assert sorted(one for by_worker in processed for one in by_worker) == sorted(requested)
    assert {one.status for one in ledger.requests()} == {Status.SUCCESS}


def test_a_leased_request_cannot_be_claimed(
    ledger: Ledger, claimed: Claim, clock: ManualClock
) -> None:
    clock.pass_by(LEASE)
    assert ledger.claim("b") is None
    ledger.heartbeat(claimed)
    clock.pass_by(LEASE)
    assert ledger.claim("b") is None


def test_the_request_of_a_killed_worker_is_claimed_again(
    ledger: Ledger, claimed: Claim, clock: ManualClock
) -> None:
    ledger.batch_done(claimed, "001", "/r/001.csv", 12)
    clock.pass_by(LEASE + timedelta(seconds=1))
    again = claim_of(ledger, "b")
    assert again.request.tries == 2
    assert again.request.files == {"001": "/r/001.csv"}
    for call in (
        lambda: ledger.heartbeat(claimed),
        lambda: ledger.batch_done(claimed, "002", "/r/002.csv", 30),
        lambda: ledger.succeed(claimed),
        lambda: ledger.fail(claimed, "no", is_final=True),
    ):
        with pytest.raises(LeaseLost):
            call()
    assert finish(ledger, again).status == Status.SUCCESS


def test_the_lease_of_an_earlier_try_is_lost(
    ledger: Ledger, claimed: Claim, clock: ManualClock
) -> None:
    clock.pass_by(LEASE + timedelta(seconds=1))
    claim_of(ledger, claimed.worker)
    with pytest.raises(LeaseLost):
        ledger.heartbeat(claimed)


def test_a_request_fails_after_three_tries(
    ledger: Ledger, claimed: Claim, clock: ManualClock
) -> None:
    for _ in range(2):
        clock.pass_by(LEASE + timedelta(seconds=1))
        claim_of(ledger)
    clock.pass_by(LEASE + timedelta(seconds=1))
    assert ledger.claim("b") is None
    ended = ledger.request(claimed.request.request_id)
    assert (ended.status, ended.tries) == (Status.FAILED, 3)
    assert ended.error == "Its worker stopped three times."
    ledger.submit(new_request())


def test_a_temporary_failure_returns_to_the_queue(ledger: Ledger, claimed: Claim) -> None:
    waiting = ledger.fail(claimed, "The file is held.", is_final=False)
    assert (waiting.status, waiting.error) == (Status.SUBMITTED, "The file is held.")
    with pytest.raises(Busy):
        ledger.submit(new_request())
    ledger.fail(claim_of(ledger), "The file is held.", is_final=False)
    third = ledger.fail(claim_of(ledger), "The file is held.", is_final=False)
    assert third.status == Status.FAILED


def test_a_permanent_failure_ends_the_request(ledger: Ledger, claimed: Claim) -> None:
    failed = ledger.fail(claimed, "x" * 400, is_final=True)
    assert (failed.status, failed.error) == (Status.FAILED, "x" * 300)


def test_a_request_put_back_was_not_tried(ledger: Ledger, claimed: Claim) -> None:
    for _ in range(5):
        ledger.put_back(claimed, "The file is held.")
        waiting = ledger.request(claimed.request.request_id)
        assert (waiting.status, waiting.position, waiting.tries) == (Status.SUBMITTED, 1, 0)
        assert waiting.error == "The file is held."
        with pytest.raises(LeaseLost):
            ledger.put_back(claimed, "again")
        claimed = claim_of(ledger)
    assert finish(ledger, claimed).error is None


def test_a_file_gets_its_name_while_the_lease_is_held(
    settings: Settings, ledger: Ledger, claimed: Claim, clock: ManualClock
) -> None:
    published: list[str] = []
    ledger.batch_done(claimed, "001", "/r/001.csv", 12, lambda: published.append("001"))
    clock.pass_by(LEASE + timedelta(seconds=1))
    again = claim_of(ledger, "b")
    with pytest.raises(LeaseLost):
        ledger.batch_done(claimed, "002", "/r/002.csv", 30, lambda: published.append("002"))
    assert published == ["001"]

    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ledger.batch_done(again, "002", "/r/002.csv", 30, fail)
    assert ledger.request(again.request.request_id).files == {"001": "/r/001.csv"}


def test_a_new_try_counts_only_rows_of_finished_batches(
    ledger: Ledger, claimed: Claim, clock: ManualClock
) -> None:
    ledger.batch_done(claimed, "001", None, 12)
    ledger.heartbeat(claimed, 25)
    assert ledger.request(claimed.request.request_id).rows_done == 25
    clock.pass_by(LEASE + timedelta(seconds=1))
    assert claim_of(ledger).request.rows_done == 12


def test_a_finished_request_has_all_its_rows(ledger: Ledger, claimed: Claim) -> None:
    ledger.batch_done(claimed, "001", "/r/001.csv", 12)
    ledger.batch_done(claimed, "002", "/r/002.csv", 31)
    done = ledger.succeed(claimed)
    assert (done.rows_done, done.rows_expected) == (43, 43)
    assert (done.error, done.completed_at) == (None, ledger._tables.now())


def test_each_form_of_a_report_has_its_request(ledger: Ledger, submit: Submit) -> None:
    as_xlsx = {"request_data": {**DATA, "format": "xlsx"}}
    first, second = submit(), submit(worker="a", **as_xlsx)
    assert {first.status, second.status} == {Status.SUBMITTED, Status.PROCESSING}
    assert first.request_id != second.request_id
    assert "-" not in second.request_id
    with pytest.raises(Busy, match="is SUBMITTED"):
        submit()
    with pytest.raises(Busy, match="is PROCESSING"):
        submit(**as_xlsx)
