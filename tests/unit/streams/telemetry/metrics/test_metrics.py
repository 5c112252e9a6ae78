"""The catalogue's rules, and what the metrics of a process hold to."""

from __future__ import annotations

import re

import pytest
from prometheus_client import generate_latest

from streams.core.scheduling.pauses import PAUSE_KINDS, pause_kind
from streams.telemetry.metrics import CATALOGUE, Metrics, Spec
from streams.telemetry.metrics.catalogue import FRESHNESS_BUCKETS


@pytest.mark.parametrize("spec", CATALOGUE, ids=lambda spec: spec.name)
def test_names_follow_the_conventions_of_prometheus(spec: Spec) -> None:
    """Counters end in `_total`, nothing else does; histograms are of seconds; help is a sentence; labels differ."""
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", spec.name)
    assert (spec.type == "counter") == spec.name.endswith("_total")
    assert (spec.type == "histogram") == bool(spec.buckets)
    assert spec.type != "histogram" or spec.name.endswith("_seconds")
    assert spec.help.endswith(".")
    assert len(set(spec.label_names)) == len(spec.labels)
    assert spec.by


@pytest.mark.parametrize("spec", CATALOGUE, ids=lambda spec: spec.name)
def test_no_label_can_hold_a_contact(spec: Spec) -> None:
    """Each label has a closed set, or is bounded by the configuration."""
    assert all(label.values or label.bound for label in spec.labels)


def test_each_metric_is_declared_once() -> None:
    """A name has one meaning."""
    names = [spec.name for spec in CATALOGUE]
    assert len(names) == len(set(names))


def test_the_objective_is_a_boundary_of_freshness() -> None:
    """The share of changes within 60 s can be computed exactly."""
    assert 60.0 in FRESHNESS_BUCKETS


def test_counters_of_a_healthy_system_exist_at_zero() -> None:
    """Nothing has happened yet, and each connection's series are there for a panel to show."""
    metrics = Metrics()
    metrics.create_series({"connection": ["acme"], "topic": ["lofty.changes"]})
    text = generate_latest(metrics.registry).decode()
    assert 'lofty_ghl_sweeps_total{connection="acme",result="failed"} 0.0' in text
    assert 'lofty_ghl_freshness_seconds_bucket{connection="acme",held="no",le="60.0",since="acceptance"} 0.0' in text
    assert 'lofty_ghl_append_failures_total{topic="lofty.changes"} 0.0' in text
    assert "_created" not in text


def test_a_process_shows_its_own_metrics_only() -> None:
    """A gateway reads nothing and writes nothing: it has no such series, and counting there does no harm."""
    metrics = Metrics("gateway")
    metrics.create_series({"connection": ["acme"], "topic": []})
    metrics.reads.labels("acme", "contact", "read").inc()
    text = generate_latest(metrics.registry).decode()
    assert "lofty_ghl_reads" not in text
    assert 'lofty_ghl_intake_total{result="accepted",vendor="lofty"} 0.0' in text


def test_counting_can_be_off() -> None:
    """To measure what it costs: nothing is counted, and nothing is shown."""
    metrics = Metrics(is_on=False)
    metrics.create_series({"connection": ["acme"]})
    metrics.create_budget_series("read", "acme")
    metrics.read("acme", "contact", "read")
    assert generate_latest(metrics.registry) == b""


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        ("rate limit: GHL 429", "rate limit"),
        ("daily quota: GHL 429", "daily quota"),
        ("not authorized: 401", "no access"),
        ("connect again: nobody has given access", "no access"),
        ("the app was uninstalled in GHL: install it again", "uninstalled"),
        ("version header: 400", "other"),
        ("", "other"),
    ],
)
def test_a_pause_is_told_by_its_kind(cause: str, kind: str) -> None:
    """The cause holds the vendor's own words, which are no label."""
    assert pause_kind(cause) == kind
    assert kind in PAUSE_KINDS
