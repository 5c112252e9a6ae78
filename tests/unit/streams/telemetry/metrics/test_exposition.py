"""What a scrape shows is what prometheus-client would write, byte for byte."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from streams.messages.worker_status import BudgetStatus, ConnectionStatus, SideStatus, SweepStatus, WorkerStatus
from streams.telemetry.metrics import Metrics
from streams.telemetry.metrics.exposition import Exposition, GaugeRows
from streams.telemetry.metrics.gauges import of_worker

OPEN = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3"
TRACE = "ab" * 16


def lines_of(raw: bytes) -> list[str]:
    """All lines but those that change from one moment to the next."""
    return [line for line in raw.decode().splitlines() if not line.startswith("process_")]


def worker_metrics() -> Metrics:
    """A worker's metrics with something in each."""
    metrics = Metrics()
    metrics.create_series({"connection": ["acme", "best"], "topic": ["lofty.changes"]})
    metrics.create_budget_series("write", "loc")
    metrics.freshness.labels("acme", "update", "no").observe(0.7, {"trace_id": TRACE})
    metrics.vendor_seconds.labels("ghl", "create-contact").observe(0.2)
    side = SideStatus(undelivered={"fetch": 1}, parked={"fetch": 0}, links=7, sweep=SweepStatus(full_interval_ms=1))
    status = WorkerStatus(
        instance="a",
        started_ms=1,
        at_ms=1_800_000_000_000,
        partitions=4,
        budgets=(BudgetStatus(dispatcher="write", budget="loc", paused="rate limit", quota_limit=5),),
        connections=(ConnectionStatus(connection="acme", reading=side, writing=side),),
    )
    metrics.gauges = lambda: of_worker(status)
    return metrics


def test_it_is_what_the_library_writes() -> None:
    """Twice, since the second time what stands before the values is known."""
    metrics = worker_metrics()
    exposition = Exposition(metrics.registry)
    for _ in range(2):
        assert lines_of(exposition.write("")[0]) == lines_of(generate_latest(metrics.registry))
        ours = lines_of(exposition.write(OPEN)[0])
        assert ours == lines_of(generate_openmetrics(metrics.registry))
        assert any(TRACE in line for line in ours)


@dataclass(eq=False)
class _Only(Collector):
    """A collector of one metric."""

    metric: Metric

    def collect(self) -> Iterable[Metric]:
        """That metric."""
        return (self.metric,)


@pytest.mark.parametrize("is_collecting", [True, False])
def test_pythons_collector_is_as_it_was_after_a_scrape(is_collecting: bool) -> None:
    """Also after one that failed; whoever had switched it off finds it so."""
    broken = CollectorRegistry()
    broken.register(_Only(None))  # type: ignore[arg-type]  # what no collector may give
    try:
        (gc.enable if is_collecting else gc.disable)()
        Exposition(worker_metrics().registry).write("")
        after = gc.isenabled()
        with pytest.raises(AttributeError):
            Exposition(broken).write("")
        assert (after, gc.isenabled()) == (is_collecting, is_collecting)
    finally:
        gc.enable()


@given(st.text(st.characters(blacklist_categories=("Cs",)), max_size=20), st.floats())
def test_any_text_and_any_number_are_written_alike(text: str, number: float) -> None:
    """Quotes, line ends and backslashes in a label; infinities and what is no number as a value."""
    registry = CollectorRegistry()
    Gauge("some", "Help with a \\ and a \n line.", ("b", "a"), registry=registry).labels(text, "x").set(number)
    Counter("more", "Other.", registry=registry).inc(3)
    rows = GaugeRows("rows", "Readings.", ("b", "a"))
    rows.rows.append(((text, "y"), number))
    registry.register(_Only(rows))
    exposition = Exposition(registry)
    assert exposition.write("")[0] == generate_latest(registry)
    assert exposition.write(OPEN)[0] == generate_openmetrics(registry)


@pytest.mark.parametrize(
    ("accept", "begin"), [("", "text/plain"), ("text/plain", "text/plain"), (OPEN, "application/openmetrics-text")]
)
def test_who_names_openmetrics_gets_it(accept: str, begin: str) -> None:
    """Everybody else gets what every reader knows."""
    assert Exposition(CollectorRegistry()).write(accept)[1].startswith(begin)
