import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from exhaust.console import SYSTEM_CLOCK, Clock


def test_now_is_the_time_in_utc() -> None:
    before = datetime.now(UTC)
    now = SYSTEM_CLOCK.now()
    assert before <= now <= datetime.now(UTC)
    assert now.utcoffset() == timedelta()


def test_today_is_the_day_of_the_time_zone() -> None:
    ahead, behind = ZoneInfo("Etc/GMT-14"), ZoneInfo("Etc/GMT+12")
    assert Clock().today(ahead) > Clock().today(behind)


def test_sleep_waits_and_the_monotonic_time_counts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [5.0]
    monkeypatch.setattr(time, "monotonic", lambda: seconds[0])
    monkeypatch.setattr(time, "sleep", lambda pause: seconds.append(seconds.pop() + pause))
    before = SYSTEM_CLOCK.monotonic()
    SYSTEM_CLOCK.sleep(1.5)
    assert SYSTEM_CLOCK.monotonic() - before == 1.5
