"""Metrics for Prometheus: requests here, the state of queues and messages from the database."""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import REGISTRY, Collector

from loyalty.container import Container
from loyalty.kernel import outbox, timetable
from loyalty.kernel.transaction import run
from loyalty.notices import queries as notices
from loyalty.notices.mappings import count_broken

REQUESTS = Counter("portal_requests_total", "Answered requests.", ["endpoint", "status"])
SECONDS = Histogram(
    "portal_request_seconds",
    "Time to answer a request.",
    ["endpoint"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)


def count_request(endpoint: str, status: int, seconds: float) -> None:
    """Count one answered request."""
    answers, durations = _of(endpoint, status)
    answers.inc()
    durations.observe(seconds)


@cache
def _of(endpoint: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(endpoint, str(status)), SECONDS.labels(endpoint)


class _StateCollector(Collector):
    """Reads the gauges that live in the database when somebody asks for them."""

    def __init__(self, container: Container) -> None:
        self._container = container

    def collect(self) -> list[GaugeMetricFamily]:
        waiting, dead = run(self._container.database, outbox.count_waiting)
        counts = run(self._container.database, notices.count_notices)
        zone, at = self._container.zone, self._container.clock.now()
        missed = run(self._container.database, lambda session: timetable.count_missed(session, zone=zone, at=at))
        broken = run(self._container.database, count_broken)
        return [
            GaugeMetricFamily("portal_outbox_waiting", "Events not yet delivered.", value=waiting),
            GaugeMetricFamily("portal_outbox_dead", "Events given up on.", value=dead),
            GaugeMetricFamily("portal_jobs_missed", "Scheduled jobs that did not run in time.", value=missed),
            GaugeMetricFamily("portal_notices_queued", "Messages to be sent now.", value=counts.queued),
            GaugeMetricFamily("portal_notices_held", "Messages held until morning.", value=counts.held),
            GaugeMetricFamily("portal_notices_sending", "Messages under way.", value=counts.sending),
            GaugeMetricFamily("portal_notices_unknown", "Messages of unknown outcome.", value=counts.unknown),
            GaugeMetricFamily(
                "portal_message_templates_broken", "Template settings in use that cannot work.", value=broken
            ),
        ]


def exposition(container: Container) -> bytes:
    """Return all metrics in Prometheus' text format, over all worker processes when there are more."""
    registry = CollectorRegistry()
    registry.register(_StateCollector(container))
    if container.settings.metrics_directory is not None:
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest(registry) + generate_latest(REGISTRY)
