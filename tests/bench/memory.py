"""What a linked entity costs with the RocksDB store: memory of the process, bytes on disk.

Receipts are put straight on `ghl.receipts`, so that the `record` agent of a real worker links each of them.

    python -m tests.bench.memory BOOTSTRAP LINKS
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from streams.kafka.admin import create_missing
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.messages import Receipt
from streams.messages.partitioning import ghl_budget, partition_of
from streams.messages.topics import RECEIPTS, TopicNames
from streams.settings import Settings, parse_settings
from streams.worker.dependencies import Dependencies
from streams.worker.worker import Worker
from tests.bench.town import producer_of

CONFIG = """
[kafka]
bootstrap_servers = "{bootstrap}"
topic_prefix = "{prefix}"
partitions = 4
[worker]
data_dir = "{folder}"
[connections.acme]
region = "US"
[connections.acme.lofty]
team_id = "1"
base_url = "http://127.0.0.1:9"
[connections.acme.ghl]
location_id = "loc"
base_url = "http://127.0.0.1:9"
"""
FIELDS = dict.fromkeys(("firstName", "lastName", "email", "phone", "city", "state", "postalCode"), "0123456789ab")
CUSTOM = {f"custom:{number:020d}": "0123456789ab" for number in range(20)}


async def memory(bootstrap: str, links: int) -> dict[str, Any]:
    """Link `links` contacts; how much the worker and its disk grew, and how long a restart takes."""
    with tempfile.TemporaryDirectory(prefix="lofty-ghl-bench-") as folder:
        prefix = f"bench-{uuid.uuid4().hex[:8]}."
        environ = {"LOFTY_GHL_ACME_LOFTY_API_KEY": "key", "LOFTY_GHL_ACME_GHL_TOKEN": "pit-1"}
        text = CONFIG.format(bootstrap=bootstrap, prefix=prefix, folder=folder)
        settings = parse_settings(text, environ, read_file=lambda path: "", source="bench")
        await create_missing(settings)
        place = partition_of(ghl_budget("loc"), settings.kafka.partitions)
        async with Worker(settings, Dependencies()) as worker:
            await _until(lambda: worker.is_ready)
            before, began = _resident_bytes(), time.perf_counter()
            await _fill(settings, prefix, place, links)
            last = f"acme:{links}:contact:{links}"
            await _until(lambda: worker.tables.links.get(place, last) is not None)
            seconds, after = time.perf_counter() - began, _resident_bytes()
        disk = _bytes_under(Path(folder))
        began = time.perf_counter()
        async with Worker(settings, Dependencies()) as worker:
            await _until(lambda: worker.is_ready)
            restart = time.perf_counter() - began
        return {
            "links": links,
            "resident_bytes_per_link": (after - before) / links,
            "disk_bytes_per_link": disk / links,
            "links_recorded_per_second": links / seconds,
            "restart_seconds": restart,
        }


async def _fill(settings: Settings, prefix: str, place: int, links: int) -> None:
    producer = await producer_of(settings)
    batching_producer, topic = BatchingProducer(producer), TopicNames(prefix).of(RECEIPTS)
    for first in range(1, links + 1, 5000):
        receipts = [_receipt(str(number)) for number in range(first, min(first + 5000, links + 1))]
        await batching_producer.produce(
            [Record(topic, place, one.entity.key.encode(), one.to_bytes()) for one in receipts]
        )
    await producer.stop()


def _receipt(lead: str) -> Receipt:
    return Receipt(
        connection="acme",
        lead=lead,
        kind="contact",
        id=lead,
        outcome="applied",
        step="create contact",
        at_ms=1,
        version_ms=1_736_935_800_000,
        settled="0123456789abcdef0123456789abcdef/0123456789abcdef0123456789abcdef",
        ghl_id=f"ghl{lead:0>17}",
        fields=FIELDS | CUSTOM,
        tags=("buyer", "vip"),
    )


async def _until(claim: Any) -> None:
    async with asyncio.timeout(180):
        while not claim():
            await asyncio.sleep(0.1)


def _bytes_under(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    print(json.dumps(asyncio.run(memory(sys.argv[1], int(sys.argv[2])))))
