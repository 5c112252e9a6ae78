"""What a scrape shows is what prometheus-client would write, byte for byte."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import dataclass
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from streams.messages.worker_status import BudgetStatus, ConnectionStatus, SideStatus, SweepStatus, WorkerStatus
from streams.telemetry.metrics import Metrics, counts
from streams.telemetry.metrics.exposition import Exposition, GaugeRows
from streams.telemetry.metrics.gauges import of_worker
from streams.telemetry.metrics.spec import Label, Spec

disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no annotations

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


CALLS = Spec("calls_total", "counter", "Calls\nof all.", (Label("who"), Label("at")))
SIZES = Spec("sizes", "histogram", "Sizes.", (Label("who"), Label("at")), buckets=(0.5, 2.0))
TOTALS = Spec("totals_total", "counter", "Of nobody.")
LABELS = st.tuples(st.sampled_from(('say "a"', "b\n")), st.sampled_from(("x", "y")))
ACTS = st.tuples(
    st.sampled_from(("inc", "observe", "make", "remove", "total")),
    LABELS,
    st.floats(min_value=0, max_value=9),
    st.sampled_from((None, {"trace_id": TRACE})),
)


@given(st.lists(st.lists(ACTS, max_size=6), max_size=4), st.sampled_from(({}, {"process": "1"})))
def test_what_is_counted_between_scrapes_is_what_the_library_writes(
    rounds: list[list[tuple[str, tuple[str, str], float, dict[str, str] | None]]], labels: dict[str, str]
) -> None:
    """Whatever is counted, made or ended between two of them, and in whichever format who looks: no kept line is an old one."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    our_calls, our_sizes, our_total = counts.Counter(CALLS), counts.Histogram(SIZES), counts.Counter(TOTALS)
    for one in (our_calls, our_sizes, our_total):
        ours.register(one)
    names = ("who", "at")
    calls = Counter("lofty_ghl_calls", CALLS.help, names, registry=theirs)
    sizes = Histogram("lofty_ghl_sizes", SIZES.help, names, buckets=SIZES.buckets, registry=theirs)
    total = Counter("lofty_ghl_totals", TOTALS.help, registry=theirs)
    with patch("time.time", lambda: 1_800_000_000.25):
        kept, other = Exposition(ours, labels), Exposition(ours)
        for acts in rounds:
            for act, values, amount, exemplar in acts:
                if act == "inc":
                    our_calls.labels(*values).inc(amount, exemplar)
                    calls.labels(*values).inc(amount, exemplar)
                elif act == "observe":
                    our_sizes.labels(*values).observe(amount, exemplar)
                    sizes.labels(*values).observe(amount, exemplar)
                elif act == "total":
                    our_total.inc(amount)
                    total.inc(amount)
                elif act == "make":
                    our_calls.labels(*values)
                    calls.labels(*values)
                elif values in our_calls.known():
                    our_calls.remove(values)
                    calls.remove(*values)
            assert generate_latest(ours) == generate_latest(theirs)
            assert kept.write("") == Exposition(theirs, labels).write("")
            assert kept.write(OPEN) == Exposition(theirs, labels).write(OPEN)
            assert other.write("")[0] == generate_latest(theirs)
            assert other.write(OPEN)[0] == generate_openmetrics(theirs)


def test_what_no_counter_takes_is_refused() -> None:
    """Less than nothing, or a series without a name."""
    calls = counts.Counter(CALLS)
    with pytest.raises(ValueError, match="expected 0 or more"):
        calls.labels("a", "b").inc(-1)
    with pytest.raises(ValueError, match="expected values of who, at"):
        calls.labels("a")


def test_what_did_not_change_is_not_written_again() -> None:
    """A scrape of a thousand connections would take twice as long."""
    written: list[Sample] = []

    def write(sample: Sample) -> str:
        written.append(sample)
        return f"{sample.name} {sample.value}"

    sizes = counts.Histogram(SIZES)
    sizes.labels("a", "b").observe(1.0)
    sizes.labels("a", "c").observe(1.0)
    first = sizes.texts(write)
    written.clear()
    assert sizes.texts(write) == first
    assert not written
    sizes.labels("a", "c").observe(1.0)
    sizes.texts(write)
    assert {sample.labels["at"] for sample in written} == {"c"}


def test_a_gauge_that_changes_is_written_anew() -> None:
    """Up, down, and back."""
    registry = CollectorRegistry()
    rows = GaugeRows("rows", "Readings.", ("b",))
    registry.register(_Only(rows))
    exposition = Exposition(registry)
    for value in (1.0, 1.0, 2.5, 0.0, 1.0, float("nan"), float("nan"), 3):
        rows.rows[:] = [(("x y",), value)]
        assert exposition.write("")[0] == generate_latest(registry)
