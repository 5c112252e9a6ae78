"""What a nightly sweep of quiet leads asks Lofty for, by the sandbox's ledger: with rotation (`quiet_days` 7), and with a look at all each night.

The sweeper with its tables over Lofty's sandbox, without Kafka and sockets, so that a night takes seconds. Each lead has a note.

    python -m tests.bench.quiet_nights LEADS NIGHTS
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections import Counter
from dataclasses import replace
from statistics import median
from typing import Any

from tests.unit.streams.worker.dispatch.test_sweep_rotation import DAY_MS, Nights


async def measure(leads: int, nights: int) -> dict[str, Any]:
    """Requests a lead of each night after a backfill, by operation in the last; the oldest look at its end, in days; then a night as before."""
    on = Nights(7, leads)
    await on.backfill()
    found = [await _night(on) for _ in range(nights)]
    oldest_days = (on.row.started_ms - on.row.oldest_look_ms) / DAY_MS
    on.schedules["acme"] = replace(on.schedules["acme"], quiet_ms=0)
    before = await _night(on)
    return {
        "leads": leads,
        "rotation": [_a_lead(one, leads) for one in found],
        "median": median(_a_lead(one, leads) for one in found),
        "by_operation": dict(found[-1]),
        "oldest_look_days": round(oldest_days, 2),
        "all_each_night": _a_lead(before, leads),
    }


async def _night(on: Nights) -> Counter[str]:
    last = max((one.seq for one in on.lofty.ledger.after()), default=0)
    await on.night()
    return Counter(one.operation for one in on.lofty.ledger.after(last))


def _a_lead(asked: Counter[str], leads: int) -> float:
    return round(sum(asked.values()) / leads, 4)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    print(json.dumps(asyncio.run(measure(int(sys.argv[1]), int(sys.argv[2])))))
