"""Workers that are killed at random; `make soak` kills a hundred."""

import os
import random
from datetime import timedelta
from typing import Any

import pytest
from handmade_marts import CREATOR, HEADER, LINES, MATHS, MENTOR
from requests_support import DAY, ShiftedClock, reload, report_text, submit_request
from support import ManualClock, new_processes

from exhaust.project.settings import Settings
from exhaust.requests.entities import Status
from exhaust.requests.ledger import LEASE, Ledger
from exhaust.requests.worker import process

pytestmark = pytest.mark.not_on_spark


KILLS = int(os.environ.get("EXHAUST_KILLS", "10"))


def _work_until_killed(settings: Settings, ahead: timedelta, started: Any) -> None:
    with Ledger.open(settings.profile, ShiftedClock(ahead)) as ledger:
        started.set()
        for _ in process(settings, ledger, f"{ahead}", clock=ManualClock(DAY)):
            pass


def test_workers_killed_at_random_lose_nothing(project: Settings) -> None:
    processes = new_processes()
    chance = random.Random(4)
    requested = [
        submit_request(project, batches=["002"], user=CREATOR),
        submit_request(project, user=MENTOR),
    ]
    for number in range(KILLS):
        started = processes.Event()
        # For each worker, the lease of the one before has run out.
        ahead = number * 2 * LEASE
        worker = processes.Process(target=_work_until_killed, args=(project, ahead, started))
        worker.start()
        started.wait()
        worker.join(chance.uniform(0, 0.15))
        worker.kill()
        worker.join()
        _check_files(project)
        ended = [reload(project, one) for one in requested]
        requested = [
            submit_request(project, batches=one.batch_ids, user=one.requester)
            if one.status in (Status.SUCCESS, Status.FAILED)
            else one
            for one in ended
        ]
    last = processes.Event()
    for more in range(1, 4):
        _work_until_killed(project, (KILLS + more) * 2 * LEASE, last)
    with Ledger.open(project.profile) as ledger:
        requests = ledger.requests()
    assert {one.status for one in requests} <= {Status.SUCCESS, Status.FAILED}
    for one in requests:
        if one.status == Status.SUCCESS:
            assert set(one.files) == set(one.batch_ids)
        else:
            assert (one.tries, one.error) == (3, "Its worker stopped three times.")
    _check_files(project)


def _check_files(settings: Settings) -> None:
    """Checks that every file with a final name is complete."""
    for file in settings.results_dir.rglob("[!.]*.csv"):
        assert file.read_text("utf-8") in (report_text("002"), HEADER + LINES[MATHS, "001"][1])
