from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from ledger_support import DATA, DAY, Submit, claim_of, finish, has_id, new_request, stored_time
from support import ManualClock, new_processes

from exhaust.errors import Busy, NotFound, UsageError
from exhaust.project.profile import Profile
from exhaust.project.settings import Settings
from exhaust.requests import store
from exhaust.requests.entities import Claim, LeaseLost, Request, Status, request_id
from exhaust.requests.ledger import LEASE, Ledger

pytestmark = pytest.mark.not_on_spark


FIFTY = 50


def test_a_request_is_stored_as_submitted(
    ledger: Ledger, submit: Submit, clock: ManualClock
) -> None:
    new = submit()
    assert new == ledger.request(new.request_id)
    assert new == Request(
        request_id=request_id("progress-exhaust", "do_1", ["001", "002"], "u1", "tn", DAY, "one"),
        course_id="do_1",
        course_name="Mathematics",
        batch_ids=["001", "002"],
        requester="u1",
        channel="tn",
        status=Status.SUBMITTED,
        submitted_at=stored_time(clock),
        completed_at=None,
        rows_done=0,
        rows_expected=42,
        position=1,
        tries=0,
        error=None,
        files={},
        request_data=DATA,
        dataset="progress-exhaust",
    )


def test_the_table_has_sunbirds_columns(ledger: Ledger, submit: Submit, clock: ManualClock) -> None:
    new = submit()
    claim = claim_of(ledger)
    clock.pass_by(timedelta(seconds=1.5))
    ledger.batch_done(claim, "001", "/r/001.csv", 12)
    ledger.batch_done(claim, "002", "/r/002.csv", 30)
    ledger.succeed(claim)
    with ledger._store.begin() as connection:
        row = connection.execute(sa.select(store.REQUESTS)).one()
    columns = row._mapping
    assert {name: columns[name] for name in list(columns)[:17]} == {
        "tag": "do_1_001,002:tn",
        "request_id": new.request_id,
        "job_id": "progress-exhaust",
        "status": "SUCCESS",
        "request_data": DATA,
        "requested_by": "u1",
        "requested_channel": "tn",
        "dt_job_submitted": stored_time(clock) - timedelta(seconds=1.5),
        "download_urls": ["/r/001.csv", "/r/002.csv"],
        "dt_file_created": stored_time(clock),
        "dt_job_completed": stored_time(clock),
        "execution_time": 1500,
        "err_message": None,
        "iteration": 1,
        "encryption_key": None,
        "batch_number": 2,
        "processed_batches": ["001", "002"],
    }


class TestDuplicates:
    @pytest.mark.parametrize("batches", [{"001": 1}, {"003": 1, "002": 1}])
    def test_a_waiting_request_excludes_another(
        self, submit: Submit, batches: dict[str, int]
    ) -> None:
        submit()
        with pytest.raises(
            Busy,
            match=r"request for this report is being processed: batch 00[12] was requested at "
            "2026-11-23 10:00 UTC by another user and is SUBMITTED, with 0 of 42 rows",
        ):
            submit(batches=batches, requester="u2")

    @pytest.mark.parametrize(
        ("role", "by"),
        [
            ("course creator", "the course's creator"),
            ("batch creator", "the batch's creator"),
            ("mentor", "a mentor of the batch"),
        ],
    )
    def test_another_requester_learns_the_role_but_not_the_user(
        self, submit: Submit, role: str, by: str
    ) -> None:
        submit(request_data={**DATA, "roles": {"001": role, "002": "other"}})
        with pytest.raises(Busy, match=f"requested at 2026-11-23 10:00 UTC by {by} and") as raised:
            submit(batches={"001": 1}, requester="u2")
        assert "u1" not in f"{raised.value.message}{raised.value.hint}"

    def test_the_same_requester_learns_that_it_is_their_own(self, submit: Submit) -> None:
        submit(request_data={**DATA, "roles": {"001": "mentor"}})
        with pytest.raises(Busy, match=r"10:00 UTC by another export of yours and is SUBMITTED"):
            submit(batches={"001": 1})

    def test_a_request_in_progress_excludes_another(
        self, ledger: Ledger, submit: Submit, claimed: Claim
    ) -> None:
        ledger.heartbeat(claimed, 7)
        with pytest.raises(Busy, match="is PROCESSING, with 7 of 42 rows"):
            submit()

    def test_an_export_replaces_a_killed_one_of_the_same_requester(
        self, ledger: Ledger, submit: Submit, clock: ManualClock
    ) -> None:
        killed = submit(worker="a")
        with pytest.raises(Busy, match="is PROCESSING"):
            submit(worker="b")
        clock.pass_by(LEASE + timedelta(seconds=1))
        for other in ({"worker": "b", "requester": "u2"}, {}):
            with pytest.raises(Busy) as raised:
                submit(**other)
            assert "Run `exhaust process` to take it up again." in str(raised.value.hint)
        assert submit(worker="b").status == Status.PROCESSING
        ended = ledger.request(killed.request_id)
        assert (ended.status, ended.error) == (
            Status.FAILED,
            "Its worker stopped, and the report was requested again.",
        )

    def test_a_refused_request_leaves_nothing(self, ledger: Ledger, submit: Submit) -> None:
        submit(batches={"002": 1})
        with pytest.raises(Busy):
            submit(batches={"001": 1, "002": 1})
        submit(batches={"001": 1})
        assert len(ledger.requests()) == 2

    @pytest.mark.parametrize(
        "other", [{"course_id": "do_2"}, {"channel": "ka"}, {"batches": {"003": 1}}]
    )
    def test_a_request_for_another_report_is_accepted(
        self, submit: Submit, other: dict[str, Any]
    ) -> None:
        submit()
        submit(**other)

    @pytest.mark.parametrize("end", ["succeed", "fail", "cancel"])
    def test_an_ended_report_can_be_requested_again(
        self, ledger: Ledger, submit: Submit, end: str
    ) -> None:
        first = submit()
        for number in (2, 3):
            claim = claim_of(ledger)
            if end == "succeed":
                finish(ledger, claim)
            elif end == "fail":
                ledger.fail(claim, "no", is_final=True)
            else:
                ledger.cancel(claim.request.request_id)
            assert submit().request_id == f"{first.request_id}-{number}"

    def test_a_number_in_a_request_id_is_never_reused(self, ledger: Ledger, submit: Submit) -> None:
        first = submit().request_id
        ledger.cancel(first)
        second = submit().request_id
        ledger.cancel(second)
        with ledger._store.begin() as connection:
            connection.execute(sa.delete(store.REQUESTS).where(has_id(first)))
            assert [row.request_id for row in connection.execute(sa.select(store.BATCHES))] == [
                second,
                second,
            ]
        assert submit().request_id == f"{first}-3"

    def test_one_of_fifty_concurrent_requests_is_accepted(self, settings: Settings) -> None:
        processes = new_processes()
        with processes.Pool(FIFTY) as pool:
            barrier = processes.Manager().Barrier(FIFTY)
            results = pool.starmap(_submit_once, [(settings.profile, barrier)] * FIFTY)
        assert sorted(results) == ["Busy"] * (FIFTY - 1) + ["accepted"]
        with Ledger.open(settings.profile) as ledger:
            assert len(ledger.requests()) == 1


def _submit_once(profile: Profile, barrier: Any) -> str:
    barrier.wait()
    try:
        with Ledger.open(profile) as ledger:
            ledger.submit(new_request())
    except Busy as error:
        return "Busy" if "being processed" in error.message else error.message
    return "accepted"


class TestCancelling:
    def test_a_waiting_request_is_cancelled(self, ledger: Ledger, submit: Submit) -> None:
        assert ledger.cancel(submit().request_id).status == Status.CANCELLED
        assert ledger.claim("a") is None

    def test_a_request_in_progress_is_cancelled(self, ledger: Ledger, claimed: Claim) -> None:
        ledger.cancel(claimed.request.request_id)
        with pytest.raises(LeaseLost):
            ledger.heartbeat(claimed)

    def test_an_ended_request_cannot_be_cancelled(self, ledger: Ledger, claimed: Claim) -> None:
        finish(ledger, claimed)
        with pytest.raises(UsageError, match="has ended: it is SUCCESS"):
            ledger.cancel(claimed.request.request_id)
        assert ledger.request(claimed.request.request_id).status == Status.SUCCESS


def test_a_requester_sees_only_their_own_requests(ledger: Ledger, submit: Submit) -> None:
    mine, other = submit(), submit(requester="u2", course_id="do_2")
    assert [one.request_id for one in ledger.requests("u1")] == [mine.request_id]
    assert len(ledger.requests()) == 2
    for call in (ledger.request, ledger.cancel):
        with pytest.raises(NotFound, match=f"no request {other.request_id} of u1"):
            call(other.request_id, "u1")
    with pytest.raises(NotFound, match="no request nothing"):
        ledger.request("nothing")


def test_a_request_id_is_found_in_any_case_with_blanks_around(
    ledger: Ledger, submit: Submit
) -> None:
    new = submit()
    pasted = f"\u00a0{new.request_id.lower()}\u200b\r\n"
    assert ledger.request(pasted, "u1") == new
    assert ledger.cancel(pasted, "u1").status == Status.CANCELLED


def test_a_requester_is_found_with_blanks_around_unless_that_is_another(
    ledger: Ledger, submit: Submit
) -> None:
    mine = submit()
    assert [one.request_id for one in ledger.requests("\ufeff u1\n")] == [mine.request_id]
    assert ledger.requests("U1") == []
    other = submit(requester="u1 ", course_id="do_2")
    assert [one.request_id for one in ledger.requests("u1 ")] == [other.request_id]
    with pytest.raises(NotFound):
        ledger.request(mine.request_id, "u1 ")


def test_files_are_forgotten_after_their_retention(
    ledger: Ledger, claimed: Claim, clock: ManualClock
) -> None:
    request_id, day = claimed.request.request_id, timedelta(days=1)
    ledger.batch_done(claimed, "001", "/r/001.csv", 12)
    assert ledger.forget_files([request_id], -day) == []
    finish(ledger, claimed)
    clock.pass_by(day)
    assert ledger.forget_files([request_id], day) == []
    assert ledger.request(request_id).files != {}
    clock.pass_by(timedelta(seconds=1))
    assert ledger.forget_files(["another"], day) == []
    assert ledger.forget_files([request_id, "another"], day) == [request_id]
    assert ledger.request(request_id).files == {}
