"""The workers that a ledger has seen."""

from datetime import timedelta
from typing import Any

import pytest
from ledger_support import Submit, claim_of, stored_time
from requests_support import process_requests, reload, submit_request
from support import ManualClock

from exhaust.project.settings import Settings
from exhaust.requests.entities import Claim, Status, Worker
from exhaust.requests.ledger import Ledger
from exhaust.requests.workers import FORGOTTEN_AFTER

pytestmark = pytest.mark.not_on_spark

MINUTE = timedelta(minutes=1)


def test_a_worker_is_seen_when_it_looks_for_requests(ledger: Ledger, clock: ManualClock) -> None:
    assert ledger.workers() == []
    start = stored_time(clock)
    assert ledger.claim("a") is None
    clock.pass_by(MINUTE)
    assert ledger.claim("b") is None
    assert ledger.workers() == [Worker("b", start + MINUTE), Worker("a", start)]
    clock.pass_by(MINUTE)
    assert ledger.claim("a") is None
    assert ledger.workers() == [Worker("a", start + 2 * MINUTE), Worker("b", start + MINUTE)]


def test_a_worker_is_seen_at_each_heartbeat(
    ledger: Ledger, submit: Submit, clock: ManualClock
) -> None:
    submit()
    claim = claim_of(ledger, "a")
    clock.pass_by(MINUTE)
    ledger.heartbeat(claim, 1)
    assert ledger.workers() == [Worker("a", stored_time(clock))]


def test_an_export_is_not_a_worker(ledger: Ledger, submit: Submit) -> None:
    ledger.heartbeat(Claim(submit(worker="export"), "export"))
    assert ledger.workers() == []


def test_the_table_does_not_grow_with_every_run(ledger: Ledger, clock: ManualClock) -> None:
    for name in ("a", "b"):
        ledger.claim(name)
    clock.pass_by(FORGOTTEN_AFTER)
    ledger.claim("c")
    assert len(ledger.workers()) == 3
    clock.pass_by(timedelta(seconds=1))
    ledger.claim("d")
    assert [one.name for one in ledger.workers()] == ["d", "c", "b"]


def test_a_claim_that_was_interrupted_is_put_back(
    project: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = submit_request(project)
    claim = Ledger.claim

    def claim_and_stop(*arguments: Any) -> None:
        assert claim(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(Ledger, "claim", claim_and_stop)
    with pytest.raises(KeyboardInterrupt):
        process_requests(project)
    waiting = reload(project, new)
    assert (waiting.status, waiting.tries) == (Status.SUBMITTED, 0)
