from datetime import timedelta
from queue import Queue

import pytest
from requests_support import submit_request

from exhaust.project.settings import Settings
from exhaust.requests.entities import LeaseLost
from exhaust.requests.lease import Pulse, holding
from exhaust.requests.ledger import Ledger

pytestmark = pytest.mark.not_on_spark


def test_a_lost_lease_stops_the_work() -> None:
    pulse = Pulse(0)
    pulse.check()
    pulse.lost = "A0"
    with pytest.raises(LeaseLost, match="A0"):
        pulse.check()


def test_heartbeats_report_the_rows(project: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    submit_request(project)
    with Ledger.open(project.profile, lease=timedelta(milliseconds=40)) as ledger:
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


def test_a_heartbeat_notices_a_lost_lease(project: Settings) -> None:
    submit_request(project)
    with Ledger.open(project.profile, lease=timedelta(milliseconds=4)) as ledger:
        claim = ledger.claim("worker")
        assert claim
        ledger.cancel(claim.request.request_id)
        with holding(ledger, [claim]) as pulse:
            while pulse.lost is None:
                pass
        assert pulse.lost == claim.request.request_id
