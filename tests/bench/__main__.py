"""`make bench`: every figure of this folder's README, on a real Kafka of its own (or `KAFKA_BOOTSTRAP_SERVERS`).

Each measurement is a process of its own; what is compared alternates in one run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from statistics import median
from typing import Any

from tests.kafka.real import real_kafka

ROUNDS = 4


def main() -> None:
    """Measure and print."""
    with real_kafka(os.environ) as broker:
        print(f"broker: {broker.origin}; cores: {os.cpu_count()}")
        _dedupe(broker.bootstrap)
        _print("contact syncs", run("whole_path", "syncs", broker.bootstrap, "6000"))
        _print("latency at light load", run("whole_path", "latency", broker.bootstrap))
        _print("a linked entity", run("memory", broker.bootstrap, "100000"))


def run(module: str, *arguments: str) -> dict[str, Any]:
    """One measurement."""
    command = [sys.executable, "-m", f"tests.bench.{module}", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _dedupe(bootstrap: str) -> None:
    rates: dict[str, list[float]] = {"empty": [], "dedupe": []}
    for _ in range(ROUNDS):
        for kind in rates:
            rates[kind].append(run("dedupe_stage", kind, bootstrap, "40000")["rate"])
    empty, stage = rates["empty"], rates["dedupe"]
    pairs = sorted(one / other for one, other in zip(stage, empty, strict=True))
    _print(
        "dedupe against an empty agent",
        {
            "empty_per_second": median(empty),
            "dedupe_per_second": median(stage),
            "ratio_median": median(pairs),
            "ratio_least": pairs[0],
            "ratio_most": pairs[-1],
            "noise_empty_against_itself": f"{min(empty) / median(empty):.2f} to {max(empty) / median(empty):.2f}",
        },
    )


def _print(name: str, figures: dict[str, Any]) -> None:
    print(f"\n{name}")
    for key, value in figures.items():
        print(f"  {key:<32} {value:.2f}" if isinstance(value, float) else f"  {key:<32} {value}", flush=True)


if __name__ == "__main__":
    main()
