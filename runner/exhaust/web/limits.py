"""How often a person may do what costs much."""

import threading
from dataclasses import dataclass

from exhaust.console import SYSTEM_CLOCK, Clock

MAX_KEYS = 10_000


@dataclass(frozen=True)
class Rate:
    """So many calls at once; after that, so many a second."""

    burst: int
    per_second: float


SEARCHES = Rate(burst=60, per_second=4)
SUBMITS = Rate(burst=20, per_second=0.5)


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
