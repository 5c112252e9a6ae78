"""Vendor calls per change on a day of bursts, through the gateway, against one read and one write for each ping.

The day is `day.py`'s, its hours shortened, its bursts in real time; both vendors have their own limits and answer in 0.1 s.
At its peaks a team edits more than its Lofty key may be asked: then what waits is gathered.
`--calm` plays it so slowly that nothing waits: the other end of the range. Lofty allows 1.2 times what the pings of the day ask for,
were each of them to be a read. `--settle MODE` sets `worker.settle`.

    python -m tests.bench.coalescing BOOTSTRAP [--quick] [--half] [--calm] [--settle off|adaptive|always]
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from statistics import median
from typing import Any

from connectors.auth.request_auth import StaticAuth
from connectors.http.transport import AiohttpTransport
from connectors.lofty.client import LoftyClient
from connectors.sandbox.lofty.people import STAGES, TAGS
from tests.bench.day import Day, Edit, play
from tests.bench.limits import create_all, freshness
from tests.bench.town import SECRET, Plan, Town, run, town

LISTS = (2, 9, 10, 12)
"""What is subscribed: leads, notes, tasks, stages. No edit of the day concerns another list."""

LATENCY_SECONDS = 0.1


PINGS_PER_EDIT = {"stage": 2}
"""An edit of a stage is in two of the subscribed lists."""

SPARE = 1.2
"""So many times what the pings ask for does Lofty allow."""


async def coalescing(
    bootstrap: str, teams: int, leads: int, bursts: int, seconds: float, settle: str = "adaptive"
) -> dict[str, Any]:
    """Play the day, and count at both vendors what was asked for it."""
    edits = play(Day(bursts=bursts), teams=teams, leads=leads, seconds=seconds)
    asked = sum(PINGS_PER_EDIT.get(one.what, 1) for one in edits)
    plan = Plan(
        pairs=teams,
        leads=teams * leads,
        ghl_limit=100,
        ghl_latency_seconds=LATENCY_SECONDS,
        lofty_limit=max(60, round(SPARE * asked / teams * 60 / seconds)),
        lofty_latency_seconds=LATENCY_SECONDS,
        in_flight_per_lofty_budget=4,
        settle=settle,
    )
    async with town(bootstrap, plan) as on:
        await create_all(on)
        await _subscribe(on)
        # Lofty's windows of what was created pass by: only the day itself is measured.
        await on.until_still(61.0, most=180)
        before = {vendor: await _calls(on, vendor) for vendor in (on.lofty, on.ghl)}
        told = (await on.get(f"{on.lofty}/_sandbox/stats"))["pings"]["told"]
        began = time.time()
        late = await _Desks(on, leads).play(edits)
        await on.until_still(10.0, most=600)
        after = {vendor: await _calls(on, vendor) for vendor in (on.lofty, on.ghl)}
        reads = after[on.lofty] - before[on.lofty]
        writes = after[on.ghl] - before[on.ghl]
        pings = (await on.get(f"{on.lofty}/_sandbox/stats"))["pings"]["told"] - told
        calls = reads.total() + writes.total()
        receipts = await on.applied(1000 * began)
        waits = [one.at_ms - one.accepted_ms for one in receipts if one.accepted_ms is not None]
        return {
            "teams": teams,
            "settle": settle,
            "lofty_requests_a_minute": plan.lofty_limit,
            "edits": len(edits),
            "edits_late_by_median_ms": 1000 * late,
            "pings": pings,
            "reads": dict(reads),
            "writes": dict(writes),
            "calls_per_edit": calls / len(edits),
            "calls_per_ping": calls / pings,
            "one_read_and_one_write_per_ping": 2.0,
            "spared": 1 - calls / (2 * pings),
            **freshness(waits),
            "throttled": [(await on.get(f"{at}/_sandbox/stats"))["throttled"] for at in (on.lofty, on.ghl)],
            "missing": await _missing(on),
        }


class _Desks:
    """Every team's agents. `play` returns by how much the median edit was late, in seconds."""

    def __init__(self, on: Town, leads: int) -> None:
        self._on = on
        self._leads = leads
        self._tasks: dict[tuple[int, int], list[str]] = {}

    async def play(self, edits: list[Edit]) -> float:
        """Make every edit at its time, those of one lead one after another."""
        began, late, last = time.monotonic(), list[float](), dict[tuple[int, int], asyncio.Task[None]]()
        for one in edits:
            await asyncio.sleep(max(0.0, one.at - (time.monotonic() - began)))
            late.append(time.monotonic() - began - one.at)
            desk = (one.team, one.lead)
            last[desk] = asyncio.create_task(self._edit(one, last.get(desk)))
        await asyncio.gather(*last.values())
        return median(late)

    async def _edit(self, one: Edit, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await before
        _, lead = self._on.leads[one.team * self._leads + one.lead]
        tasks = self._tasks.setdefault((one.team, one.lead), [])
        match one.what:
            case "note":
                await self._ask("POST", "notes", one, {"leadId": lead, "content": f"Called, note {one.number}."})
            case "finish task" if tasks:
                await self._ask("POST", f"tasks/{tasks.pop()}/finish", one, {})
            case "task" | "finish task":
                task = {"leadId": lead, "type": "Call", "content": f"Call back {one.number}"}
                tasks.append(str((await self._ask("POST", "tasks", one, task))["id"]))
            case "stage":
                await self._ask("PATCH", f"leads/{lead}", one, {"stage": STAGES[one.number % len(STAGES)]})
            case "tags":
                place = one.number % len(TAGS)
                await self._ask("PATCH", f"leads/{lead}", one, {"tags": [TAGS[place], TAGS[place - 3]]})
            case "phone":
                number = f"+1{200 + one.number % 700}5550{one.number % 100 + 100}"
                await self._ask("PATCH", f"leads/{lead}", one, {"phones": [number]})

    async def _ask(self, method: str, path: str, one: Edit, body: dict[str, Any]) -> dict[str, Any]:
        url, team = f"{self._on.lofty}/_sandbox/{path}", {"team": self._on.plan.team(one.team)}
        async with self._on.http.request(method, url, json=body, params=team) as answer:
            answer.raise_for_status()
            found: dict[str, Any] = await answer.json()
            return found


async def _subscribe(on: Town) -> None:
    async with AiohttpTransport() as transport:
        for number in range(on.plan.pairs):
            client = LoftyClient(transport, StaticAuth("token", on.plan.key(number)), base_url=on.lofty)
            for list_id in LISTS:
                await client.create_subscription(list_id, f"{on.gateway}/lofty/{SECRET}-{number}")


async def _calls(on: Town, vendor: str) -> Counter[str]:
    """How often each operation was asked for, so far."""
    operations = (await on.get(f"{vendor}/_sandbox/stats"))["operations"]
    return Counter({name: sum(by_status.values()) for name, by_status in operations.items()})


async def _missing(on: Town) -> int:
    """How many notes and tasks of Lofty are missing in GHL: coalescing must not lose any."""
    missing = 0
    for number in range(on.plan.pairs):
        leads = (await on.get(f"{on.lofty}/_sandbox/leads", team=on.plan.team(number)))["leads"]
        contacts = (await on.get(f"{on.ghl}/_sandbox/contacts", location=f"loc{number}"))["contacts"]
        for kind in ("notes", "tasks"):
            missing += sum(len(one[kind]) for one in leads) - sum(len(one[kind]) for one in contacts)
    return missing


if __name__ == "__main__":
    size = (3, 40, 30, 90.0) if "--quick" in sys.argv else (8, 100, 300, 600.0)
    if "--half" in sys.argv:
        size = (4, 100, 150, 300.0)
    mode = sys.argv[sys.argv.index("--settle") + 1] if "--settle" in sys.argv else "adaptive"
    if "--calm" in sys.argv:
        size = (size[0], size[1], size[2] // 10, size[3])
    run(coalescing(sys.argv[1], *size, mode))
