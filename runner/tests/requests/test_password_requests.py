"""Requests with a password: who can read it, when it is forgotten, and what it opens."""

import traceback
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from handmade_marts import CREATOR, MATHS
from ledger_support import DATA, new_request
from requests_support import (
    DAY,
    ShiftedClock,
    download_files,
    process_requests,
    reload,
    report_text,
    submit_request,
)
from support import CallingConsole, ManualClock

from exhaust.errors import DataError, NotFound, UsageError, WrongPassword
from exhaust.project.settings import Settings
from exhaust.reports.form import ReportForm
from exhaust.reports.formats import Format
from exhaust.reports.protection import opened
from exhaust.requests import store, worker
from exhaust.requests.entities import Request, Status
from exhaust.requests.ledger import LEASE, Ledger
from exhaust.requests.sealing import worker_key
from exhaust.requests.worker import process

pytestmark = pytest.mark.not_on_spark

PASSWORD = "Xq7-correct horse"
FORGOTTEN = "Its password was forgotten"


@pytest.fixture(autouse=True)
def key(project: Settings) -> str:
    """Lets a worker publish its key, and returns the private key."""
    assert process_requests(project) == []
    return project.worker_key_file.read_text().strip()


def sealed(settings: Settings) -> list[str | None]:
    """Returns what the ledger has of each password."""
    with Ledger.open(settings.profile) as ledger, ledger._store.begin() as connection:
        found = connection.execute(
            sa.select(store.REQUESTS.c.encryption_key).order_by(store.REQUESTS.c.request_id)
        )
        return list(found.scalars())


def dump(settings: Settings) -> str:
    """Returns all that the ledger has, as text."""
    with Ledger.open(settings.profile) as ledger, ledger._store.begin() as connection:
        tables = (store.REQUESTS, store.BATCHES, store.WORKERS)
        return "\n".join(
            str(list(map(tuple, connection.execute(sa.select(table))))) for table in tables
        )


def request_with_password(settings: Settings, **options: object) -> Request:
    return submit_request(settings, password=PASSWORD, **options)  # type: ignore[arg-type]


def test_the_files_open_with_the_password(project: Settings, tmp_path: Path) -> None:
    new = request_with_password(project)
    assert (new.form.is_protected, new.request_data["isProtected"]) == (True, True)
    (done,) = process_requests(project)
    assert (done.status, done.rows_done) == (Status.SUCCESS, 3)
    files = download_files(project, done)
    assert [file.name for file in files] == [
        "001_progress_20261123.csv.zip",
        "002_progress_20261123.csv.zip",
    ]
    for file, batch in zip(files, done.batch_ids, strict=True):
        assert opened(file, PASSWORD, tmp_path).read_text("utf-8") == report_text(batch)
        with pytest.raises(WrongPassword):
            opened(file, "another one", tmp_path)


def test_a_workbook_is_encrypted_itself(project: Settings, tmp_path: Path) -> None:
    request_with_password(project, form=ReportForm(format=Format.XLSX), batches=["001"])
    (done,) = process_requests(project)
    assert (done.status, done.error) == (Status.SUCCESS, None)
    (file,) = download_files(project, done)
    assert file.name == "001_progress_20261123.xlsx"
    assert opened(file, PASSWORD, tmp_path) != file


def test_the_password_is_nowhere_in_clear(
    project: Settings, key: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []

    def look(what: str, share: float) -> None:
        seen.append(dump(project))
        # What others on the machine can see of a process.
        seen.extend(Path(f"/proc/self/{name}").read_text() for name in ("cmdline", "environ"))

    new = request_with_password(project)
    waiting = dump(project)
    process_requests(project, CallingConsole(look))
    texts = [waiting, *seen, dump(project), *capfd.readouterr(), repr(new)]
    assert len(seen) > 1
    for text in texts:
        assert PASSWORD not in text
        assert key not in text
    for file in project.results_dir.rglob("*"):
        if file.is_file() and file != project.worker_key_file:
            assert PASSWORD.encode() not in file.read_bytes()
            assert b"u,3" not in file.read_bytes()
            assert key.encode() not in file.read_bytes()


def test_no_repr_shows_the_password(project: Settings) -> None:
    request_with_password(project)
    with Ledger.open(project.profile) as ledger:
        claim = ledger.claim("a")
    assert claim
    assert claim.sealed_password
    assert claim.sealed_password not in repr(claim)
    new = new_request(sealed_password="sealed one")
    assert "sealed one" not in repr(new)


def test_an_unexpected_error_does_not_show_it(
    project: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command writes tracebacks to a log."""

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    request_with_password(project)
    monkeypatch.setattr(worker, "write", fail)
    with pytest.raises(ZeroDivisionError) as raised:
        process_requests(project)
    assert PASSWORD not in "".join(traceback.format_exception(raised.value))


class TestTheKey:
    def test_without_a_worker_there_is_none(self, project: Settings) -> None:
        with Ledger.open(project.profile) as ledger, ledger._store.begin() as connection:
            connection.execute(sa.delete(store.WORKERS))
        with pytest.raises(NotFound, match="No worker has published a key yet") as raised:
            request_with_password(project)
        assert raised.value.hint == "Run `exhaust process` once."
        assert submit_request(project).status == Status.SUBMITTED

    @pytest.mark.parametrize("public_key", [None, "", "x", "A" * 43 + "=A"])
    def test_what_is_none_is_passed_over(self, project: Settings, public_key: str | None) -> None:
        with Ledger.open(project.profile) as ledger, ledger._store.begin() as connection:
            connection.execute(sa.update(store.WORKERS).values(public_key=public_key))
        with pytest.raises(NotFound, match="No worker has published a key yet"):
            request_with_password(project)

    def test_it_is_that_of_the_worker_seen_last(self, project: Settings, tmp_path: Path) -> None:
        keys = [worker_key(tmp_path / str(number)).public for number in range(3)]
        clock = ManualClock()
        with Ledger.open(project.profile, clock) as ledger:
            for name, public_key in zip("abc", keys, strict=True):
                clock.pass_by(timedelta(seconds=1))
                ledger.claim(name, public_key)
            assert ledger.public_key() == keys[2]
            clock.pass_by(timedelta(seconds=1))
            ledger.claim("a", keys[0])
            assert ledger.public_key() == keys[0]

    def test_of_another_worker_opens_nothing(self, project: Settings, tmp_path: Path) -> None:
        request_with_password(project)
        other = replace(project, worker_key=tmp_path / "other")
        (failed,) = process_requests(other)
        assert (failed.status, failed.tries) == (Status.FAILED, 1)
        assert str(failed.error).startswith("Its password is sealed to the key of another worker.")
        assert sealed(project) == [None]
        assert not list(project.results_dir.rglob("*.zip"))

    def test_of_two_targets_is_not_the_same(self, project: Settings, tmp_path: Path) -> None:
        other = replace(project, results_dir=tmp_path / "other")
        assert other.worker_key_file != project.worker_key_file


class TestForgetting:
    @pytest.fixture(autouse=True)
    def waiting(self, project: Settings) -> Request:
        new = request_with_password(project)
        assert [bool(one) for one in sealed(project)] == [True]
        return new

    def test_when_it_succeeds(self, project: Settings) -> None:
        process_requests(project)
        assert sealed(project) == [None]

    def test_when_it_fails(self, project: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object, **__: object) -> None:
            raise DataError("No.")

        monkeypatch.setattr(worker, "write", fail)
        (failed,) = process_requests(project)
        assert (failed.status, failed.error) == (Status.FAILED, "No.")
        assert sealed(project) == [None]

    def test_when_it_is_cancelled(self, project: Settings, waiting: Request) -> None:
        with Ledger.open(project.profile) as ledger:
            ledger.cancel(waiting.request_id)
        assert sealed(project) == [None]

    def test_when_its_row_is_damaged(self, project: Settings) -> None:
        with Ledger.open(project.profile) as ledger, ledger._store.begin() as connection:
            connection.execute(sa.update(store.REQUESTS).values(request_data={}))
        assert process_requests(project) == []
        assert sealed(project) == [None]

    @pytest.mark.parametrize("status", ["SUCCESS", "FAILED", "DONE"])
    def test_when_somebody_gave_it_another_status(self, project: Settings, status: str) -> None:
        with Ledger.open(project.profile) as ledger, ledger._store.begin() as connection:
            connection.execute(sa.update(store.REQUESTS).values(status=status))
        assert submit_request(project, form=ReportForm(is_protected=True), password=PASSWORD)
        assert sum(map(bool, sealed(project))) == 1

    def test_when_its_workers_stop_three_times(self, project: Settings) -> None:
        for number in range(4):
            with Ledger.open(project.profile, ShiftedClock(number * 2 * LEASE)) as ledger:
                assert (ledger.claim("killed") is None) is (number == 3)
        assert sealed(project) == [None]

    def test_not_when_a_try_fails(self, project: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object, **__: object) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr(worker, "write", fail)
            with pytest.raises(ZeroDivisionError):
                process_requests(project)
        assert [bool(one) for one in sealed(project)] == [True]
        (done,) = process_requests(project)
        assert (done.status, done.tries) == (Status.SUCCESS, 2)

    @pytest.mark.parametrize(("seconds", "is_forgotten"), [(-1, False), (1, True)])
    def test_after_a_day(self, project: Settings, seconds: int, is_forgotten: bool) -> None:
        later = ShiftedClock(timedelta(days=1, seconds=60 * seconds))
        with Ledger.open(project.profile, later) as ledger:
            (ended,) = process(project, ledger, "late", clock=ManualClock(DAY))
        assert (ended.status == Status.FAILED) is is_forgotten
        assert (FORGOTTEN in str(ended.error)) is is_forgotten
        assert sealed(project) == [None]

    def test_after_a_day_even_if_another_worker_holds_it(self, project: Settings) -> None:
        with Ledger.open(project.profile) as ledger:
            assert ledger.claim("slow")
        with Ledger.open(project.profile, ShiftedClock(timedelta(days=1, hours=1))) as ledger:
            ledger.claim("late")
        assert sealed(project) == [None]


def test_a_sealed_password_is_useless_without_the_key(project: Settings, tmp_path: Path) -> None:
    request_with_password(project)
    (found,) = sealed(project)
    assert found
    with pytest.raises(DataError):
        worker_key(tmp_path / "another").open(found)
    assert worker_key(project.worker_key_file).open(found) == PASSWORD


def test_a_bad_password_makes_no_request(project: Settings) -> None:
    with pytest.raises(UsageError, match="too short"):
        submit_request(project, password="12345")
    assert sealed(project) == []


def test_the_same_report_with_a_password_is_another_request(project: Settings) -> None:
    first, second = submit_request(project), request_with_password(project)
    assert first.request_id != second.request_id
    assert {one.status for one in process_requests(project)} == {Status.SUCCESS}
    assert reload(project, first).files != reload(project, second).files
    assert [file.suffix for file in download_files(project, first)] == [".csv"] * 2


def test_a_killed_export_with_a_password_is_not_finished_by_a_worker(project: Settings) -> None:
    """Its password was never sent to a worker."""
    data = {**DATA, "isProtected": True}
    with Ledger.open(project.profile, ShiftedClock(-2 * LEASE)) as ledger:
        ledger.submit(
            new_request(course_id=MATHS, requester=CREATOR, channel="t", request_data=data), "e"
        )
    (failed,) = process_requests(project)
    assert (failed.status, FORGOTTEN in str(failed.error)) == (Status.FAILED, True)


def test_receipts_name_no_password(project: Settings) -> None:
    request_with_password(project, batches=["002"])
    (done,) = process_requests(project)
    receipt = Path(done.files["002"] + ".receipt.json").read_text("utf-8")
    assert '"protected": true' in receipt
    assert PASSWORD not in receipt
