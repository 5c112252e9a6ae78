"""`connection_metrics = "needing_attention"`: a scrape names the connections that need somebody, and no others."""

from __future__ import annotations

from pathlib import Path

from connectors.sandbox.shared.faults import parse_fault
from streams.telemetry.metrics.exposition import Exposition
from streams.telemetry.metrics.folding import OTHERS
from tests.integration.stage import Stage, stage
from tests.kafka.broker import Broker


async def test_a_connection_has_metrics_of_its_own_once_something_is_parked(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """Before that it is among the others, whose sums have it; then it begins, and what is written later is its own."""
    async with stage(embedded_kafka, tmp_path, connection_metrics="needing_attention") as on:
        on.new_lead()
        await on.until_quiet()
        await on.until(lambda: _value(on, "links", OTHERS) == 1)
        well = _scrape(on)
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422, "times": 1}))
        on.new_lead()
        await on.until_quiet()
        await on.until(lambda: _value(on, "parked_open", "acme") == 1)
        on.new_lead()
        await on.until_quiet()
        await on.until(lambda: _value(on, "writes_total", "acme", 'step="create contact",outcome="applied"') == 1)
        links = _value(on, "links", "acme"), _value(on, "links", OTHERS)
        written = _value(on, "writes_total", OTHERS, 'step="create contact",outcome="applied"')

    named = [line for line in well if 'connection="acme"' in line]
    assert {line.partition("{")[0] for line in named} == {"lofty_ghl_sweeps_total", "lofty_ghl_left_out_total"}
    assert not [line for line in well if 'budget="' in line and OTHERS not in line]
    assert "lofty_ghl_connections_needing_attention 0.0" in well
    assert links[0] is not None
    assert links[0] >= 2
    assert links[1] is None
    assert written == 1


def _scrape(on: Stage) -> list[str]:
    return Exposition(on.worker.metrics.registry).write("")[0].decode().splitlines()


def _value(on: Stage, metric: str, connection: str, labels: str = "") -> float | None:
    """The sum of the series of a connection; None where there is none."""
    found = [
        float(line.rpartition(" ")[2])
        for line in _scrape(on)
        if line.startswith(f"lofty_ghl_{metric}{{") and f'connection="{connection}"' in line and _has(line, labels)
    ]
    return sum(found) if found else None


def _has(line: str, labels: str) -> bool:
    return all(label in line for label in labels.split(",") if label)
