"""How fairly connections share one Lofty budget: whose leads were read, by the Lofty sandbox's ledger.

All connections have the one team, its one key and its one limit. One of them has far more to read, and has it first.
Shares are counted while all are busy: from the last one's first read to the first one's last.

    python -m tests.bench.shared BOOTSTRAP [--quick]
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from typing import Any

from tests.bench.offered import FrontDoor
from tests.bench.town import Plan, Town, run, town
from tests.bench.windows import use

MINUTE = 60.0
"""Lofty's window. It is not scaled: the worker knows it as such."""

GREEDY = 5
"""The first connection has so many times as much to read as each other."""

HEAD_START = 0.02
"""The part of a window's requests that the greedy one alone is seen to have spent before the others come."""


async def shared(bootstrap: str, connections: int, limit: int, each: int) -> dict[str, Any]:
    """`each` leads of every modest connection are announced after those of the greedy one."""
    plan = Plan(
        pairs=connections,
        leads=each * (connections - 1 + GREEDY),
        lofty_limit=limit,
        shares_lofty=True,
    )
    async with town(bootstrap, plan) as on:
        owners = _owners(on, each)
        async with FrontDoor(on) as door:
            for lead, owner in owners.items():
                if owner == "pair0":
                    door.announce(owner, lead)
            await door.flush()
            while len(await _reads(on, owners)) < HEAD_START * limit:
                await asyncio.sleep(0.05)
            for lead, owner in owners.items():
                if owner != "pair0":
                    door.announce(owner, lead)
        await _until_read(on, set(owners) - {lead for lead, owner in owners.items() if owner == "pair0"})
        reads = await _reads(on, owners)
        first = {owner: min(at for at, one in reads if one == owner) for owner in set(owners.values())}
        last = {owner: max(at for at, one in reads if one == owner) for owner in set(owners.values())}
        since, until = max(first.values()), min(last.values())
        counts = Counter(owner for at, owner in reads if since <= at <= until)
        fair = sum(counts.values()) / connections
        rows = await on.ledger(on.lofty)
        windows = use([row for row in rows if row["budget"] == plan.team(0)], limit, MINUTE, since, until)
        return {
            "connections": connections,
            "limit_per_minute": limit,
            "busy_seconds": until - since,
            "reads_while_busy": sum(counts.values()),
            "greedy_share_of_fair": counts["pair0"] / fair,
            "least_share_of_fair": min(counts[owner] for owner in first) / fair,
            "most_share_of_fair": max(counts.values()) / fair,
            "status_429": windows.throttled,
        }


def _owners(on: Town, each: int) -> dict[str, str]:
    """Which connection asks for which lead. All leads are in the one team, so any of them could."""
    leads = iter([lead for _, lead in on.leads])
    owners = {next(leads): "pair0" for _ in range(each * GREEDY)}
    for number in range(1, on.plan.pairs):
        owners |= {next(leads): f"pair{number}" for _ in range(each)}
    return owners


async def _reads(on: Town, owners: dict[str, str]) -> list[tuple[float, str]]:
    rows = await on.ledger(on.lofty)
    return [(row["at"], owners[row["entity"]]) for row in rows if row["operation"] == "get-lead"]


async def _until_read(on: Town, leads: set[str]) -> None:
    async with asyncio.timeout(900):
        while not leads <= {row["entity"] for row in await on.ledger(on.lofty)}:
            await asyncio.sleep(1.0)


if __name__ == "__main__":
    size = (4, 240, 80) if "--quick" in sys.argv else (10, 3000, 900)
    run(shared(sys.argv[1], *size))
