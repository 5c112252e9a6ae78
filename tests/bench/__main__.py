"""`make bench`: every figure of this folder's README, on a real Kafka of its own (or `KAFKA_BOOTSTRAP_SERVERS`).

Each measurement is a process of its own; what is compared alternates in one run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from typing import Any

from tests.bench.processes import can_limit
from tests.kafka.real import real_kafka

ROUNDS = 4


def main() -> None:
    """Measure and print: everything, or the measurements that are named. `--quick`: small sizes, to see that they run."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASUREMENTS))
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    if unknown := set(given.names) - MEASUREMENTS.keys():
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}; there are {', '.join(MEASUREMENTS)}")
    with real_kafka(os.environ) as broker:
        print(f"broker: {broker.origin}; cores: {os.cpu_count()}")
        for name in given.names or MEASUREMENTS:
            MEASUREMENTS[name](broker.bootstrap, given.quick)


def run(module: str, *arguments: str) -> dict[str, Any]:
    """One measurement."""
    command = [sys.executable, "-m", f"tests.bench.{module}", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _dedupe(bootstrap: str, quick: bool) -> None:
    rates: dict[str, list[float]] = {"empty": [], "dedupe": []}
    for _ in range(1 if quick else ROUNDS):
        for kind in rates:
            rates[kind].append(run("dedupe_stage", kind, bootstrap, "4000" if quick else "40000")["rate"])
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
        if isinstance(value, dict):
            _print(f"  {key}", value)
            continue
        print(f"  {key:<32} {value:.2f}" if isinstance(value, float) else f"  {key:<32} {value}", flush=True)


def _syncs(bootstrap: str, quick: bool) -> None:
    _print("contact syncs", run("whole_path", "syncs", bootstrap, "400" if quick else "6000"))


def _processes(bootstrap: str, quick: bool) -> None:
    leads, shares = ("480" if quick else "3600"), ("0", "0.35") if can_limit() else ("0",)
    for share in shares:
        found: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
        for turn in range(1 if quick else 3):
            for count in (1, 2) if turn % 2 == 0 else (2, 1):
                found[count].append(run("processes", str(count), bootstrap, leads, share))
        rates = {count: median(one["syncs_per_second"] for one in those) for count, those in found.items()}
        held = f", each worker process held to {share} of a core" if float(share) else ""
        _print(
            f"contact syncs by one process and by two{held}",
            {
                "one_per_second": rates[1],
                "two_per_second": rates[2],
                "ratio": rates[2] / rates[1],
                "all_of_one": ", ".join(f"{one['syncs_per_second']:.0f}" for one in found[1]),
                "all_of_two": ", ".join(f"{one['syncs_per_second']:.0f}" for one in found[2]),
                "cores_used_with_one": found[1][-1]["cores_used"],
                "cores_used_with_two": found[2][-1]["cores_used"],
                "memory_mb_of_one": found[1][-1]["memory_mb"],
                "memory_mb_of_two": found[2][-1]["memory_mb"],
            },
        )


def _latency(bootstrap: str, quick: bool) -> None:
    _print("latency at light load", run("whole_path", "latency", bootstrap))


def _memory(bootstrap: str, quick: bool) -> None:
    _print("a linked entity", run("memory", bootstrap, "5000" if quick else "100000"))


def _growing(bootstrap: str, quick: bool) -> None:
    _print("more partitions", run("growing", bootstrap, "2000" if quick else "100000"))


def _restart(bootstrap: str, quick: bool) -> None:
    _print("restart with a million links", run("restart", bootstrap, "20000" if quick else "1000000"))


def _limits(bootstrap: str, quick: bool) -> None:
    size = ["--quick"] if quick else []
    _print("windows, the whole pipeline in slow motion", run("limits", bootstrap, *size))
    _print("windows, the dispatcher alone in real time", run("dispatch_alone", *size))


def _neighbours(bootstrap: str, quick: bool) -> None:
    _print("bad neighbours", run("neighbours", bootstrap, *(["--quick"] if quick else [])))


def _shared(bootstrap: str, quick: bool) -> None:
    _print("a shared Lofty budget", run("shared", bootstrap, *(["--quick"] if quick else [])))


def _quiet_nights(bootstrap: str, quick: bool) -> None:
    _print("Lofty's requests a lead, nights of quiet leads", run("quiet_nights", "500" if quick else "10000", "6"))


def _coalescing(bootstrap: str, quick: bool) -> None:
    size = ["--quick"] if quick else []
    _print("calls per change, a busy day", run("coalescing", bootstrap, *size))
    _print("calls per change, a calm day", run("coalescing", bootstrap, "--calm", *size))


def _intake(bootstrap: str, quick: bool) -> None:
    found: dict[str, list[dict[str, Any]]] = {"bare": [], "gateway": []}
    for _ in range(1 if quick else ROUNDS):
        for kind in found:
            found[kind].append(run("intake_stage", kind, bootstrap, "2000" if quick else "12000"))
    bare, ours = ([one["rate"] for one in found[kind]] for kind in found)
    _print(
        "signed webhooks of GHL, acknowledged by Kafka before the answer",
        {
            "gateway_per_second": median(ours),
            "gateway_least_and_most": f"{min(ours):.0f} to {max(ours):.0f}",
            "bare_handler_per_second": median(bare),
            "ratio_median": median(one / other for one, other in zip(ours, bare, strict=True)),
            "noise_bare_against_itself": f"{min(bare) / median(bare):.2f} to {max(bare) / median(bare):.2f}",
            "gateway_p50_ms_at_half": median(one["half_p50_ms"] for one in found["gateway"]),
            "gateway_p99_ms_at_half": median(one["half_p99_ms"] for one in found["gateway"]),
            "bare_p99_ms_at_half": median(one["half_p99_ms"] for one in found["bare"]),
            "burst_of_5000_items_seconds": median(one["burst_seconds"] for one in found["gateway"]),
        },
    )


def _explain(bootstrap: str, quick: bool) -> None:
    _print("explain, one among a million", run("explain", bootstrap, "5000" if quick else "1000000"))


def _replay(bootstrap: str, quick: bool) -> None:
    _print(
        "a replay's dry run, and a replay of what is as it should be",
        run("replay", bootstrap, "4000" if quick else "100000"),
    )


def _observing(bootstrap: str, quick: bool) -> None:
    found: dict[str, list[dict[str, Any]]] = {"not at all": [], "fully": []}
    for number in range(1 if quick else ROUNDS):
        # Whoever is first meets a machine in another state: each is first in every other round.
        for watched in list(found) if number % 2 else reversed(list(found)):
            found[watched].append(run("observing", "load", bootstrap, "400" if quick else "3000", watched))
    blind, seen = ([one["processor_ms_per_contact"] for one in found[kind]] for kind in found)
    rates = {kind: median(one["syncs_per_second"] for one in found[kind]) for kind in found}
    _print(
        "what metrics and logs cost",
        {
            "processor_ms_per_contact_without": median(blind),
            "processor_ms_per_contact_with": median(seen),
            "cost_by_processor_time_percent": 100 * (median(seen) / median(blind) - 1),
            "cost_by_throughput_percent": 100 * (1 - rates["fully"] / rates["not at all"]),
            "syncs_per_second_without": rates["not at all"],
            "syncs_per_second_with": rates["fully"],
            "noise_without_against_itself": f"{min(blind) / median(blind):.3f} to {max(blind) / median(blind):.3f}",
        },
    )
    _print("a scrape", run("observing", "scrape", bootstrap, "20" if quick else "200"))


def _budgets(bootstrap: str, quick: bool) -> None:
    sizes = (10, 100) if quick else (10, 100, 300, 1000, 3000)
    for kind in ("core", "full", "loop"):
        found = {f"ms_per_item_{size}": run("many_budgets", kind, str(size))["ms_per_item"] for size in sizes}
        _print(f"many budgets, {kind}", found)
    for connections in (8, 20) if quick else (8, 1000):
        leads = "200" if quick else "6000"
        _print("many connections", run("many_budgets", "pipeline", bootstrap, str(connections), leads))


def _scale(bootstrap: str, quick: bool) -> None:
    for connections in (3, 10) if quick else (10, 100, 300, 1000):
        for metrics in ("all", "needing_attention"):
            found = run("scale", bootstrap, str(connections), "5" if quick else "30", metrics)
            _print(f"one deployment with {connections} connections, metrics of {metrics}", found)


def _connections(bootstrap: str, quick: bool) -> None:
    size = ("8", "5") if quick else ("200", "60")
    _print("many connections by a table, while others go on", run("connections", "live", bootstrap, *size))
    size = ("8", "200") if quick else ("200", "100000")
    _print("the console with them", run("connections", "console", bootstrap, *size))


def _command_line(bootstrap: str, quick: bool) -> None:
    _print("the command line", run("command_line", bootstrap, "1" if quick else "7"))


def _requests(bootstrap: str, quick: bool) -> None:
    _print(
        "requests to the vendors", run("vendor_requests", *(("60", "300", "40") if quick else ("1000", "10000", "400")))
    )


def _opt_outs(bootstrap: str, quick: bool) -> None:
    _print("opt-outs from side to side", run("opt_outs", bootstrap, *(("10", "40") if quick else ("300", "2000"))))


def _conflicts(bootstrap: str, quick: bool) -> None:
    _print("the list of conflicts", run("conflicts", bootstrap, "4000" if quick else "200000", "100"))


MEASUREMENTS: dict[str, Callable[[str, bool], None]] = {
    "dedupe": _dedupe,
    "syncs": _syncs,
    "processes": _processes,
    "latency": _latency,
    "memory": _memory,
    "limits": _limits,
    "neighbours": _neighbours,
    "shared": _shared,
    "coalescing": _coalescing,
    "requests": _requests,
    "quiet_nights": _quiet_nights,
    "opt_outs": _opt_outs,
    "conflicts": _conflicts,
    "restart": _restart,
    "growing": _growing,
    "budgets": _budgets,
    "connections": _connections,
    "scale": _scale,
    "intake": _intake,
    "replay": _replay,
    "observing": _observing,
    "explain": _explain,
    "command_line": _command_line,
}

if __name__ == "__main__":
    main()
