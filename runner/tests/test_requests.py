"""Requests from the first word to the file in hand, with marts made by hand, on both engines."""

import json
import multiprocessing
import os
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from marts import CREATOR, EMPTY, HEADER, LINES, MATHS, MATHS_2, MENTOR, RETIRED, create_marts
from support import no_progress

from exhaust import requests as module
from exhaust.errors import Busy, NotAllowed, NotFound, Unfit, UsageError
from exhaust.export import ExportReport
from exhaust.export import Request as ExportRequest
from exhaust.layout import Layout
from exhaust.ledger import LEASE, LeaseLost, Ledger, Request, Status, utc_now
from exhaust.requests import download, export_at_once, process, submit
from exhaust.settings import Settings
from exhaust.verify import verify
from exhaust.warehouse import connect

DAY = date(2026, 11, 23)
KILLS = int(os.environ.get("EXHAUST_KILLS", "10"))


@pytest.fixture
def desk(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A warehouse with marts that nobody has open, and an empty folder for results."""
    with connect(settings.profile, writing=True, notify=pytest.fail) as warehouse:
        create_marts(warehouse, settings)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return replace(settings, results_dir=tmp_path / "results", most_batches=2)


def execute(settings: Settings, sql: str) -> None:
    with connect(settings.profile, writing=True, notify=pytest.fail) as warehouse:
        warehouse.execute(sql.format(schema=f'"{settings.profile.schema}"'))


def ask(
    settings: Settings,
    course: str = MATHS,
    batches: list[str] | None = None,
    user: str = CREATOR,
    layout: Layout = Layout.EXHAUST,
) -> Request:
    with (
        connect(settings.profile, writing=False, notify=pytest.fail) as warehouse,
        Ledger.open(settings.profile) as ledger,
    ):
        return submit(
            warehouse,
            settings,
            ledger,
            course=course,
            batches=batches or [],
            user_id=user,
            layout=layout,
            today=lambda zone: DAY,
        )


def work(settings: Settings, progress: Callable[[str, float], None] = no_progress) -> list[Request]:
    with Ledger.open(settings.profile) as ledger:
        return list(
            process(
                settings,
                ledger,
                "worker",
                notify=pytest.fail,
                progress=progress,
                today=lambda zone: DAY,
            )
        )


def get(settings: Settings, request: Request, user: str | None = CREATOR, **to: Any) -> list[Path]:
    with Ledger.open(settings.profile) as ledger:
        return download(
            settings,
            ledger,
            request.request_id,
            user_id=user,
            notify=pytest.fail,
            **{"output": None, "output_dir": None, **to},
        )


def look(settings: Settings, request: Request) -> Request:
    with Ledger.open(settings.profile) as ledger:
        return ledger.request(request.request_id)


def text(*batches: str, course: str = MATHS) -> str:
    return HEADER + "".join(line for batch in batches for line in LINES[course, batch])


class TestAsking:
    def test_a_request_names_what_it_is_for(self, desk: Settings) -> None:
        new = ask(desk, "mathematics", ["second"], layout=Layout.SUNBIRD)
        assert (new.course_id, new.course_name, new.batch_ids) == (MATHS, "Mathematics", ["002"])
        assert (new.requester, new.channel, new.rows_expected) == (CREATOR, "t", 1)
        assert new.request_data == {
            "collectionId": MATHS,
            "batchId": ["002"],
            "layout": "sunbird",
        }

    def test_all_that_the_user_may_have(self, desk: Settings) -> None:
        assert ask(desk).batch_ids == ["001", "002"]
        mentors = ask(desk, user=MENTOR)
        assert (mentors.batch_ids, mentors.rows_expected, mentors.channel) == (["001"], 1, "k")

    @pytest.mark.parametrize(
        ("course", "user", "error"),
        [
            (MATHS, "nobody", NotAllowed),
            (MATHS_2, MENTOR, NotAllowed),
            (RETIRED, CREATOR, NotAllowed),
            (EMPTY, CREATOR, NotAllowed),
            ("do_99", CREATOR, NotFound),
        ],
    )
    def test_what_cannot_be_had(
        self, desk: Settings, course: str, user: str, error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            ask(desk, course, user=user)
        assert work(desk) == []

    def test_a_course_without_batches(self, desk: Settings) -> None:
        execute(desk, "delete from {schema}.requester_batches")
        with pytest.raises(NotFound, match="do_1 Mathematics has no batches"):
            ask(desk)

    def test_too_many_batches(self, desk: Settings) -> None:
        with pytest.raises(UsageError, match=r"2 batches of do_1 .* may be for 1"):
            ask(replace(desk, most_batches=1))
        ask(replace(desk, most_batches=1), batches=["001"])

    def test_not_twice_at_once(self, desk: Settings) -> None:
        ask(desk)
        with pytest.raises(Busy, match="being processed"):
            ask(desk, batches=["002"])


class TestProcessing:
    def test_every_batch_is_a_file_with_its_receipt(self, desk: Settings) -> None:
        new = ask(desk)
        (done,) = work(desk)
        folder = desk.results_dir / "progress-exhaust" / new.request_id
        files = {batch: folder / f"{batch}_progress_20261123.csv" for batch in ("001", "002")}
        assert done.files == {batch: str(file) for batch, file in files.items()}
        assert (done.status, done.rows_done) == (Status.SUCCESS, 3)
        for batch, file in files.items():
            assert file.read_text("utf-8") == text(batch)
            assert verify(file).is_unchanged
            receipt = json.loads(file.with_name(f"{file.name}.receipt.json").read_text("utf-8"))
            assert (receipt["request"], receipt["requester"]) == (new.request_id, CREATOR)
        assert len(list(folder.iterdir())) == 4

    def test_the_layout_that_was_asked_for(self, desk: Settings) -> None:
        ask(desk, batches=["002"], layout=Layout.SUNBIRD)
        (done,) = work(desk)
        assert Path(done.files["002"]).read_text("utf-8").startswith("Batch Id,")

    def test_the_requesters_learners_alone(self, desk: Settings) -> None:
        ask(desk, user=MENTOR)
        (done,) = work(desk)
        assert Path(done.files["001"]).read_text("utf-8") == HEADER + LINES[MATHS, "001"][1]

    def test_rights_are_looked_at_again(self, desk: Settings) -> None:
        new = ask(desk, user=MENTOR)
        execute(desk, "delete from {schema}.requester_batches where user_id = 'm'")
        (failed,) = work(desk)
        assert failed.status == Status.FAILED
        assert failed.error == "`m` may not see the reports of `do_1`."
        assert not (desk.results_dir / "progress-exhaust" / new.request_id).exists() or not list(
            (desk.results_dir / "progress-exhaust" / new.request_id).iterdir()
        )

    def test_the_reason_of_a_failure_is_in_plain_words(self, desk: Settings) -> None:
        ask(desk)
        execute(desk, "delete from {schema}.course_progress where user_id = 'u2'")
        (failed,) = work(desk)
        assert failed.status == Status.FAILED
        assert failed.error == "The report of do_1 has 1 rows, and its batches count 2 learners."

    def test_finished_batches_are_not_made_again(self, desk: Settings) -> None:
        ask(desk)
        with Ledger.open(desk.profile, clock=lambda: utc_now() - 2 * LEASE) as ledger:
            claim = ledger.claim("killed")
            assert claim
            mark = desk.results_dir / "mark.csv"
            mark.parent.mkdir()
            mark.write_text("made before")
            ledger.batch_done(claim, "001", str(mark), 2)
        (done,) = work(desk)
        assert (done.status, done.tries, done.files["001"]) == (Status.SUCCESS, 2, str(mark))
        assert mark.read_text() == "made before"

    def test_a_finished_file_that_is_gone_is_made_again(self, desk: Settings) -> None:
        ask(desk, batches=["001"])
        with Ledger.open(desk.profile, clock=lambda: utc_now() - 2 * LEASE) as ledger:
            claim = ledger.claim("killed")
            assert claim
            ledger.batch_done(claim, "001", str(desk.results_dir / "gone.csv"), 2)
        (done,) = work(desk)
        assert Path(done.files["001"]).is_file()

    def test_cancelled_in_the_middle(self, desk: Settings) -> None:
        new = ask(desk)

        def cancel(what: str, share: float) -> None:
            with Ledger.open(desk.profile) as ledger:
                ledger.cancel(new.request_id)

        (cancelled,) = work(desk, progress=_once(cancel))
        assert (cancelled.status, cancelled.files) == (Status.CANCELLED, {})

    def test_a_lost_lease_stops_the_work(self, desk: Settings) -> None:
        pulse = module._Pulse()
        pulse.check()
        pulse.is_lost = True
        with pytest.raises(LeaseLost):
            pulse.check()

    def test_the_heart_beats(self, desk: Settings) -> None:
        ask(desk)
        with Ledger.open(desk.profile, lease=timedelta(milliseconds=40)) as ledger:
            claim = ledger.claim("worker")
            assert claim
            with module._holding(ledger, [claim]) as pulse:
                pulse.rows = 2
                while ledger.request(claim.request.request_id).rows_done != 2:
                    assert not pulse.is_lost
                ledger.cancel(claim.request.request_id)
                while not pulse.is_lost:
                    pass

    @pytest.mark.parametrize("tries", [1, 3])
    def test_a_warehouse_that_is_held_is_waited_for(
        self, desk: Settings, monkeypatch: pytest.MonkeyPatch, tries: int
    ) -> None:
        new = ask(desk)

        def held(*_: object, **__: object) -> None:
            raise Busy("The file is held.")

        monkeypatch.setattr(module, "connect", held)
        for _ in range(tries):
            (waits,) = work(desk)
        assert waits.status == (Status.FAILED if tries == 3 else Status.SUBMITTED)
        assert waits.error == "The file is held."
        assert look(desk, new) == waits

    def test_what_nobody_thought_of(self, desk: Settings) -> None:
        new = ask(desk)

        def fail(what: str, share: float) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            work(desk, progress=fail)
        waits = look(desk, new)
        assert (waits.status, waits.error) == (
            Status.SUBMITTED,
            "Unexpected: ZeroDivisionError.",
        )

    def test_old_files_are_removed(self, desk: Settings) -> None:
        ask(desk)
        (done,) = work(desk)
        assert work(desk) == []
        assert Path(done.files["001"]).is_file()
        assert work(replace(desk, results_kept=timedelta())) == []
        assert not Path(done.files["001"]).parent.exists()
        with pytest.raises(NotFound, match="no longer there"):
            get(desk, done)


def _once(call: Callable[[str, float], None]) -> Callable[[str, float], None]:
    calls = iter([call])

    def first(what: str, share: float) -> None:
        for call in calls:
            call(what, share)

    return first


class TestDownloading:
    def test_the_files_with_their_receipts(self, desk: Settings, tmp_path: Path) -> None:
        ask(desk)
        (done,) = work(desk)
        for user in (CREATOR, None):
            files = get(desk, done, user, output_dir=tmp_path / f"of {user}")
            assert [file.name for file in files] == [
                "001_progress_20261123.csv",
                "002_progress_20261123.csv",
            ]
            assert [file.read_text("utf-8") for file in files] == [text("001"), text("002")]
            assert all(verify(file).is_unchanged for file in files)

    def test_under_another_name(self, desk: Settings) -> None:
        ask(desk, batches=["002"])
        (done,) = work(desk)
        (file,) = get(desk, done, output="mine.csv")
        assert (file, verify(file).is_unchanged) == (Path("mine.csv"), True)
        ask(desk)
        (done,) = work(desk)
        with pytest.raises(UsageError, match="2 files, and -o names one"):
            get(desk, done, output="mine.csv")

    def test_not_before_it_is_there(self, desk: Settings) -> None:
        new = ask(desk)
        with pytest.raises(Busy, match="it is SUBMITTED, with 0 of 3 rows"):
            get(desk, new)
        with Ledger.open(desk.profile) as ledger:
            ledger.cancel(new.request_id)
        with pytest.raises(NotFound, match="no files: it is CANCELLED"):
            get(desk, new)

    def test_not_anothers(self, desk: Settings) -> None:
        ask(desk)
        (done,) = work(desk)
        with pytest.raises(NotFound, match="no request"):
            get(desk, done, MENTOR)

    @pytest.mark.parametrize(
        "lost",
        [
            "delete from {schema}.requester_batches where user_id = 'c' and batch_id = '002'",
            "delete from {schema}.requesters where user_id = 'c'",
            "update {schema}.courses set status = 'Retired' where course_id = 'do_1'",
            "update {schema}.requesters set root_org_id = 'k' where user_id = 'c'",
        ],
    )
    def test_not_without_the_right_to_it(self, desk: Settings, lost: str) -> None:
        ask(desk)
        (done,) = work(desk)
        execute(desk, lost)
        with pytest.raises(NotAllowed):
            get(desk, done)
        assert list(Path().iterdir()) == []


class TestAtOnce:
    def export(self, settings: Settings, request: ExportRequest) -> ExportReport:
        with (
            connect(settings.profile, writing=False, notify=pytest.fail) as warehouse,
            Ledger.open(settings.profile) as ledger,
        ):
            return export_at_once(
                ledger,
                warehouse,
                settings,
                request,
                standard_output=BytesIO(),
                notify=pytest.fail,
                progress=no_progress,
                today=lambda zone: DAY,
            )

    def test_it_is_in_the_ledger(self, desk: Settings) -> None:
        self.export(desk, ExportRequest([MATHS, MATHS_2], requester=CREATOR))
        with Ledger.open(desk.profile) as ledger:
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

    def test_one_file_of_all_batches(self, desk: Settings) -> None:
        self.export(desk, ExportRequest([MATHS], output="all.csv", requester=CREATOR))
        assert Path("all.csv").read_text("utf-8") == text("001", "002")
        self.export(desk, ExportRequest([MATHS], output="-", requester=CREATOR))
        with Ledger.open(desk.profile) as ledger:
            second, first = sorted(ledger.requests(), key=lambda one: -len(one.request_id))
        assert set(first.files.values()) == {str(Path("all.csv").absolute())}
        assert (second.status, second.files) == (Status.SUCCESS, {})

    def test_not_while_it_is_being_processed(self, desk: Settings) -> None:
        ask(desk, batches=["001"])
        with pytest.raises(Busy, match="being processed"):
            self.export(desk, ExportRequest([MATHS_2, MATHS], requester=CREATOR))
        assert list(Path().iterdir()) == []
        with Ledger.open(desk.profile) as ledger:
            states = {one.course_id: one.status for one in ledger.requests()}
        assert states == {MATHS: Status.SUBMITTED, MATHS_2: Status.FAILED}

    def test_a_failure_is_in_the_ledger(self, desk: Settings) -> None:
        execute(desk, "delete from {schema}.course_progress where user_id = 'u2'")
        with pytest.raises(Unfit):
            self.export(desk, ExportRequest([MATHS], batches=["001"], requester=CREATOR))
        with Ledger.open(desk.profile) as ledger:
            (failed,) = ledger.requests()
        assert (failed.status, failed.error) == (
            Status.FAILED,
            "The report of do_1 has 1 rows, and its batches count 2 learners.",
        )


def _work_until_killed(settings: Settings, ahead: timedelta, started: Any) -> None:
    with Ledger.open(settings.profile, clock=lambda: utc_now() + ahead) as ledger:
        started.set()
        for _ in process(
            settings,
            ledger,
            f"{ahead}",
            notify=no_notice,
            progress=no_progress,
            today=lambda zone: DAY,
        ):
            pass


def no_notice(message: str) -> None:
    pass


def test_workers_killed_at_random_lose_nothing(desk: Settings) -> None:
    spawn = multiprocessing.get_context("spawn")
    chance = random.Random(4)
    asked = [ask(desk, batches=["002"], user=CREATOR), ask(desk, user=MENTOR)]
    for number in range(KILLS):
        started = spawn.Event()
        # Each sees the lease of the one before run out.
        ahead = number * 2 * LEASE
        worker = spawn.Process(target=_work_until_killed, args=(desk, ahead, started))
        worker.start()
        started.wait()
        worker.join(chance.uniform(0, 0.15))
        worker.kill()
        worker.join()
        _check_whole(desk)
        ended = [look(desk, one) for one in asked]
        asked = [
            ask(desk, batches=one.batch_ids, user=one.requester)
            if one.status in (Status.SUCCESS, Status.FAILED)
            else one
            for one in ended
        ]
    last = spawn.Event()
    for more in range(1, 4):
        _work_until_killed(desk, (KILLS + more) * 2 * LEASE, last)
    with Ledger.open(desk.profile) as ledger:
        requests = ledger.requests()
    assert {one.status for one in requests} <= {Status.SUCCESS, Status.FAILED}
    for one in requests:
        assert (one.status == Status.SUCCESS) == (set(one.files) == set(one.batch_ids))
        assert one.status == Status.SUCCESS or (one.tries, one.error) == (
            3,
            "Its worker stopped, three times.",
        )
    _check_whole(desk)


def _check_whole(settings: Settings) -> None:
    """No file under a final name is less than the whole."""
    for file in settings.results_dir.rglob("[!.]*.csv"):
        assert file.read_text("utf-8") in (text("002"), HEADER + LINES[MATHS, "001"][1])
