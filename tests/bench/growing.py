"""How long workers pause while a deployment with 100,000 links moves from 8 partitions to 16.

Its tables hold a link, a swept entity and a seen change of each lead. The worker runs until the command asks for its end, then gateway and
worker are started with the new topics, as an operator would. A change waits since the worker was stopped: the pause is from the
order to stop until GHL has it, by the ledger's time.

    python -m tests.bench.growing BOOTSTRAP [LINKS]
"""

from __future__ import annotations

import asyncio
import sys
import time
from random import Random
from typing import Any

from confluent_kafka import Producer

from streams.core.rows import SeenRow, SweptRow
from streams.core.to_ghl.apply_receipt import record_link
from streams.kafka.growth import with_topics
from streams.messages.growth import Growth, grown_prefix
from streams.messages.partitioning import ghl_budget, lofty_budget, partition_of
from streams.messages.topics import LINKS_TABLE, SEEN_TABLE, SWEPT_TABLE
from streams.operations.growing.grow import Growing
from tests.bench.limits import create_all
from tests.bench.offered import Agents, FrontDoor
from tests.bench.restart import contact_receipt
from tests.bench.town import Plan, Town, run, town

NEW = 16


async def growing(bootstrap: str, links: int) -> dict[str, Any]:
    """Fill the topics, then move."""
    async with town(bootstrap, Plan(leads=8)) as on:
        await create_all(on)
        await asyncio.to_thread(_fill, on, links)
        agents, at = Agents(on), dict[str, float]()
        after = (await on.get(f"{on.ghl}/_sandbox/stats"))["requests"]
        kafka = on.settings.kafka
        new = with_topics(on.settings, grown_prefix(kafka.topic_prefix, NEW), NEW)
        stops, restarts = asyncio.Event(), asyncio.Event()

        def say(line: str) -> None:
            if "stop all workers" in line:
                stops.set()
            if "restart the gateways" in line:
                restarts.set()

        moving = Growing(on.settings, NEW, say=say)
        began = time.time()
        task = asyncio.create_task(moving.run())
        await _said(stops, task)
        at["stop"] = time.time()
        await asyncio.to_thread(on.children["worker"].stop)
        at["stopped"] = time.time()
        async with FrontDoor(on) as door:
            await agents.edit("pair0", 1, door.announce)
        await _said(restarts, task)
        at["gateways"] = time.time()
        await asyncio.to_thread(on.children["gateway"].stop)
        _configure(on, new.kafka.topic_prefix)
        gateway = on.start_gateway("gateway-of-more")
        growth: Growth = await task
        at["done"] = time.time()
        worker = on.start_worker("worker-of-more")
        delivered = await _delivered(on, after)
        worker.stop()
        gateway.stop()
        assert growth.state == "done"
        return {
            "links": links,
            "records_copied": moving.copied,
            "copy_beside_seconds": at["stop"] - began,
            "pause_seconds": delivered - at["stop"],
            "of_it_worker_stops": at["stopped"] - at["stop"],
            "of_it_rest_and_commits": at["gateways"] - at["stopped"],
            "of_it_gateway_and_tail": at["done"] - at["gateways"],
            "of_it_worker_starts": delivered - at["done"],
            "the_rest_alone": moving.took["rest"],
            "the_tail_alone": moving.took["tail"],
        }


async def _said(event: asyncio.Event, moving: asyncio.Task[Growth]) -> None:
    """Wait until the command has said something; raises what ended it before."""
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait({waiting, moving}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not event.is_set():
        raise AssertionError(await moving)


async def _delivered(on: Town, after: int) -> float:
    async with asyncio.timeout(300):
        while True:
            rows = await on.ledger(on.ghl, after)
            ended = [row["ended"] for row in rows if row["operation"] == "update-contact" and row["status"] == 200]
            if ended:
                return float(min(ended))
            await asyncio.sleep(0.1)


def _configure(on: Town, prefix: str) -> None:
    text = on.config.read_text()
    text = text.replace(f'"{on.settings.kafka.topic_prefix}"', f'"{prefix}"')
    on.config.write_text(text.replace(f"partitions = {on.settings.kafka.partitions}\n", f"partitions = {NEW}\n"))


def _fill(on: Town, links: int) -> None:
    settings, random = on.settings, Random(1)
    producer = Producer({"bootstrap.servers": settings.kafka.bootstrap_servers, "acks": "all", "linger.ms": 20})
    count = settings.kafka.partitions
    seen = SeenRow(update_time_ms=1_736_935_800_000, operation="updated").to_bytes()
    swept = SweptRow(run_ms=1_736_935_800_000, updated_ms=1_736_935_800_000, fingerprint="0123456789abcdef").to_bytes()
    for number in range(links):
        pair, lead = number % on.plan.pairs, str(10_000_000 + number)
        receipt = contact_receipt(f"pair{pair}", lead, random)
        entity = receipt.entity
        rows = (
            (LINKS_TABLE, ghl_budget(f"loc{pair}"), record_link(None, receipt).to_bytes()),
            (SWEPT_TABLE, lofty_budget(f"pair{pair}"), swept),
            (SEEN_TABLE, entity.lane, seen),
        )
        for table, placement, value in rows:
            topic, partition = on.names.changelog(table), partition_of(placement, count)
            while True:
                try:
                    producer.produce(topic, value, entity.key.encode(), partition)
                    break
                except BufferError:
                    producer.poll(0.1)
        producer.poll(0)
    if left := producer.flush(120):
        raise TimeoutError(f"{left} records were not acknowledged by Kafka")


if __name__ == "__main__":
    run(growing(sys.argv[1], int(sys.argv[2]) if sys.argv[2:] else 100_000))
