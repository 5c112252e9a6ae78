"""How long an opt-out takes from one side to the other by webhook, with GHL's and Lofty's real limits and a backfill beside it.

Opt-outs come at a steady rate on both sides at once, each of another person. The time is from the
moment at which one sandbox has it to the moment at which the other has it. `alone` is the noise floor: one at a time, nothing
beside it. `late_looks` is how late the measuring loop itself was.

    python -m tests.bench.opt_outs OPT_OUTS BACKFILL
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from connectors.sandbox.ghl.people import act
from connectors.sandbox.lofty import agent_activity as desk_work
from streams.demo.percentiles import percentile
from streams.mapping.opt_outs import closed_in_ghl, closed_in_lofty
from streams.messages import BackfillOrder
from streams.messages.partitioning import lofty_budget, partition_of
from streams.messages.topics import SWEEPS
from tests.integration.stage import LOCATION, PARTITIONS, TEAM, Stage, stage
from tests.kafka.broker import real_broker

NEVER = "[connections.acme.sweep]\nnew_minutes = 0\nfull_hours = 0\nopt_outs_minutes = 0\nchildren = false"
GHL_LIMIT, LOFTY_LIMIT = 100, 500
"""Requests in ten seconds and in a minute, as both vendors have it."""
PER_SECOND = 2.0
"""Opt-outs on each side."""
LOOK_SECONDS = 0.02
ALONE = 20

Side = Literal["to_ghl", "to_lofty"]


class Watched:
    """The opt-outs that are on their way, and the seconds that each took."""

    def __init__(self, on: Stage) -> None:
        self.on = on
        self.contacts = {lead: contact["id"] for lead, contact in on.contacts().items()}
        self.waiting: dict[tuple[Side, str], tuple[float, Callable[[], bool]]] = {}
        self.seconds: dict[Side, list[float]] = {"to_ghl": [], "to_lofty": []}
        self.late: list[float] = []

    def in_lofty(self, lead: str) -> None:
        """A lead opts out in Lofty."""
        contact = self.on.ghl.location(LOCATION).contacts[self.contacts[lead]]
        self.on.edit("update", "lead", id=int(lead), fields={"cannotText": True})
        self.waiting["to_ghl", lead] = (time.monotonic(), lambda: "SMS" in closed_in_ghl(contact.fields))

    def in_ghl(self, lead: str) -> None:
        """A contact is set to DND in GHL."""
        record = desk_work.team_of(self.on.lofty, TEAM).records["lead"][int(lead)]
        body = {"dndSettings": {"SMS": {"status": "active", "message": "by hand", "code": "1"}}}
        ids = {"contactId": self.contacts[lead]}
        act(self.on.ghl, {"do": "update-contact", "location": LOCATION, "ids": ids, "body": body})
        self.waiting["to_lofty", lead] = (time.monotonic(), lambda: "SMS" in closed_in_lofty(record.fields))

    async def look(self) -> None:
        """Look again and again, without end."""
        while True:
            before = time.monotonic()
            for key, (since, has_arrived) in list(self.waiting.items()):
                if has_arrived():
                    del self.waiting[key]
                    self.seconds[key[0]].append(time.monotonic() - since)
            await asyncio.sleep(LOOK_SECONDS)
            self.late.append(time.monotonic() - before - LOOK_SECONDS)

    def figures(self) -> dict[str, Any]:
        """What was measured since the last time."""
        found = {side: _cuts(seconds) for side, seconds in self.seconds.items()}
        found["late_looks"] = _cuts(self.late)
        self.seconds, self.late = {"to_ghl": [], "to_lofty": []}, []
        return found


async def measure(bootstrap: str, opt_outs: int, backfill: int) -> dict[str, Any]:
    """Alone, then under load."""
    limits: dict[str, Any] = {"ghl_limit": GHL_LIMIT, "lofty_limit": LOFTY_LIMIT}
    boxes: dict[str, Any] = {"ghl": {"window_limit": GHL_LIMIT}, "lofty": {"window_limit": LOFTY_LIMIT}}
    with tempfile.TemporaryDirectory(prefix="lofty-ghl-bench-") as folder:
        async with stage(real_broker(bootstrap, "the bench's"), Path(folder), more=NEVER, **limits, **boxes) as on:
            leads = [on.new_lead(firstName=f"Lead{number}") for number in range(2 * (opt_outs + ALONE))]
            await on.until(lambda: len(on.ghl.location(LOCATION).contacts) == len(leads), 1800)
            await on.until_quiet(1800)
            watched = Watched(on)
            looking = asyncio.create_task(watched.look())
            try:
                for lead in leads[: 2 * ALONE]:
                    (watched.in_lofty if len(watched.seconds["to_ghl"]) < ALONE else watched.in_ghl)(lead)
                    await on.until(lambda: not watched.waiting, 120)
                    await on.until_quiet(120)
                alone = watched.figures()
                for _ in range(backfill):
                    fields = {"firstName": "New", "emails": [f"new.{os.urandom(6).hex()}@example.com"]}
                    on.edit_silently("create", "lead", fields=fields)
                await _order_backfill(on)
                begun = len(on.ghl.location(LOCATION).contacts)
                for lofty_side, ghl_side in zip(leads[2 * ALONE :: 2], leads[2 * ALONE + 1 :: 2], strict=True):
                    watched.in_lofty(lofty_side)
                    watched.in_ghl(ghl_side)
                    await asyncio.sleep(1 / PER_SECOND)
                await on.until(lambda: not watched.waiting, 1800)
                written = len(on.ghl.location(LOCATION).contacts) - begun
                loaded = watched.figures()
            finally:
                looking.cancel()
    return {"opt_outs_on_each_side": opt_outs, "backfilled_meanwhile": written, "alone": alone, "loaded": loaded}


async def _order_backfill(on: Stage) -> None:
    order: Any = BackfillOrder(connection="acme", id="first", at_ms=0)
    await on.produce(SWEEPS, b"acme", order.to_bytes(), at=partition_of(lofty_budget("acme"), PARTITIONS))


def _cuts(seconds: list[float]) -> dict[str, float]:
    p50, p99 = (percentile(seconds, percent) for percent in (50, 99))
    return {"p50_s": p50, "p99_s": p99, "max_s": max(seconds), "count": float(len(seconds))}


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    print(json.dumps(asyncio.run(measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))
