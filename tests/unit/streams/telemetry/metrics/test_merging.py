"""The metrics of several processes in one scrape."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse_plain

from streams.telemetry.metrics.exposition import Exposition
from streams.telemetry.metrics.merging import merge

disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no annotations

ODD = 'say "# HELP no" \\ \n# HELP twice no'
"""A value that looks like the beginning of a metric."""
PARSERS: dict[str, Any] = {"": parse_plain, "application/openmetrics-text": parse_open}


def written(process: str, accept: str, more: bool = False) -> str:
    """What one process writes."""
    registry = CollectorRegistry()
    calls = Counter("calls", "Calls\nof all.", ("what",), registry=registry)
    calls.labels(ODD).inc(int(process or 7))
    seconds = Histogram("seconds", "Seconds.", buckets=(1.0,), registry=registry)
    seconds.observe(0.5, {"trace_id": "ab"})
    if more:
        Counter("only_here", "Only here.", registry=registry).inc()
    return Exposition(registry, {"process": process} if process else None).write(accept)[0].decode()


@pytest.mark.parametrize("accept", PARSERS)
def test_every_line_of_each_process_is_there_once_under_one_heading(accept: str) -> None:
    """In both formats, as their own parsers read them."""
    texts = [written("", accept), written("0", accept), written("1", accept, more=True)]
    families = list(PARSERS[accept](merge(texts)))
    names = [one.name for one in families]
    assert len(names) == len(set(names))
    alone = [sample for text in texts for family in PARSERS[accept](text) for sample in family.samples]
    together = [sample for family in families for sample in family.samples]
    key = repr
    assert sorted(together, key=key) == sorted(alone, key=key)
    calls = {one.labels.get("process"): one.value for one in together if one.name == "calls_total"}
    assert calls == {None: 7.0, "0": 0.0, "1": 1.0}


def test_nothing_comes_of_nothing() -> None:
    """All processes may be silent at once."""
    assert merge([]) == ""
    assert merge(["", ""]) == ""
