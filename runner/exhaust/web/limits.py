"""How often, and how much at once, a person may do what costs much."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from exhaust.console import SYSTEM_CLOCK, Clock

MAX_KEYS = 10_000
MAX_UPLOADS = 8
"""Forms with files that are received at once."""
MAX_UPLOADS_OF_ONE = 2


@dataclass(frozen=True)
class Rate:
    """So many calls at once; after that, so many a second."""

    burst: int
    per_second: float


SEARCHES = Rate(burst=60, per_second=4)
SUBMITS = Rate(burst=20, per_second=0.5)
CHECKS = Rate(burst=10, per_second=0.1)


class Limit:
    """A bucket of tokens for each key; takes one for each call."""

    def __init__(self, rate: Rate, clock: Clock = SYSTEM_CLOCK) -> None:
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> bool:
        """Returns whether one more call is allowed now, and counts it if so."""
        now = self._clock.monotonic()
        with self._lock:
            tokens, since = self._buckets.pop(key, (float(self._rate.burst), now))
            tokens = min(self._rate.burst, tokens + (now - since) * self._rate.per_second)
            is_allowed = tokens >= 1
            self._buckets[key] = (tokens - is_allowed, now)
            if len(self._buckets) > MAX_KEYS:
                # The one that was used longest ago has most of its tokens again.
                del self._buckets[next(iter(self._buckets))]
        return is_allowed


class Uploads:
    """Counts the forms with files that are being received, by person."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    @contextmanager
    def one_more(self, key: str) -> Iterator[bool]:
        """Says whether one more may be received, and counts it while the block runs."""
        is_allowed = self._counts[key] < MAX_UPLOADS_OF_ONE and self._counts.total() < MAX_UPLOADS
        self._counts[key] += is_allowed
        try:
            yield is_allowed
        finally:
            self._counts[key] -= is_allowed
