"""The metrics of one process, made from the catalogue, in a registry of their own: tests and several processes do not meet.

Counters and histograms are updated where something happens. Gauges are not set but read: at each scrape `gauges`
returns the present values, so nothing that is gone (a budget that another worker owns) stays behind.
"""

from __future__ import annotations

from collections import Counter as PlainCounter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar, cast

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics_core import Metric

from connectors.http.call_record import CallRecord
from streams.core.scheduling.pauses import PAUSE_KINDS, PauseKind
from streams.core.to_ghl.left_out import LeftOut
from streams.messages import Snapshot
from streams.telemetry.metrics import catalogue as c
from streams.telemetry.metrics.counts import Counter, Histogram
from streams.telemetry.metrics.exposition import GaugeRows
from streams.telemetry.metrics.folding import FOLDED_COUNTS, OTHERS, labelled_by
from streams.telemetry.metrics.spec import Process, Reading, Spec

Made = TypeVar("Made", Counter, Histogram)

FRESH_SECONDS = 60.0
"""The objective: a live change is in GHL within this time."""


class Metrics:
    """What happens in one process, counted. `is_on=False` counts nothing: to measure what counting costs."""

    def __init__(self, process: Process = "worker", *, is_on: bool = True) -> None:
        self.process = process
        self.is_on = is_on
        self.registry = CollectorRegistry()
        self.gauges: Callable[[], Iterable[Reading]] = tuple
        gauges = _Gauges(self)
        if is_on:
            # Before all others: what is shown is decided when the gauges are read, and holds for the whole scrape.
            self.registry.register(_FirstRead(gauges))
        self.totals: PlainCounter[str] = PlainCounter()
        """Counts over all labels, for the status (`WorkerStatus.totals`)."""
        self.stages: PlainCounter[str] = PlainCounter()
        """Records by stage, for the status."""
        self.intake = self._counter(c.INTAKE)
        self.intake_items = self._counter(c.INTAKE_ITEMS)
        self.intake_seconds = self._histogram(c.INTAKE_SECONDS)
        self.notifications = self._counter(c.NOTIFICATIONS)
        self.stage_records = self._counter(c.STAGE_RECORDS)
        self.stage_seconds = self._histogram(c.STAGE_SECONDS)
        self.changes = self._counter(c.CHANGES)
        self.snapshots = self._counter(c.SNAPSHOTS)
        self.unchanged = self._counter(c.UNCHANGED)
        self.reads = self._counter(c.READS)
        self.writes = self._counter(c.WRITES)
        self._left_out = self._counter(c.LEFT_OUT)
        self.lofty_writes = self._counter(c.LOFTY_WRITES)
        self.events = self._counter(c.EVENTS)
        self.parked = self._counter(c.PARKED)
        self.passed = self._counter(c.PASSED)
        self.pauses = self._counter(c.PAUSES)
        self.offers = self._counter(c.OFFERS)
        self.vendor_calls = self._counter(c.VENDOR_CALLS)
        self.vendor_seconds = self._histogram(c.VENDOR_SECONDS)
        self.freshness = self._histogram(c.FRESHNESS)
        self.refreshes = self._counter(c.REFRESHES)
        self.sweeps = self._counter(c.SWEEPS)
        self.append_seconds = self._histogram(c.APPEND_SECONDS)
        self.append_records = self._counter(c.APPEND_RECORDS)
        self.append_failures = self._counter(c.APPEND_FAILURES)
        self._producer_replaced = self._counter(c.PRODUCER_REPLACED)
        self.loop_lag = self._histogram(c.LOOP_LAG)
        self.recovery_records = self._counter(c.RECOVERY_RECORDS)
        self.watchdog_looks = self._counter(c.WATCHDOG_LOOKS)
        self.statuses = self._counter(c.STATUSES)
        self._process_ends = self._counter(c.PROCESS_ENDS)
        if is_on:
            ProcessCollector(registry=self.registry)
            self.registry.register(gauges)

    def create_series(self, known: Mapping[str, Iterable[str]]) -> None:
        """Make every series that exists from the start. `known` are the names of connections and topics."""
        if not self.is_on:
            return
        for spec in c.CATALOGUE:
            if spec.type == "gauge" or self.process not in spec.by:
                continue
            instrument = self._instruments[spec.name]
            for row in spec.zero_rows(known):
                if row:
                    instrument.labels(*row)

    def show(self, connections: Collection[str], budgets: Collection[tuple[str, str]]) -> None:
        """From now on only these connections, and budgets by dispatcher and name, have series of their own; the others share one.

        What is new begins at 0, so that `increase()` sees its first event.
        """
        known = {"connection": connections}
        for spec in FOLDED_COUNTS:
            instrument = self._instruments[spec.name]
            if isinstance(instrument, _Folding):
                instrument.show(budgets if spec is c.PAUSES else [(name,) for name in connections])
                for row in spec.zero_rows(known):
                    instrument.labels(*row)
        for dispatcher, budget in budgets:
            self.create_budget_series(dispatcher, budget)

    def create_budget_series(self, dispatcher: str, budget: str) -> None:
        """This worker has gained a budget: its pauses are counted from 0."""
        for kind in PAUSE_KINDS:
            self.pauses.labels(dispatcher, budget, kind)

    # -- what happens -------------------------------------------------------------------------------------

    def answered(self, answer: CallRecord, *, is_retry: bool = False, trace: str = "") -> None:
        """One answer of a vendor."""
        attempt = "retry" if is_retry else "first"
        self.vendor_calls.labels(answer.vendor, answer.operation, str(answer.status), attempt).inc()
        self.vendor_seconds.labels(answer.vendor, answer.operation).observe(answer.seconds, _exemplar(trace))

    def fresh(self, connection: str, snapshot: Snapshot, at_ms: int, *, held: str = "no", trace: str = "") -> None:
        """An entity now is in GHL as it should be. Only live changes tell how fresh we are."""
        if snapshot.origin != "webhook":
            return
        for since, from_ms in (("update", snapshot.update_time_ms), ("acceptance", snapshot.accepted_ms)):
            seconds = max(0, at_ms - from_ms) / 1000
            self.freshness.labels(connection, since, held).observe(seconds, _exemplar(trace))
        self.totals["live"] += 1
        self.totals["live_within_60s"] += at_ms - snapshot.accepted_ms <= FRESH_SECONDS * 1000

    def notified(self, way: str, result: str, is_retry: bool) -> None:
        """An attempt to deliver a notification ended."""
        self.notifications.labels(way, "retry" if is_retry else "first", result).inc()

    def worked(self, stage: str, records: int, seconds: float) -> None:
        """A stage has worked off a batch."""
        self.stage_records.labels(stage).inc(records)
        self.stage_seconds.labels(stage).observe(seconds)
        self.stages[stage] += records

    def read(self, connection: str, kind: str, outcome: str) -> None:
        """A read of Lofty ended."""
        self.reads.labels(connection, kind, outcome).inc()
        self.totals["reads"] += 1

    def wrote(self, connection: str, step: str, outcome: str) -> None:
        """A request to GHL ended."""
        self.writes.labels(connection, step, outcome).inc()
        self.totals["writes"] += outcome == "applied"

    def left_out(self, connection: str, what: LeftOut) -> None:
        """A value of Lofty is not in GHL, and will not be until something changes."""
        self._left_out.labels(connection, *what).inc()

    def delivered(self, decision: str, connection: str) -> None:
        """`deliver` has judged a snapshot; `connection` is empty for what is none."""
        self.snapshots.labels(decision).inc()
        if decision == "unchanged":
            self.same(connection)

    def same(self, connection: str) -> None:
        """An entity was in GHL as it should be."""
        self.unchanged.labels(connection).inc()
        self.totals["unchanged"] += 1

    def put_aside(self, stage: str, reason: str) -> None:
        """Something is parked."""
        self.parked.labels(stage, reason).inc()
        self.totals["parked"] += 1

    def passed_over(self, topic: str, records: int) -> None:
        """Kafka deleted records before they were read. `topic` is without the deployment's prefix."""
        self.passed.labels(topic).inc(records)

    def producer_replaced(self, reason: str) -> None:
        """The producer became another one to a partition."""
        self._producer_replaced.labels(reason).inc()

    def appended(self, topic: str, records: int, seconds: float, *, failed: bool) -> None:
        """Kafka has taken a batch, or has not. `topic` is without the deployment's prefix."""
        if failed:
            self.append_failures.labels(topic).inc()
            return
        self.append_records.labels(topic).inc(records)
        self.append_seconds.observe(seconds)

    def process_ended(self, process: str, cause: str) -> None:
        """A process of several ended, and nobody had asked it to."""
        self._process_ends.labels(process, cause).inc()

    def paused(self, dispatcher: str, budget: str, kind: PauseKind) -> None:
        """A budget pauses."""
        self.pauses.labels(dispatcher, budget, kind).inc()

    # -- making them --------------------------------------------------------------------------------------

    @property
    def _instruments(self) -> dict[str, Any]:
        found = self.__dict__.setdefault("_made", {})
        return cast(dict[str, Any], found)

    def _counter(self, spec: Spec) -> Counter:
        return self._made_of(spec, Counter)

    def _histogram(self, spec: Spec) -> Histogram:
        return self._made_of(spec, Histogram)

    def _made_of(self, spec: Spec, make: Callable[[Spec], Made]) -> Made:
        """The instrument; one that counts nothing where counting is off, or where this process has no such metric."""
        if not self.is_on or self.process not in spec.by:
            self._instruments[spec.name] = _Nothing()
            return cast(Made, self._instruments[spec.name])
        found = make(spec)
        self.registry.register(found)
        self._instruments[spec.name] = _Folding(found, spec) if spec in FOLDED_COUNTS else found
        return cast(Made, self._instruments[spec.name])


class _Folding:
    """An instrument with a label for a connection or budget, of which only those that are shown have series, once `show` was called.

    What identifies one are the label's value and those before it: a budget has its dispatcher before it.
    """

    def __init__(self, instrument: Counter | Histogram, spec: Spec) -> None:
        self._instrument = instrument
        self._at = labelled_by(spec) or 0
        self._shown: frozenset[tuple[str, ...]] | None = None

    def labels(self, *values: str) -> Any:
        if self._shown is not None and values[: self._at + 1] not in self._shown:
            values = (*values[: self._at], OTHERS, *values[self._at + 1 :])
        return self._instrument.labels(*values)

    def show(self, shown: Iterable[tuple[str, ...]]) -> None:
        """Show these from now on; the series of those that are not among them end, as those of a process that ends."""
        before, self._shown = self._shown, frozenset(shown)
        if before == self._shown:
            return
        for values in [values for values in self._instrument.known() if values[self._at] != OTHERS]:
            if values[: self._at + 1] not in self._shown:
                self._instrument.remove(values)


class _Nothing:
    """An instrument that counts nothing."""

    def labels(self, *_: str) -> _Nothing:
        return self

    def inc(self, *_: object) -> None:
        return

    def observe(self, *_: object) -> None:
        return


class _Gauges:
    """The gauges' readings of a scrape."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._families: dict[str, GaugeRows] = {}

    def read(self) -> None:
        """Ask for them."""
        families: dict[str, GaugeRows] = {}
        for spec, labels, value in self._metrics.gauges():
            family = families.get(spec.name)
            if family is None:
                family = families[spec.name] = GaugeRows(spec.full_name, spec.help, spec.label_names)
            family.rows.append((labels, value))
        self._families = families

    def collect(self) -> Iterable[Metric]:
        families, self._families = self._families, {}
        return families.values()

    def describe(self) -> Iterable[Metric]:
        return ()


class _FirstRead:
    """Is collected first, and has nothing of its own."""

    def __init__(self, gauges: _Gauges) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        self._gauges.read()
        return ()

    def describe(self) -> Iterable[Metric]:
        return ()


def _exemplar(trace: str) -> dict[str, str] | None:
    return {"trace_id": trace} if trace else None
