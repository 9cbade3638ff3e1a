"""Requests from submitting to downloading, with marts made by hand, on both engines."""

import json
import os
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from queue import Queue
from typing import Any, BinaryIO

import pytest
from marts import CREATOR, EMPTY, HEADER, LINES, MATHS, MATHS_2, MENTOR, RETIRED, create_marts
from support import NO_MESSAGES, CallingConsole, ManualClock, new_processes

from exhaust.console import Clock, Console
from exhaust.errors import Busy, DataError, NoConnection, NotFound, PermissionDenied, UsageError
from exhaust.marts.state import open_marts
from exhaust.project.settings import Settings
from exhaust.reports.export import ExportReport
from exhaust.reports.layout import Layout
from exhaust.reports.selection import Criteria, Destination
from exhaust.reports.verify import verify
from exhaust.requests import at_once, lease, worker
from exhaust.requests.at_once import export_at_once
from exhaust.requests.desk import download, submit
from exhaust.requests.entities import LeaseLost, Request, Status, request_id
from exhaust.requests.lease import Pulse, holding
from exhaust.requests.ledger import LEASE, Ledger
from exhaust.requests.worker import process
from exhaust.warehouse import connect

pytestmark = pytest.mark.not_on_spark

DAY = date(2026, 11, 23)
KILLS = int(os.environ.get("EXHAUST_KILLS", "10"))


class Shifted(Clock):
    """The system's clock, put forward or back."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return super().now() + self._ahead


@pytest.fixture
def desk(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A warehouse with marts that nobody has open, and an empty folder for results."""
    with connect(settings.profile, writing=True) as warehouse:
        create_marts(warehouse, settings)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return replace(settings, results_dir=tmp_path / "results", max_batches_per_request=2)


def execute(settings: Settings, sql: str) -> None:
    with connect(settings.profile, writing=True) as warehouse:
        warehouse.execute(sql.format(schema=f'"{settings.profile.schema}"'))


def ask(
    settings: Settings,
    course: str = MATHS,
    batches: list[str] | None = None,
    user: str = CREATOR,
    layout: Layout = Layout.EXHAUST,
) -> Request:
    criteria = Criteria([course], batches=batches or [], user_id=user, layout=layout)
    with open_marts(settings, NO_MESSAGES) as marts, Ledger.open(settings.profile) as ledger:
        return submit(marts, ledger, criteria, ManualClock(DAY))


def work(settings: Settings, console: Console = NO_MESSAGES) -> list[Request]:
    with Ledger.open(settings.profile) as ledger:
        return list(process(settings, ledger, "worker", console, ManualClock(DAY)))


def get(
    settings: Settings,
    request: Request,
    user: str | None = CREATOR,
    output: Path | BinaryIO | None = None,
    folder: Path = Path(),
) -> list[Path]:
    destination = Destination(output, folder)
    with Ledger.open(settings.profile) as ledger:
        return download(settings, ledger, request.request_id, user, destination, NO_MESSAGES)


def look(settings: Settings, request: Request) -> Request:
    with Ledger.open(settings.profile) as ledger:
        return ledger.request(request.request_id)


def text(*batches: str, course: str = MATHS) -> str:
    return HEADER + "".join(line for batch in batches for line in LINES[course, batch])


class TestAsking:
    def test_a_request_names_what_it_is_for(self, desk: Settings) -> None:
        new = ask(desk, "mathematics", ["second"], layout=Layout.SUNBIRD)
        assert new.request_id == request_id("progress-exhaust", MATHS, ["002"], CREATOR, "t", DAY)
        assert (new.course_id, new.course_name, new.batch_ids) == (MATHS, "Mathematics", ["002"])
        assert (new.requester, new.channel, new.rows_expected) == (CREATOR, "t", 1)
        assert new.request_data == {
            "collectionId": MATHS,
            "batchId": ["002"],
            "layout": "sunbird",
            "allLearners": True,
        }

    def test_all_that_the_user_may_have(self, desk: Settings) -> None:
        assert ask(desk).batch_ids == ["001", "002"]
        mentors = ask(desk, user=MENTOR)
        assert (mentors.batch_ids, mentors.rows_expected, mentors.channel) == (["001"], 1, "k")
        assert mentors.request_data["allLearners"] is False

    @pytest.mark.parametrize(
        ("course", "user", "error"),
        [
            (MATHS, "nobody", PermissionDenied),
            (MATHS_2, MENTOR, PermissionDenied),
            (RETIRED, CREATOR, PermissionDenied),
            (EMPTY, CREATOR, PermissionDenied),
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
        with pytest.raises(UsageError, match=r"2 batches of do_1; the project allows 1 "):
            ask(replace(desk, max_batches_per_request=1))
        ask(replace(desk, max_batches_per_request=1), batches=["001"])

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
                "delete from {schema}.courses",
                "The course do_1, or a batch of the request, is no longer in the data that is "
                "built here.",
            ),
        ],
    )
    def test_rights_are_looked_at_again(self, desk: Settings, change: str, reason: str) -> None:
        ask(desk, user=MENTOR)
        execute(desk, change)
        (failed,) = work(desk)
        assert (failed.status, failed.error) == (Status.FAILED, reason)
        assert not list(desk.results_dir.rglob("*.csv"))

    def test_the_reason_of_a_failure_is_in_plain_words(self, desk: Settings) -> None:
        ask(desk)
        execute(desk, "delete from {schema}.course_progress where user_id = 'u2'")
        (failed,) = work(desk)
        assert failed.status == Status.FAILED
        assert failed.error == "The report of do_1 has 1 row, but its batches count 2 learners."

    def test_finished_batches_are_not_made_again(self, desk: Settings) -> None:
        ask(desk)
        with Ledger.open(desk.profile, Shifted(-2 * LEASE)) as ledger:
            claim = ledger.claim("killed")
            assert claim
            mark = desk.results_dir / "mark.csv"
            mark.parent.mkdir()
            mark.write_text("made before")
            mark.with_name("mark.csv.receipt.json").touch()
            ledger.batch_done(claim, "001", str(mark), 2)
        (done,) = work(desk)
        assert (done.status, done.tries, done.files["001"]) == (Status.SUCCESS, 2, str(mark))
        assert mark.read_text() == "made before"

    def test_a_worker_that_was_overtaken_changes_no_file(self, desk: Settings) -> None:
        new = ask(desk, batches=["002"])

        def overtake(what: str, share: float) -> None:
            with Ledger.open(desk.profile, Shifted(2 * LEASE)) as ledger:
                claim = ledger.claim("faster")
                assert claim

        (overtaken,) = work(desk, CallingConsole(_once(overtake)))
        assert (overtaken.status, overtaken.tries) == (Status.PROCESSING, 2)
        assert list((desk.results_dir / "progress-exhaust" / new.request_id).iterdir()) == []

    def test_what_another_try_left_is_removed(self, desk: Settings) -> None:
        new = ask(desk, batches=["002"])
        folder = desk.results_dir / "progress-exhaust" / new.request_id
        (folder / ".try-killed").mkdir(parents=True)
        (folder / ".try-killed" / "part").touch()
        work(desk)
        assert sorted(file.name for file in folder.iterdir()) == [
            "002_progress_20261123.csv",
            "002_progress_20261123.csv.receipt.json",
        ]

    def test_a_finished_file_that_is_gone_is_made_again(self, desk: Settings) -> None:
        ask(desk, batches=["001"])
        with Ledger.open(desk.profile, Shifted(-2 * LEASE)) as ledger:
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

        (cancelled,) = work(desk, CallingConsole(_once(cancel)))
        assert (cancelled.status, cancelled.files) == (Status.CANCELLED, {})

    def test_a_lost_lease_stops_the_work(self) -> None:
        pulse = Pulse(0)
        pulse.check()
        pulse.lost = "A0"
        with pytest.raises(LeaseLost, match="A0"):
            pulse.check()

    def test_the_heart_beats(self, desk: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        ask(desk)
        with Ledger.open(desk.profile, lease=timedelta(milliseconds=40)) as ledger:
            claim = ledger.claim("worker")
            assert claim
            beats: Queue[int | None] = Queue()
            monkeypatch.setattr(ledger, "heartbeat", lambda claim, rows: beats.put(rows))
            with holding(ledger, [claim]) as pulse:
                assert beats.get(timeout=60) == 0
                pulse.rows = 2
                while beats.get(timeout=60) != 2:
                    pass
            assert pulse.lost is None

    def test_the_heart_learns_that_the_lease_is_lost(self, desk: Settings) -> None:
        ask(desk)
        with Ledger.open(desk.profile, lease=timedelta(milliseconds=4)) as ledger:
            claim = ledger.claim("worker")
            assert claim
            ledger.cancel(claim.request.request_id)
            with holding(ledger, [claim]) as pulse:
                while pulse.lost is None:
                    pass
            assert pulse.lost == claim.request.request_id

    def test_rows_are_counted_batch_by_batch(
        self, desk: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ask(desk)
        pulses: list[Pulse] = []
        monkeypatch.setattr(lease, "Pulse", lambda rows: pulses.append(Pulse(rows)) or pulses[0])
        told: list[int] = []
        work(desk, CallingConsole(lambda what, share: told.append(pulses[0].rows)))
        assert told[-1] == 3
        assert sorted(told) == told
        assert set(told) <= {0, 2, 3}

    @pytest.mark.parametrize("error", [Busy, NoConnection, KeyboardInterrupt])
    def test_what_is_not_its_fault_is_no_try_of_it(
        self, desk: Settings, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
    ) -> None:
        new = ask(desk)

        def fail(*_: object, **__: object) -> None:
            raise error("The file is held.")

        monkeypatch.setattr(worker, "open_marts", fail)
        for _ in range(4):
            with pytest.raises(error):
                work(desk)
        waits = look(desk, new)
        assert (waits.status, waits.tries) == (Status.SUBMITTED, 0)
        assert waits.error in ("The file is held.", "Its worker was stopped.")

    def test_the_warehouse_is_open_only_for_an_export(
        self, desk: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(worker, "open_marts", pytest.fail)
        assert work(desk) == []

    def test_what_nobody_thought_of(self, desk: Settings) -> None:
        new = ask(desk)

        def fail(what: str, share: float) -> None:
            raise ZeroDivisionError

        for status in (Status.SUBMITTED, Status.SUBMITTED, Status.FAILED):
            with pytest.raises(ZeroDivisionError):
                work(desk, CallingConsole(fail))
            assert look(desk, new).status == status
        assert look(desk, new).error == (
            "Unexpected failure: ZeroDivisionError. The log of its worker has the details."
        )

    def test_old_files_are_removed(self, desk: Settings) -> None:
        others = desk.results_dir / "progress-exhaust" / "of another ledger"
        others.mkdir(parents=True)
        ask(desk)
        (done,) = work(desk)
        assert work(desk) == []
        assert Path(done.files["001"]).is_file()
        assert work(replace(desk, results_retention=timedelta())) == []
        assert not Path(done.files["001"]).parent.exists()
        assert others.exists()
        with pytest.raises(NotFound, match="no longer exist, or never did"):
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
            files = get(desk, done, user, folder=tmp_path / f"of {user}")
            assert [file.name for file in files] == [
                "001_progress_20261123.csv",
                "002_progress_20261123.csv",
            ]
            assert [file.read_text("utf-8") for file in files] == [text("001"), text("002")]
            assert all(verify(file).is_unchanged for file in files)

    def test_under_another_name(self, desk: Settings) -> None:
        ask(desk, batches=["002"])
        (done,) = work(desk)
        (file,) = get(desk, done, output=Path("mine.csv"))
        assert (file, verify(file).is_unchanged) == (Path("mine.csv"), True)
        ask(desk)
        (done,) = work(desk)
        with pytest.raises(UsageError, match="2 files, but one output was given"):
            get(desk, done, output=Path("mine.csv"))

    def test_to_standard_output(self, desk: Settings) -> None:
        ask(desk, batches=["002"])
        (done,) = work(desk)
        standard_output = BytesIO()
        assert get(desk, done, output=standard_output) == []
        assert standard_output.getvalue().decode() == text("002")
        assert list(Path().iterdir()) == []

    def test_not_without_its_receipt(self, desk: Settings) -> None:
        ask(desk, batches=["002"])
        (done,) = work(desk)
        Path(f"{done.files['002']}.receipt.json").unlink()
        with pytest.raises(NotFound, match="no longer exist, or never did"):
            get(desk, done)

    def test_not_to_what_is_no_file(self, desk: Settings) -> None:
        ask(desk, batches=["002"])
        (done,) = work(desk)
        for path in (".", "nowhere/one.csv"):
            with pytest.raises(UsageError, match="folder"):
                get(desk, done, output=Path(path))

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
            "update {schema}.requester_batches set sees_all_learners = false where user_id = 'c'",
        ],
    )
    def test_not_without_the_right_to_it(self, desk: Settings, lost: str) -> None:
        ask(desk)
        (done,) = work(desk)
        execute(desk, lost)
        with pytest.raises(PermissionDenied):
            get(desk, done)
        assert list(Path().iterdir()) == []


class TestAtOnce:
    def export(
        self,
        settings: Settings,
        criteria: Criteria,
        output: Path | BinaryIO | None = None,
    ) -> ExportReport:
        with open_marts(settings, NO_MESSAGES) as marts, Ledger.open(settings.profile) as ledger:
            return export_at_once(
                marts, ledger, criteria, Destination(output), NO_MESSAGES, ManualClock(DAY)
            )

    def test_it_is_in_the_ledger(self, desk: Settings) -> None:
        self.export(desk, Criteria([MATHS, MATHS_2], user_id=CREATOR))
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
        self.export(desk, Criteria([MATHS], user_id=CREATOR), Path("all.csv"))
        assert Path("all.csv").read_text("utf-8") == text("001", "002")
        self.export(desk, Criteria([MATHS], user_id=CREATOR), BytesIO())
        with Ledger.open(desk.profile) as ledger:
            second, first = sorted(ledger.requests(), key=lambda one: -len(one.request_id))
        assert set(first.files.values()) == {str(Path("all.csv").absolute())}
        assert (second.status, second.files) == (Status.SUCCESS, {})
        assert (first.rows_done, second.rows_done) == (3, 3)

    def test_not_while_it_is_being_processed(self, desk: Settings) -> None:
        ask(desk, batches=["001"])
        with pytest.raises(Busy, match="being processed"):
            self.export(desk, Criteria([MATHS_2, MATHS], user_id=CREATOR))
        assert list(Path().iterdir()) == []
        with Ledger.open(desk.profile) as ledger:
            states = {one.course_id: one.status for one in ledger.requests()}
        assert states == {MATHS: Status.SUBMITTED, MATHS_2: Status.FAILED}

    def test_no_worker_comes_in_between(
        self, desk: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def export(*_: object, **__: object) -> ExportReport:
            assert work(desk) == []
            raise NotFound("Enough.")

        monkeypatch.setattr(at_once, "write", export)
        with pytest.raises(NotFound, match="Enough"):
            self.export(desk, Criteria([MATHS], user_id=CREATOR))

    def test_cancelled_in_the_middle(self, desk: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = at_once.write

        def export(*arguments: Any, **options: Any) -> ExportReport:
            with Ledger.open(desk.profile) as ledger:
                (maths,) = (one for one in ledger.requests() if one.course_id == MATHS)
                ledger.cancel(maths.request_id)
            return whole(*arguments, **options)

        monkeypatch.setattr(at_once, "write", export)
        with pytest.raises(Busy, match="was taken from this export: it is CANCELLED"):
            self.export(desk, Criteria([MATHS_2, MATHS], user_id=CREATOR))
        with Ledger.open(desk.profile) as ledger:
            states = {one.course_id: one.status for one in ledger.requests()}
        assert states == {MATHS: Status.CANCELLED, MATHS_2: Status.FAILED}

    def test_a_failure_is_in_the_ledger(self, desk: Settings) -> None:
        execute(desk, "delete from {schema}.course_progress where user_id = 'u2'")
        with pytest.raises(DataError):
            self.export(desk, Criteria([MATHS], batches=["001"], user_id=CREATOR))
        with Ledger.open(desk.profile) as ledger:
            (failed,) = ledger.requests()
        assert (failed.status, failed.error) == (
            Status.FAILED,
            "The report of do_1 has 1 row, but its batches count 2 learners.",
        )


def _work_until_killed(settings: Settings, ahead: timedelta, started: Any) -> None:
    with Ledger.open(settings.profile, Shifted(ahead)) as ledger:
        started.set()
        for _ in process(settings, ledger, f"{ahead}", clock=ManualClock(DAY)):
            pass


def test_workers_killed_at_random_lose_nothing(desk: Settings) -> None:
    processes = new_processes()
    chance = random.Random(4)
    asked = [ask(desk, batches=["002"], user=CREATOR), ask(desk, user=MENTOR)]
    for number in range(KILLS):
        started = processes.Event()
        # Each sees the lease of the one before run out.
        ahead = number * 2 * LEASE
        worker = processes.Process(target=_work_until_killed, args=(desk, ahead, started))
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
    last = processes.Event()
    for more in range(1, 4):
        _work_until_killed(desk, (KILLS + more) * 2 * LEASE, last)
    with Ledger.open(desk.profile) as ledger:
        requests = ledger.requests()
    assert {one.status for one in requests} <= {Status.SUCCESS, Status.FAILED}
    for one in requests:
        if one.status == Status.SUCCESS:
            assert set(one.files) == set(one.batch_ids)
        else:
            assert (one.tries, one.error) == (3, "Its worker stopped three times.")
    _check_whole(desk)


def _check_whole(settings: Settings) -> None:
    """No file under a final name is less than the whole."""
    for file in settings.results_dir.rglob("[!.]*.csv"):
        assert file.read_text("utf-8") in (text("002"), HEADER + LINES[MATHS, "001"][1])
