"""Time runs faster in Prometheus' files, and nothing else changes."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.compose.prometheus_files import (
    faster,
    faster_configuration,
    faster_expression,
    faster_rules,
    seconds_of,
)


def read(text: str) -> Any:
    """YAML as values."""
    return yaml.safe_load(text)


@pytest.mark.parametrize(("duration", "seconds"), [("5m", 300), ("1h30m", 5400), ("250ms", 0.25), ("30d", 2_592_000)])
def test_durations_are_read_as_prometheus_reads_them(duration: str, seconds: float) -> None:
    """Several units in a row, too."""
    assert seconds_of(duration) == seconds


@pytest.mark.parametrize("duration", ["", "5", "m", "5 m", "5m "])
def test_what_is_no_duration_is_refused(duration: str) -> None:
    """It would be a silent zero."""
    with pytest.raises(ValueError, match="expected a duration"):
        seconds_of(duration)


def test_a_duration_is_divided_and_has_a_least() -> None:
    """In milliseconds, so that nothing is rounded away."""
    assert faster("5m", 30) == "10000ms"
    assert faster("15s", 30, 1.0) == "1000ms"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("rate(a_total[5m]) > 0.5", "rate(a_total[10000ms]) > 0.5"),
        ("max_over_time(b[1h:1m])", "max_over_time(b[120000ms:2000ms])"),
        ("max_over_time(b[1h:])", "max_over_time(b[120000ms:])"),
        ("increase(a_total[15s])", "increase(a_total[3000ms])"),
        ("b offset 1d > 300", "b offset 2880000ms > 300"),
        ("b offset -1h", "b offset -120000ms"),
        ('b{x="5m"} + on (x) c', 'b{x="5m"} + on (x) c'),
        ('job:a:rate5m{x=~"[5m]"} > 0', 'job:a:rate5m{x=~"[5m]"} > 0'),
    ],
)
def test_ranges_steps_and_offsets_of_an_expression_are_divided(expression: str, expected: str) -> None:
    """Numbers, names and texts in it stay as they are."""
    assert faster_expression(expression, 30) == expected


def test_rules_wait_a_shorter_time() -> None:
    """`for`, `keep_firing_for`, ranges and the group's interval; thresholds stay. One alert may have a speed of its own."""
    late = {"alert": "Late", "expr": "max_over_time(a[5m]) > 600", "for": "5m", "keep_firing_for": "1m"}
    rules = {"groups": [{"name": "g", "interval": "1m", "rules": [{"record": "r", "expr": "rate(a[5m])"}, late]}]}
    group = read(faster_rules(yaml.safe_dump(rules), 30, {"Late": 60}))["groups"][0]
    assert group["interval"] == "2000ms"
    assert group["rules"][0] == {"record": "r", "expr": "rate(a[10000ms])"}
    assert group["rules"][1] == {
        "alert": "Late",
        "expr": "max_over_time(a[5000ms]) > 600",
        "for": "5000ms",
        "keep_firing_for": "1000ms",
    }


def test_names_that_dns_would_give_are_written_down() -> None:
    """There is none here; everything else of a job stays."""
    job = {"job_name": "worker", "dns_sd_configs": [{"names": ["worker"], "type": "A", "port": 8081}]}
    found = read(
        faster_configuration(yaml.safe_dump({"global": {"scrape_interval": "15s"}, "scrape_configs": [job]}), 5)
    )
    assert found["global"] == {"scrape_interval": "3000ms", "scrape_timeout": "3000ms"}
    assert found["scrape_configs"] == [{"job_name": "worker", "static_configs": [{"targets": ["worker:8081"]}]}]
