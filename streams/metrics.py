"""Every metric of the product, declared in one place. Labels come from closed sets: never an id or an e-mail."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from connectors.answered import Answered
from streams.core.dispatcher import BudgetView
from streams.words import Snapshot

FRESHNESS_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600)
VENDOR_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The metrics of one process, in a registry of its own, so that tests and several processes do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.intake = self._counter("intake", "Webhook deliveries by result.", "vendor", "result")
        self.changes = self._counter("changes", "Changes by what dedupe decided.", "decision")
        self.snapshots = self._counter("snapshots", "Snapshots by what deliver decided.", "decision")
        self.reads = self._counter("reads", "Reads of Lofty by outcome.", "connection", "kind", "outcome")
        self.writes = self._counter("writes", "Requests to GHL by step and outcome.", "connection", "step", "outcome")
        self.parked = self._counter("parked", "Records parked, by stage and reason.", "stage", "reason")
        self.events = self._counter("events", "Events of GHL by what became of them.", "type", "result")
        self.lofty_writes = self._counter(
            "lofty_writes", "Requests of the way back to Lofty by step and outcome.", "connection", "step", "outcome"
        )
        self.refreshes = self._counter("refreshes", "OAuth tokens by how their renewal ended.", "vendor", "result")
        self.sweeps = self._counter("sweeps", "Sweeps of Lofty's leads by how they ended.", "connection", "result")
        self.vendor_calls = self._counter(
            "vendor_calls", "Answers of the vendors, by operation and status.", "vendor", "operation", "status"
        )
        self.vendor_seconds = Histogram(
            "lofty_ghl_vendor_seconds",
            "Time from a request to its answer.",
            ("vendor", "operation"),
            buckets=VENDOR_BUCKETS,
            registry=self.registry,
        )
        self.freshness = Histogram(
            "lofty_ghl_freshness_seconds",
            "Time from a change to GHL's 2xx: `since` Lofty's update time, or our acceptance.",
            ("connection", "since"),
            buckets=FRESHNESS_BUCKETS,
            registry=self.registry,
        )
        self.waiting = self._gauge("waiting", "Entities that wait, by priority.", "dispatcher", "budget", "priority")
        self.in_flight = self._gauge("in_flight", "Requests in flight.", "dispatcher", "budget")
        self.window_used = self._gauge("window_used", "Slots of the rate window in use.", "dispatcher", "budget")
        self.quota_left = self._gauge("quota_left", "Requests left today, by the daily quota.", "dispatcher", "budget")
        self.quota_reset_seconds = self._gauge(
            "quota_reset_seconds", "Time until the daily quota begins anew.", "dispatcher", "budget"
        )
        self.waiting_for_quota = self._gauge(
            "waiting_for_quota", "Entities that the daily quota holds back.", "dispatcher", "budget"
        )
        self.paused = self._gauge("paused", "1 while a budget pauses.", "dispatcher", "budget")

    def answered(self, answer: Answered) -> None:
        """Count one answer of a vendor."""
        self.vendor_calls.labels(answer.vendor, answer.operation, str(answer.status)).inc()
        self.vendor_seconds.labels(answer.vendor, answer.operation).observe(answer.seconds)

    def observe_freshness(self, connection: str, snapshot: Snapshot, at_ms: int) -> None:
        """An entity now is in GHL as it should be. Only live changes tell how fresh we are."""
        if snapshot.origin == "webhook":
            self.freshness.labels(connection, "update").observe(max(0, at_ms - snapshot.update_time_ms) / 1000)
            self.freshness.labels(connection, "acceptance").observe(max(0, at_ms - snapshot.accepted_ms) / 1000)

    def show_budget(self, dispatcher: str, view: BudgetView) -> None:
        """Set the gauges of one budget."""
        labels = (dispatcher, view.budget)
        for priority, number in view.waiting.items():
            self.waiting.labels(*labels, priority.name.lower()).set(number)
        self.in_flight.labels(*labels).set(view.in_flight)
        self.window_used.labels(*labels).set(view.used)
        self.paused.labels(*labels).set(1 if view.pause_cause else 0)
        if view.quota_left is not None and view.quota_reset_seconds is not None:
            self.quota_left.labels(*labels).set(view.quota_left)
            self.quota_reset_seconds.labels(*labels).set(view.quota_reset_seconds)
            self.waiting_for_quota.labels(*labels).set(view.waiting_for_quota)

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"lofty_ghl_{name}", help_text, labels, registry=self.registry)

    def _gauge(self, name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(f"lofty_ghl_{name}", help_text, labels, registry=self.registry)
