"""Workers that are killed while they make a report with a password."""

import os
import signal
import stat
from pathlib import Path
from typing import Any

import pytest
from requests_support import DAY, ShiftedClock, process_requests, reload, submit_request
from support import ManualClock, new_processes

from exhaust.project.settings import Settings
from exhaust.reports import protection
from exhaust.reports.form import ReportForm
from exhaust.reports.formats import Format
from exhaust.reports.parts import PART
from exhaust.reports.protection import opened
from exhaust.requests.entities import Status
from exhaust.requests.ledger import LEASE, Ledger
from exhaust.requests.worker import process

pytestmark = pytest.mark.not_on_spark

PASSWORD = "Xq7-correct horse"
LEARNER = b"u,3"


def _work_until_killed(settings: Settings, temporary: Path, when: str) -> None:
    """Makes a report, and is killed just before or after it was protected."""
    os.environ["TMPDIR"] = str(temporary)
    protect = protection.protect

    def protect_and_die(*arguments: Any) -> str:
        if when == "after":
            protect(*arguments)
        arguments[3].flush()
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    vars(protection)["protect"] = protect_and_die
    with Ledger.open(settings.profile) as ledger:
        list(process(settings, ledger, "killed", clock=ManualClock(DAY)))


def in_clear(folder: Path, format: Format) -> list[Path]:
    """Returns the files that have a report in clear."""
    found = []
    for file in folder.rglob("*"):
        if file.is_file() and file.name != ".worker-key":
            content = file.read_bytes()
            is_workbook = content.startswith(b"PK") and not file.name.endswith(".zip")
            if LEARNER in content or (format is Format.XLSX and is_workbook):
                found.append(file)
    return found


@pytest.mark.parametrize("format", [Format.CSV, Format.XLSX])
@pytest.mark.parametrize("when", ["before", "after"])
def test_nothing_in_clear_is_outside_of_the_folder_of_the_try(
    project: Settings, tmp_path: Path, format: Format, when: str
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    assert process_requests(project) == []
    new = submit_request(
        project, batches=["002"], form=ReportForm(format=format), password=PASSWORD
    )
    killed = new_processes().Process(target=_work_until_killed, args=(project, temporary, when))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    assert reload(project, new).status == Status.PROCESSING

    left = in_clear(project.results_dir, format)
    assert left
    for file in left:
        folder = next(one for one in file.parents if one.name.endswith(".try"))
        assert PART.fullmatch(folder.name)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(temporary.iterdir()) == []

    # Before the lease has ended, and so before anybody takes up the request.
    assert process_requests(project) == []
    assert in_clear(project.results_dir, format) == []
    with Ledger.open(project.profile, ShiftedClock(2 * LEASE)) as ledger:
        (done,) = process(project, ledger, "next", clock=ManualClock(DAY))
    assert (done.status, done.tries) == (Status.SUCCESS, 2)
    assert in_clear(project.results_dir, format) == []
    assert opened(Path(done.files["002"]), PASSWORD, tmp_path).is_file()
