"""How far 50 locations' windows are used by one worker, and by a plain client at the same offered load.

Time runs slower than at the vendors: GHL's window of 10 seconds and its answers take `scale` times as long. So 50 locations
ask what this machine can do, and a window loses the same part of itself to an answer's way.
What the worker itself takes is not slower: at a scale of 4 it weighs a quarter of what it would.

Agents edit leads so fast that every location has more to write than its window takes (`OFFERED` times as much).
After one window to warm up, whole windows are counted in the sandbox's ledger, by the vendor's own arithmetic.

    python -m tests.bench.limits BOOTSTRAP [--quick] [--locations 50] [--scale 4]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from streams.demo.percentiles import percentile
from tests.bench.offered import Agents, FrontDoor
from tests.bench.plain_client import PlainClient
from tests.bench.town import Plan, Town, run, town
from tests.bench.windows import Use, summary, use

LIMIT = 100
WINDOW_SECONDS = 10.0
LATENCY_SECONDS = 0.1
OFFERED = 1.3
LEADS_EACH = 60
"""Leads of a location. An edit of a lead that still waits is one write with it, so this bounds what waits."""


def plan_of(locations: int, scale: float, leads_each: int = LEADS_EACH) -> Plan:
    """GHL in slow motion; Lofty answers as slowly, and has no limit here."""
    return Plan(
        pairs=locations,
        leads=locations * leads_each,
        ghl_latency_seconds=LATENCY_SECONDS * scale,
        ghl_limit=LIMIT,
        ghl_window_seconds=WINDOW_SECONDS * scale,
        lofty_latency_seconds=LATENCY_SECONDS * scale,
    )


async def limits(bootstrap: str, locations: int, scale: float, windows: int) -> dict[str, Any]:
    """Our worker, then the plain client, on the same town."""
    plan = plan_of(locations, scale)
    window = plan.ghl_window_seconds
    seconds = window * (windows + 1) + 1.0
    per_second = OFFERED * LIMIT / window
    async with town(bootstrap, plan) as on:
        await create_all(on)
        agents = Agents(on)
        found: dict[str, Any] = {"locations": locations, "window_seconds": window, "offered_per_second": per_second}

        began = time.time()
        async with FrontDoor(on) as door:
            offered = await agents.work(per_second, seconds, door.announce, door.flush)
        ended = time.time()
        receipts = await on.applied(since_ms=began * 1000)
        waits = [one.at_ms - one.accepted_ms for one in receipts if one.accepted_ms and one.at_ms < ended * 1000]
        found["worker"] = {
            "offered": offered,
            **summary(await uses(on, began + window, ended)),
            **freshness(waits),
        }
        await on.until_still(2.0, most=20 * window)

        began = time.time()
        async with PlainClient(on) as client:
            offered = await agents.work(per_second, seconds, client.ping, nothing_to_flush)
            ended = time.time()
            found["plain_client"] = {
                "offered": offered,
                **summary(await uses(on, began + window, ended)),
                **freshness([wait for _, wait in client.carried]),
                "waiting_at_the_end": client.waiting,
                "refused": dict(client.refused),
            }
        return found


async def create_all(on: Town) -> None:
    """Let the worker create every lead's contact, and all custom fields, before anything is measured."""
    async with FrontDoor(on) as door:
        for connection, lead in on.leads:
            door.announce(connection, lead)
    await on.settled(len(on.leads), most=600)
    # The windows of what was created pass by.
    await on.until_still(on.plan.ghl_window_seconds + 1.0, most=600)


async def uses(on: Town, since: float, until: float) -> list[Use]:
    """The use of each location's windows, by the whole ledger: where a window ends depends on where all before it began."""
    by_location: dict[str, list[Mapping[str, Any]]] = {f"loc{n}": [] for n in range(on.plan.pairs)}
    for row in await on.ledger(on.ghl):
        by_location[row["budget"]].append(row)
    return [use(rows, on.plan.ghl_limit, on.plan.ghl_window_seconds, since, until) for rows in by_location.values()]


async def nothing_to_flush() -> None:
    """The plain client learns of each change at once."""


def freshness(waits_ms: Sequence[float]) -> dict[str, Any]:
    """From the acceptance of a change to GHL's 2xx."""
    return {"carried": len(waits_ms), "p50_ms": percentile(waits_ms, 50), "p95_ms": percentile(waits_ms, 95)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("bootstrap")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--locations", type=int)
    parser.add_argument("--scale", type=float)
    given = parser.parse_args(sys.argv[1:])
    size = (5, 0.5, 3) if given.quick else (50, 4.0, 3)
    run(limits(given.bootstrap, given.locations or size[0], given.scale or size[1], size[2]))
