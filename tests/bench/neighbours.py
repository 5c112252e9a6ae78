"""What a bad neighbour costs: one location answers nothing but 429, another does the work and never answers.

The same town, the same steady edits, four phases in turn: all well, two bad, all well, two others bad.
The freshness of all those that are never bad is compared; the two phases in which all is well say how much is noise.

    python -m tests.bench.neighbours BOOTSTRAP [--quick]
"""

from __future__ import annotations

import sys
import time
from typing import Any

from tests.bench.limits import create_all, freshness, plan_of
from tests.bench.offered import Agents, FrontDoor
from tests.bench.town import Town, run, town

NEVER_SECONDS = 3600.0
BAD = {"one bad pair": (0, 1), "another bad pair": (2, 3)}
"""Pair numbers: the first of each throttles, the second hangs."""


async def neighbours(bootstrap: str, locations: int, per_second: float, seconds: float) -> dict[str, Any]:
    """Freshness of the good in each phase. `per_second` edits are made in the whole town."""
    async with town(bootstrap, plan_of(locations, 1.0, leads_each=20)) as on:
        await create_all(on)
        agents = Agents(on)
        first = await _phase(on, agents, per_second, seconds)
        bad = await _phase_with(on, agents, per_second, seconds, *BAD["one bad pair"])
        second = await _phase(on, agents, per_second, seconds)
        other_bad = await _phase_with(on, agents, per_second, seconds, *BAD["another bad pair"])
        stats = await on.get(f"{on.ghl}/_sandbox/stats")
        return {
            "locations": locations,
            "offered_per_second": per_second,
            "well": first,
            "bad": bad,
            "well_again": second,
            "bad_again": other_bad,
            "noise_p50": second["p50_ms"] / first["p50_ms"] - 1,
            "noise_p95": second["p95_ms"] / first["p95_ms"] - 1,
            "cost_p50": (bad["p50_ms"] + other_bad["p50_ms"]) / (first["p50_ms"] + second["p50_ms"]) - 1,
            "cost_p95": (bad["p95_ms"] + other_bad["p95_ms"]) / (first["p95_ms"] + second["p95_ms"]) - 1,
            "answered_429": stats["throttled"],
            "never_answered": sum(by_status.get("none", 0) for by_status in stats["operations"].values()),
        }


async def _phase_with(
    on: Town, agents: Agents, per_second: float, seconds: float, throttles: int, hangs: int
) -> dict[str, Any]:
    faults = [
        {"kind": "status", "status": 429, "budget": f"loc{throttles}"},
        {"kind": "timeout_after_apply", "seconds": NEVER_SECONDS, "budget": f"loc{hangs}"},
    ]
    await on.post(f"{on.ghl}/_sandbox/faults", {"faults": faults})
    found = await _phase(on, agents, per_second, seconds)
    async with on.http.delete(f"{on.ghl}/_sandbox/faults") as answer:
        answer.raise_for_status()
    return found


async def _phase(on: Town, agents: Agents, per_second: float, seconds: float) -> dict[str, Any]:
    bad = [number for pair in BAD.values() for number in pair]
    began_ms = 1000 * time.time()
    async with FrontDoor(on) as door:
        await agents.work(per_second / on.plan.pairs, seconds, door.announce, door.flush)
    await on.until_still(2.0, but={f"loc{number}" for number in bad})
    names = {f"pair{number}" for number in bad}
    receipts = [one for one in await on.applied(began_ms) if one.connection not in names]
    accepted = ((one.at_ms, one.accepted_ms) for one in receipts if one.accepted_ms is not None)
    return freshness([at_ms - accepted_ms for at_ms, accepted_ms in accepted if accepted_ms >= began_ms])


if __name__ == "__main__":
    size = (6, 20.0, 12.0) if "--quick" in sys.argv else (50, 60.0, 45.0)
    run(neighbours(sys.argv[1], *size))
