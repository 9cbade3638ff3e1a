"""The ledger, on the engine of the warehouse under test: SQLite beside DuckDB, or Postgres."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support import ManualClock, new_processes

from exhaust.errors import Busy, DataError, NotFound, UsageError
from exhaust.project.profile import Profile
from exhaust.project.settings import Settings
from exhaust.reports.kinds import PROGRESS
from exhaust.requests import store as module
from exhaust.requests.entities import Claim, LeaseLost, NewRequest, Request, Status, request_id
from exhaust.requests.lease import worker_name
from exhaust.requests.ledger import LEASE, Ledger

pytestmark = pytest.mark.not_on_spark

DAY = date(2026, 11, 23)
FIFTY = 50


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def ledger(settings: Settings, clock: ManualClock) -> Iterator[Ledger]:
    with Ledger.open(settings.profile, clock) as opened:
        yield opened


def naive(clock: ManualClock) -> datetime:
    """A time as the ledger keeps it."""
    return clock.now().replace(tzinfo=None)


def asked(**changes: Any) -> NewRequest:
    values = {
        "kind": PROGRESS,
        "course_id": "do_1",
        "course_name": "Mathematics",
        "batches": {"002": 30, "001": 12},
        "requester": "u1",
        "channel": "tn",
        "day": DAY,
        "request_data": {"layout": "exhaust"},
        **changes,
    }
    return NewRequest(**values)


Submit = Callable[..., Request]


def _is(request_id: str) -> sa.ColumnElement[bool]:
    return module.REQUESTS.c.request_id == request_id


@pytest.fixture
def submit(ledger: Ledger) -> Submit:
    return lambda worker=None, **changes: ledger.submit(asked(**changes), worker)


@pytest.fixture
def claimed(ledger: Ledger, submit: Submit) -> Claim:
    submit()
    return claim_of(ledger)


def claim_of(ledger: Ledger, worker: str = "a") -> Claim:
    claim = ledger.claim(worker)
    assert claim
    return claim


def finish(ledger: Ledger, claim: Claim) -> Request:
    for batch_id in claim.request.batch_ids:
        ledger.batch_done(claim, batch_id, f"/r/{batch_id}.csv", 1)
    return ledger.succeed(claim)


def test_the_id_is_sunbirds() -> None:
    assert (
        request_id(
            "progress-exhaust",
            "do_2133074736487792641239",
            ["013307481768378368112"],
            "fca2925f-1eee-4654-9177-fece3fd6afc9",
            "01269878797503692810",
            date(2022, 9, 27),
        )
        == "778A3669531143769B5E8C98D42E1CAD"
    )


def test_the_batches_of_an_id_have_no_order() -> None:
    one, same, other = (
        request_id("progress-exhaust", "c", batches, "u", "t", DAY)
        for batches in (["10", "9"], ["9", "10"], ["9"])
    )
    assert one == same != other


def test_a_request_is_kept_as_it_was_made(
    ledger: Ledger, submit: Submit, clock: ManualClock
) -> None:
    new = submit()
    assert new == ledger.request(new.request_id)
    assert new == Request(
        request_id=request_id("progress-exhaust", "do_1", ["001", "002"], "u1", "tn", DAY),
        course_id="do_1",
        course_name="Mathematics",
        batch_ids=["001", "002"],
        requester="u1",
        channel="tn",
        status=Status.SUBMITTED,
        submitted_at=naive(clock),
        completed_at=None,
        rows_done=0,
        rows_expected=42,
        position=1,
        tries=0,
        error=None,
        files={},
        request_data={"layout": "exhaust"},
        dataset="progress-exhaust",
    )


def test_an_operator_of_sunbird_recognises_it(
    ledger: Ledger, submit: Submit, clock: ManualClock
) -> None:
    new = submit()
    claim = claim_of(ledger)
    clock.pass_by(timedelta(seconds=1.5))
    ledger.batch_done(claim, "001", "/r/001.csv", 12)
    ledger.batch_done(claim, "002", "/r/002.csv", 30)
    ledger.succeed(claim)
    with ledger._store.begin() as connection:
        row = connection.execute(sa.select(module.REQUESTS)).one()
    sunbirds = row._mapping
    assert {name: sunbirds[name] for name in list(sunbirds)[:17]} == {
        "tag": "do_1_001,002:tn",
        "request_id": new.request_id,
        "job_id": "progress-exhaust",
        "status": "SUCCESS",
        "request_data": {"layout": "exhaust"},
        "requested_by": "u1",
        "requested_channel": "tn",
        "dt_job_submitted": naive(clock) - timedelta(seconds=1.5),
        "download_urls": ["/r/001.csv", "/r/002.csv"],
        "dt_file_created": naive(clock),
        "dt_job_completed": naive(clock),
        "execution_time": 1500,
        "err_message": None,
        "iteration": 1,
        "encryption_key": None,
        "batch_number": 2,
        "processed_batches": ["001", "002"],
    }


class TestOnceAtATime:
    @pytest.mark.parametrize("batches", [{"001": 1}, {"003": 1, "002": 1}])
    def test_while_it_waits(self, submit: Submit, batches: dict[str, int]) -> None:
        submit()
        with pytest.raises(
            Busy,
            match=r"request for this report is being processed: batch 00[12] was requested at "
            "2026-11-23 10:00 UTC and is SUBMITTED, with 0 of 42 rows",
        ):
            submit(batches=batches, requester="u2")

    def test_while_it_is_processed(self, ledger: Ledger, submit: Submit, claimed: Claim) -> None:
        ledger.heartbeat(claimed, 7)
        with pytest.raises(Busy, match="is PROCESSING, with 7 of 42 rows"):
            submit()

    def test_an_export_replaces_ones_own_that_was_killed(
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
    def test_another_report_is_another(self, submit: Submit, other: dict[str, Any]) -> None:
        submit()
        submit(**other)

    @pytest.mark.parametrize("end", ["succeed", "fail", "cancel"])
    def test_again_when_it_has_ended(self, ledger: Ledger, submit: Submit, end: str) -> None:
        first = submit()
        for place in (2, 3):
            claim = claim_of(ledger)
            if end == "succeed":
                finish(ledger, claim)
            elif end == "fail":
                ledger.fail(claim, "no", is_final=True)
            else:
                ledger.cancel(claim.request.request_id)
            assert submit().request_id == f"{first.request_id}-{place}"

    def test_a_number_is_never_used_again(self, ledger: Ledger, submit: Submit) -> None:
        first = submit().request_id
        ledger.cancel(first)
        second = submit().request_id
        ledger.cancel(second)
        with ledger._store.begin() as connection:
            connection.execute(sa.delete(module.REQUESTS).where(_is(first)))
            assert [row.request_id for row in connection.execute(sa.select(module.BATCHES))] == [
                second,
                second,
            ]
        assert submit().request_id == f"{first}-3"

    def test_one_of_fifty_at_once(self, settings: Settings) -> None:
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
            ledger.submit(asked())
    except Busy as error:
        return "Busy" if "being processed" in error.message else error.message
    return "accepted"


def _work_all_off(profile: Profile, barrier: Any) -> list[str]:
    worked_off = []
    barrier.wait()
    with Ledger.open(profile) as ledger:
        while claim := ledger.claim(worker_name()):
            worked_off.append(finish(ledger, claim).request_id)
    return worked_off


class TestWorkers:
    def test_the_oldest_first(self, ledger: Ledger, submit: Submit, clock: ManualClock) -> None:
        late = submit(course_id="do_a")
        clock.pass_by(timedelta(minutes=-1))
        early = submit(course_id="do_b")
        assert [one.position for one in ledger.requests()] == [2, 1]
        assert claim_of(ledger).request.request_id == early.request_id
        assert ledger.request(late.request_id).position == 1
        assert claim_of(ledger).request.request_id == late.request_id
        assert ledger.claim("a") is None

    def test_at_once(self, ledger: Ledger, submit: Submit) -> None:
        new = submit(worker="a")
        assert (new.status, new.tries, new.position) == (Status.PROCESSING, 1, None)
        assert ledger.claim("b") is None
        assert finish(ledger, Claim(new, "a")).status == Status.SUCCESS

    def test_workers_share_the_queue(self, settings: Settings, ledger: Ledger) -> None:
        asked_for = [ledger.submit(asked(course_id=f"do_{one}")).request_id for one in range(20)]
        processes = new_processes()
        with processes.Pool(4) as pool:
            barrier = processes.Manager().Barrier(4)
            worked_off = pool.starmap(_work_all_off, [(settings.profile, barrier)] * 4)
        assert sorted(one for by_worker in worked_off for one in by_worker) == sorted(asked_for)
        assert {one.status for one in ledger.requests()} == {Status.SUCCESS}

    def test_nobody_takes_what_another_holds(
        self, ledger: Ledger, claimed: Claim, clock: ManualClock
    ) -> None:
        clock.pass_by(LEASE)
        assert ledger.claim("b") is None
        ledger.heartbeat(claimed)
        clock.pass_by(LEASE)
        assert ledger.claim("b") is None

    def test_what_a_killed_worker_had_is_taken_up(
        self, ledger: Ledger, claimed: Claim, clock: ManualClock
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

    def test_the_same_worker_is_another_on_the_next_try(
        self, ledger: Ledger, claimed: Claim, clock: ManualClock
    ) -> None:
        clock.pass_by(LEASE + timedelta(seconds=1))
        claim_of(ledger, claimed.worker)
        with pytest.raises(LeaseLost):
            ledger.heartbeat(claimed)

    def test_three_tries(self, ledger: Ledger, claimed: Claim, clock: ManualClock) -> None:
        for _ in range(2):
            clock.pass_by(LEASE + timedelta(seconds=1))
            claim_of(ledger)
        clock.pass_by(LEASE + timedelta(seconds=1))
        assert ledger.claim("b") is None
        ended = ledger.request(claimed.request.request_id)
        assert (ended.status, ended.tries) == (Status.FAILED, 3)
        assert ended.error == "Its worker stopped three times."
        ledger.submit(asked())

    def test_what_may_go_better_waits_again(self, ledger: Ledger, claimed: Claim) -> None:
        waits = ledger.fail(claimed, "The file is held.", is_final=False)
        assert (waits.status, waits.error) == (Status.SUBMITTED, "The file is held.")
        with pytest.raises(Busy):
            ledger.submit(asked())
        ledger.fail(claim_of(ledger), "The file is held.", is_final=False)
        third = ledger.fail(claim_of(ledger), "The file is held.", is_final=False)
        assert third.status == Status.FAILED

    def test_what_will_not_go_better_has_failed(self, ledger: Ledger, claimed: Claim) -> None:
        failed = ledger.fail(claimed, "x" * 400, is_final=True)
        assert (failed.status, failed.error) == (Status.FAILED, "x" * 300)

    def test_what_is_put_back_was_not_tried(self, ledger: Ledger, claimed: Claim) -> None:
        for _ in range(5):
            ledger.put_back(claimed, "The file is held.")
            waits = ledger.request(claimed.request.request_id)
            assert (waits.status, waits.position, waits.tries) == (Status.SUBMITTED, 1, 0)
            assert waits.error == "The file is held."
            with pytest.raises(LeaseLost):
                ledger.put_back(claimed, "again")
            claimed = claim_of(ledger)
        assert finish(ledger, claimed).error is None

    def test_a_file_gets_its_name_while_the_lease_is_held(
        self, settings: Settings, ledger: Ledger, claimed: Claim, clock: ManualClock
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

    def test_rows_are_those_of_batches_that_are_done(
        self, ledger: Ledger, claimed: Claim, clock: ManualClock
    ) -> None:
        ledger.batch_done(claimed, "001", None, 12)
        ledger.heartbeat(claimed, 25)
        assert ledger.request(claimed.request.request_id).rows_done == 25
        clock.pass_by(LEASE + timedelta(seconds=1))
        assert claim_of(ledger).request.rows_done == 12

    def test_success_has_all_rows(self, ledger: Ledger, claimed: Claim) -> None:
        ledger.batch_done(claimed, "001", "/r/001.csv", 12)
        ledger.batch_done(claimed, "002", "/r/002.csv", 31)
        done = ledger.succeed(claimed)
        assert (done.rows_done, done.rows_expected) == (43, 43)
        assert (done.error, done.completed_at) == (None, ledger._now())


class TestCancelling:
    def test_what_waits(self, ledger: Ledger, submit: Submit) -> None:
        assert ledger.cancel(submit().request_id).status == Status.CANCELLED
        assert ledger.claim("a") is None

    def test_what_is_processed(self, ledger: Ledger, claimed: Claim) -> None:
        ledger.cancel(claimed.request.request_id)
        with pytest.raises(LeaseLost):
            ledger.heartbeat(claimed)

    def test_what_has_ended(self, ledger: Ledger, claimed: Claim) -> None:
        finish(ledger, claimed)
        with pytest.raises(UsageError, match="has ended: it is SUCCESS"):
            ledger.cancel(claimed.request.request_id)
        assert ledger.request(claimed.request.request_id).status == Status.SUCCESS


def test_a_requester_knows_his_own_alone(ledger: Ledger, submit: Submit) -> None:
    mine, other = submit(), submit(requester="u2", course_id="do_2")
    assert [one.request_id for one in ledger.requests("u1")] == [mine.request_id]
    assert len(ledger.requests()) == 2
    for call in (ledger.request, ledger.cancel):
        with pytest.raises(NotFound, match=f"no request {other.request_id} of u1"):
            call(other.request_id, "u1")
    with pytest.raises(NotFound, match="no request nothing"):
        ledger.request("nothing")


def test_files_are_forgotten_in_time(ledger: Ledger, claimed: Claim, clock: ManualClock) -> None:
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


def test_a_ledger_stays(settings: Settings, ledger: Ledger, submit: Submit) -> None:
    submit()
    with Ledger.open(settings.profile) as again:
        assert again.requests() == ledger.requests()


def test_a_newer_ledger_is_refused(settings: Settings, ledger: Ledger) -> None:
    with ledger._store.begin() as connection:
        connection.execute(sa.update(module.VERSION).values(version=99))
    with pytest.raises(DataError, match="has version 99; this exhaust knows no version after 1"):
        Ledger.open(settings.profile)


def test_an_older_ledger_is_brought_up_to_date(
    settings: Settings, ledger: Ledger, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit()

    def add(connection: sa.Connection) -> None:
        schema = ledger._store._schema
        table = f"{schema}.job_request" if schema else "job_request"
        connection.exec_driver_sql(f"alter table {table} add column later text")

    monkeypatch.setattr(module, "MIGRATIONS", [*module.MIGRATIONS, add])
    for _ in range(2):
        with Ledger.open(settings.profile) as again:
            assert len(again.requests()) == 1


def test_sqlite_is_beside_the_warehouse(settings_duckdb: Settings) -> None:
    with Ledger.open(settings_duckdb.profile):
        warehouse = Path(settings_duckdb.profile.options["path"])
        assert warehouse.with_name("exhaust.duckdb.requests").is_file()
        assert not warehouse.exists()
