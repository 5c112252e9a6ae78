"""How soon a worker with 1,000,000 links delivers its first change after a start, and what memory it takes.

From the start of the process to GHL's 2xx, by the ledger's time, for a change that waits since the worker was down:

- `without_store`: the folder of the store is gone, all is read from the changelog;
- `with_store`: after an orderly stop, twice;
- `after_kill`: after SIGKILL. Kafka gives a dead worker's partitions away after the session timeout of 10 s.

The links are written straight to the changelog of `links`, in the bytes that `record` would write for a receipt of each:
through the worker it would take minutes, and the changelog would hold the same. No key is in it twice, so compaction
would find nothing.

    python -m tests.bench.restart BOOTSTRAP [LINKS]
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
from confluent_kafka import Producer

from streams.core.to_ghl.apply_receipt import record_link
from streams.demo.processes import Child
from streams.messages import Receipt
from streams.messages.partitioning import ghl_budget, partition_of
from streams.messages.topics import LINKS_TABLE
from tests.bench.limits import create_all
from tests.bench.memory import CUSTOM, FIELDS
from tests.bench.offered import Agents, FrontDoor
from tests.bench.town import Plan, Town, run, town

MOST_SECONDS = 600.0


async def restart(bootstrap: str, links: int) -> dict[str, Any]:
    """Fill the changelog, and start the worker again and again."""
    async with town(bootstrap, Plan(leads=8)) as on:
        await create_all(on)
        agents = Agents(on)
        on.children["worker"].stop()
        began = time.monotonic()
        written = await asyncio.to_thread(_fill, on, links)
        filled = time.monotonic() - began
        shutil.rmtree(_store(on))
        found: dict[str, Any] = {"links": links, "changelog_bytes_per_link": written / links, "fill_seconds": filled}
        worker, found["without_store"] = await _start(on, agents, "without-store")
        worker.stop()
        found["disk_bytes_per_link"] = _bytes_under(_store(on)) / links
        worker, first = await _start(on, agents, "with-store")
        worker.stop()
        worker, again = await _start(on, agents, "with-store-again")
        found["with_store"] = [first, again]
        worker.kill()
        worker, found["after_kill"] = await _start(on, agents, "after-kill")
        worker.stop()
        return found


async def _start(on: Town, agents: Agents, name: str) -> tuple[Child, dict[str, float]]:
    """Let a change wait, start a worker, and see when GHL has it."""
    async with FrontDoor(on) as door:
        await agents.edit("pair0", 1, door.announce)
    after = (await on.get(f"{on.ghl}/_sandbox/stats"))["requests"]
    began = time.time()
    worker = on.start_worker(name)
    ready, delivered, most = 0.0, 0.0, 0
    async with asyncio.timeout(MOST_SECONDS):
        while not (ready and delivered):
            await asyncio.sleep(0.1)
            most = max(most, _status_bytes(worker.pid, "VmRSS"))
            if not ready and await _is_ready(on):
                ready = time.time() - began
            if not delivered:
                rows = await on.ledger(on.ghl, after)
                ended = [row["ended"] for row in rows if row["operation"] == "update-contact" and row["status"] == 200]
                delivered = min(ended) - began if ended else 0.0
    mebibyte = 1024**2
    return worker, {
        "first_change_seconds": delivered,
        "ready_seconds": ready,
        "resident_mib": _status_bytes(worker.pid, "VmRSS") / mebibyte,
        "resident_most_mib": max(most, _status_bytes(worker.pid, "VmHWM")) / mebibyte,
    }


async def _is_ready(on: Town) -> bool:
    try:
        async with on.http.get(f"{on.worker}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def _fill(on: Town, links: int) -> int:
    """Write the links, spread over all connections; returns how many bytes their values have."""
    settings, written, random = on.settings, 0, Random(1)
    topic = on.names.changelog(LINKS_TABLE)
    producer = Producer({"bootstrap.servers": settings.kafka.bootstrap_servers, "acks": "all", "linger.ms": 20})
    partitions = [partition_of(ghl_budget(f"loc{n}"), settings.kafka.partitions) for n in range(on.plan.pairs)]
    for number in range(links):
        pair = number % on.plan.pairs
        receipt = contact_receipt(f"pair{pair}", str(10_000_000 + number), random)
        value = record_link(None, receipt).to_bytes()
        written += len(value)
        while True:
            try:
                producer.produce(topic, value, receipt.entity.key.encode(), partitions[pair])
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    if left := producer.flush(120):
        raise TimeoutError(f"{left} links were not acknowledged by Kafka")
    return written


def contact_receipt(connection: str, lead: str, random: Random) -> Receipt:
    """A contact's receipt. Hashes and ids differ as they do in life, or else a store would compress them away."""
    names = [*FIELDS, *CUSTOM]
    digits = random.randbytes(6 * len(names) + 64 + 10).hex()
    return Receipt(
        connection=connection,
        lead=lead,
        kind="contact",
        id=lead,
        outcome="applied",
        step="create contact",
        at_ms=1,
        version_ms=1_736_935_800_000,
        settled=f"{digits[-84:-52]}/{digits[-52:-20]}",
        ghl_id=digits[-20:],
        fields={name: digits[12 * n : 12 * n + 12] for n, name in enumerate(names)},
        tags=("buyer", "vip"),
    )


def _store(on: Town) -> Path:
    return Path(on.settings.worker.data_dir)


def _bytes_under(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _status_bytes(pid: int, name: str) -> int:
    """A line of the process's status, such as VmRSS (now) or VmHWM (the most ever)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return 1024 * int(line.split()[1])
    return 0


if __name__ == "__main__":
    run(restart(sys.argv[1], int(sys.argv[2]) if sys.argv[2:] else 1_000_000))
