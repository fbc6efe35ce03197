"""Prometheus metrics of one running service, in a registry of its own so that two services in a process do not mix.

What has a durable truth is read from the database when it is scraped (credentials, backlog); only what passes by is
counted here. Labels are route templates and codes: an id in a label would be personal data, and endless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from app.audit.tables import AuditRow
from app.database import Database
from app.ledger.service import Backlog

__all__ = ["Metrics", "ServiceCollector", "gate_decisions"]

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counters of requests, and whatever collectors are added."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "assay_http_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self.durations = Histogram(
            "assay_http_request_seconds",
            "Time to answer.",
            ("method", "route"),
            registry=self.registry,
            buckets=_BUCKETS,
        )

    def render(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self.registry)


class ServiceCollector(Collector):
    """Reads the durable truths at each scrape."""

    def __init__(
        self,
        *,
        credentials: Callable[[], Iterable[tuple[str, str, int]]],
        decisions: Callable[[], Mapping[str, int]],
        backlog: Callable[[], Backlog],
    ) -> None:
        self._credentials = credentials
        self._decisions = decisions
        self._backlog = backlog

    def collect(self) -> Iterator[Metric]:
        """Yield the current values."""
        issued = GaugeMetricFamily("assay_credentials", "Credentials issued.", labels=("configuration", "state"))
        for configuration, state, count in self._credentials():
            issued.add_metric((configuration, state), count)
        yield issued
        decisions = GaugeMetricFamily(
            "assay_gate_decisions", "What the gate decided, from the audit log.", labels=("outcome",)
        )
        for outcome, count in self._decisions().items():
            decisions.add_metric((outcome,), count)
        yield decisions
        backlog = self._backlog()
        yield GaugeMetricFamily("assay_ledger_waiting", "Jobs that no block holds yet.", value=backlog.waiting)
        yield GaugeMetricFamily(
            "assay_ledger_lag_seconds", "Age of the oldest waiting job.", value=backlog.oldest_age_s
        )
        yield GaugeMetricFamily("assay_ledger_failed", "Jobs that the chain refused for good.", value=backlog.failed)


def gate_decisions(database: Database) -> Mapping[str, int]:
    """How often the gate decided what, as the audit log has it: a count that survives restarts and erasure."""
    query = (
        select(AuditRow.action, func.count())
        .where(AuditRow.actor == "gate", AuditRow.action.like("verification_session.%"))
        .group_by(AuditRow.action)
    )
    with database.reading() as session:
        return {action.partition(".")[2]: count for action, count in session.execute(query)}
