"""What a Prometheus reads: numbers of requests, exports, data and builds.

No label names a user, a course or a batch, so there are few series, and they say nothing of people.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from threading import Lock

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from exhaust import api
from exhaust.errors import ExhaustError
from exhaust.requests.entities import Status
from exhaust.web.site import Site

HOST = "127.0.0.1"


class ExhaustCollector(Collector):
    """Reads the ledger and the records of builds when it is asked."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = Lock()

    def describe(self) -> list[Metric]:
        """Nothing: what it would collect at once, without waiting to be asked."""
        return []

    def collect(self) -> Iterator[Metric]:
        # One after the other: somebody may ask again before the first answer.
        with self._lock:
            with suppress(ExhaustError):
                yield from self._requests()
            with suppress(ExhaustError):
                yield from self._data()

    def _requests(self) -> Iterator[Metric]:
        requests = api.requests(self._site.project)
        now = self._site.clock.now().replace(tzinfo=None)
        states = GaugeMetricFamily("exhaust_requests", "Requests by state.", labels=["state"])
        for status in Status:
            states.add_metric([status.lower()], sum(one.status == status for one in requests))
        yield states
        waiting = [one.submitted_at for one in requests if one.position is not None]
        age = (now - min(waiting)).total_seconds() if waiting else 0
        yield GaugeMetricFamily(
            "exhaust_queue_age_seconds", "How long the request that waits longest has waited.", age
        )
        done = [one for one in requests if one.status == Status.SUCCESS]
        rows = sum(one.rows_done for one in done)
        yield GaugeMetricFamily("exhaust_export_rows", "Rows of the reports in the ledger.", rows)
        ends = [(one.submitted_at, one.completed_at) for one in done]
        seconds = sum((end - start).total_seconds() for start, end in ends if end)
        yield GaugeMetricFamily(
            "exhaust_export_seconds", "Seconds from request to file, of these reports.", seconds
        )
        workers = api.workers(self._site.project)
        seen = [(now - one.last_seen_at).total_seconds() for one in workers]
        if seen:
            yield GaugeMetricFamily(
                "exhaust_worker_seen_seconds", "How long ago a worker was seen.", min(seen)
            )

    def _data(self) -> Iterator[Metric]:
        build = api.newest_build(self._site.project)
        ended_at = _seconds(build.ended_at)
        yield GaugeMetricFamily(
            "exhaust_build_timestamp_seconds", "When the last build ended.", ended_at
        )
        if build.newest_activity_at:
            yield GaugeMetricFamily(
                "exhaust_data_timestamp_seconds",
                "When the newest enrolment or attempt in the data was written.",
                _seconds(build.newest_activity_at),
            )


def _seconds(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()


@contextmanager
def serving_metrics(site: Site, port: int) -> Iterator[None]:
    """Answers on a port of this machine alone while the block runs; 0 is no port."""
    if not port:
        yield
        return
    registry = CollectorRegistry()
    registry.register(ExhaustCollector(site))
    server, thread = start_http_server(port, HOST, registry)
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
