"""What it costs to be seen: the same load with metrics and logs and without, and a scrape with two hundred connections.

One core is full under load, so the worker's processor time for a contact says what throughput follows, and says it with
less noise than the clock does on a shared machine. Both are reported.

    python -m tests.bench.observing load BOOTSTRAP LEADS fully|"not at all"
    python -m tests.bench.observing scrape BOOTSTRAP CONNECTIONS
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any, Literal

from streams.kafka.batching_producer import BatchingProducer
from tests.bench.town import Plan, Town, processor_seconds, producer_of, run, town
from tests.bench.whole_path import changes_of

SCRAPES = 9


async def load(bootstrap: str, leads: int, watched: Literal["fully", "not at all"]) -> dict[str, Any]:
    """Contacts a second, and the worker's processor time for each, from the first topic to settled receipts."""
    async with town(bootstrap, Plan(leads=leads, watched=watched)) as on:
        producer = await producer_of(on.settings)
        before, began = processor_seconds(on), time.time()
        await BatchingProducer(producer).produce(changes_of(on))
        receipts, last = await on.settled(len(on.leads))
        await producer.stop()
        return {
            "syncs_per_second": len(receipts) / (last - began),
            "processor_ms_per_contact": (processor_seconds(on) - before) / len(receipts) * 1000,
        }


async def scrape(bootstrap: str, connections: int) -> dict[str, Any]:
    """How long a scrape takes and how large it is, in either form, of a worker that owns every connection."""
    async with town(bootstrap, Plan(pairs=connections, leads=2 * connections)) as on:
        producer = await producer_of(on.settings)
        await BatchingProducer(producer).produce(changes_of(on))
        await on.settled(len(on.leads))
        await producer.stop()
        found: dict[str, Any] = {"connections": connections}
        for name, accept in (("text", "text/plain"), ("openmetrics", "application/openmetrics-text; version=1.0.0")):
            found |= {f"{name}_{key}": value for key, value in (await scrapes(on, on.worker, accept)).items()}
        return found


async def scrapes(on: Town, url: str, accept: str) -> dict[str, float]:
    """How long some scrapes of a process take, and how large the last is."""
    times, size = [], 0
    for _ in range(SCRAPES):
        began = time.perf_counter()
        async with on.http.get(f"{url}/metrics", headers={"Accept": accept}) as answer:
            body = await answer.read()
        times.append(time.perf_counter() - began)
        size = len(body)
        await asyncio.sleep(0.2)
    return {"ms": median(times) * 1000, "most_ms": max(times) * 1000, "bytes": size}


def machine_seconds() -> tuple[float, float]:
    """What all cores of this machine had until now: all their time, and the time in which they worked."""
    fields = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0].split()[1:9]
    ticks = [int(one) / os.sysconf("SC_CLK_TCK") for one in fields]
    return sum(ticks), sum(ticks) - ticks[3] - ticks[4]


if __name__ == "__main__":
    what, where, size = sys.argv[1:4]
    watched: Literal["fully", "not at all"] = "fully" if sys.argv[4:] == ["fully"] else "not at all"
    run(scrape(where, int(size)) if what == "scrape" else load(where, int(size), watched))
