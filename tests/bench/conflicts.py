"""How long the list of conflicts takes with many links, without a worker: as before by all links and snapshots, by the table
`conflicts` and all snapshots (a host without an index), and by the table and the index (a gateway's host, and its console).

The links and the snapshots are put straight into the topics. `noise` is the longest of the looks at the same thing over the shortest.

    python -m tests.bench.conflicts BOOTSTRAP LINKS CONFLICTS
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

from confluent_kafka import Producer

from connectors.sandbox.lofty.people import make_leads
from connectors.sandbox.lofty.shapes import blank_lead
from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.kafka.admin import create_missing
from streams.kafka.topic_reader import consumer_without_group
from streams.messages import Conflict
from streams.messages.topics import CONFLICTS_BUILT, CONFLICTS_TABLE, LINKS_TABLE, SNAPSHOTS, TopicNames
from streams.operations.conflicts.reader import read_conflicts
from streams.operations.history.index.config import Plan
from streams.operations.history.index.follower import Follower
from streams.operations.history.index.reader import IndexReader
from streams.operations.history.index.schema import open_to_write
from streams.operations.history.index.writer import IndexWriter
from streams.settings import Settings, parse_settings
from streams.settings.partitions import ConnectionPartitions
from streams.worker.dispatch.conflict_rows import conflict_row
from tests.bench.made_snapshots import contact_snapshot
from tests.bench.town import run

LOOKS = 3
NAME = "acme"
CONFIG = """
[kafka]
bootstrap_servers = "{bootstrap}"
topic_prefix = "conflicts-bench-{at}."
partitions = 4
[console]
data_dir = "{folder}"
[connections.acme]
region = "US"
[connections.acme.lofty]
team_id = "1"
[connections.acme.ghl]
location_id = "loc"
"""
ENVIRON = {
    "LOFTY_GHL_ACME_LOFTY_API_KEY": "key",
    "LOFTY_GHL_ACME_GHL_TOKEN": "pit",
    "LOFTY_GHL_ACME_WEBHOOK_SECRET": "a-secret-of-the-bench-1234",
}


async def measure(bootstrap: str, links: int, conflicts: int) -> dict[str, Any]:
    """The same list, read in both ways in turn."""
    with TemporaryDirectory(prefix="lofty-ghl-bench-") as folder:
        text = CONFIG.format(bootstrap=bootstrap, at=time.time_ns(), folder=folder)
        settings = parse_settings(text, ENVIRON, read_file=lambda path: "", source="bench")
        await create_missing(settings)
        fill = Filler(settings)
        fill.everything(links, conflicts)
        found = {"links": float(links), "conflicts": float(conflicts)}
        found |= await _looks("by_links", settings, conflicts)
        fill.built()
        found |= await _looks("by_table", settings, conflicts)
        async with _index(settings) as reader:
            found |= await _looks("by_index", settings, conflicts, reader)
        return found


async def _looks(name: str, settings: Settings, conflicts: int, reader: IndexReader | None = None) -> dict[str, float]:
    seconds = []
    for _ in range(LOOKS):
        began = time.monotonic()
        found = await read_conflicts(settings, reader=reader)
        assert len([one for one in found if one.other is not None and one.other.email]) == conflicts
        seconds.append(time.monotonic() - began)
    return {f"{name}_s": min(seconds), f"{name}_noise": max(seconds) / min(seconds)}


@asynccontextmanager
async def _index(settings: Settings) -> AsyncIterator[IndexReader]:
    """The index as a gateway's child writes it, once it has read everything."""
    plan, stop, reader = Plan.of(settings), asyncio.Event(), IndexReader.of(settings)
    plan.path.parent.mkdir(parents=True, exist_ok=True)
    writer = IndexWriter(open_to_write(plan.path, plan.belongs_to))
    consumer = partial(consumer_without_group, plan.kafka, plan.kafka_secrets)
    names = TopicNames(settings.kafka.topic_prefix)
    following = asyncio.create_task(Follower(writer, names, settings.kafka.partitions, consumer).run(stop))
    try:
        while not (fresh := await reader.freshness()).is_complete or fresh.behind:
            await asyncio.sleep(0.5)
        yield reader
    finally:
        stop.set()
        await following
        reader.close()


class Filler:
    """Writes the topics."""

    def __init__(self, settings: Settings) -> None:
        names = TopicNames(settings.kafka.topic_prefix)
        self.snapshots = names.of(SNAPSHOTS)
        self.links, self.conflicts = names.changelog(LINKS_TABLE), names.changelog(CONFLICTS_TABLE)
        self.partition = ConnectionPartitions(settings).ghl(settings.connections[NAME])
        self.producer = Producer({"bootstrap.servers": settings.kafka.bootstrap_servers, "linger.ms": 20})

    def everything(self, links: int, conflicts: int) -> None:
        """Leads with their links; the first of them have the telephone of the one before them."""
        people = make_leads(400)
        for number in range(links):
            lead = str(20_000_000 + number)
            state = {**blank_lead(int(lead), 1, 1_700_000_000_000), **people[number % len(people)], "leadId": int(lead)}
            state = {name: one for name, one in state.items() if name not in ("notes", "tasks", "appointments")}
            state |= {"emails": [f"lead{number}@example.com"], "phones": ["(530) 555-0104"]}
            snapshot = contact_snapshot(NAME, lead, state, 1)
            key = snapshot.entity.key
            fields = {f"field{one}": field_hash(one) for one in range(20)}
            link = LinkRow(ghl_id=f"ghl{number}", fields=fields, settled=f"{snapshot.fingerprint}/mapping")
            if 0 < number <= conflicts:
                other = f"{NAME}:{int(lead) - 1}:contact:{int(lead) - 1}"
                conflict = Conflict(hash=field_hash("+15305550104"), contact_id=f"ghl{number - 1}", lead=other)
                link = link.model_copy(update={"conflicts": {"phone": conflict}})
                row = conflict_row(link)
                assert row is not None
                self._put(self.conflicts, key, row.to_bytes())
            self._put(self.links, key, link.to_bytes())
            self._put(self.snapshots, key, snapshot.to_bytes())
        self.producer.flush(120)

    def built(self) -> None:
        """The table has them all."""
        self._put(self.conflicts, CONFLICTS_BUILT, LinkRow().to_bytes())
        self.producer.flush(120)

    def _put(self, topic: str, key: str, value: bytes) -> None:
        while True:
            try:
                self.producer.produce(topic, value, key.encode(), self.partition)
                break
            except BufferError:
                self.producer.poll(0.1)
        self.producer.poll(0)


if __name__ == "__main__":
    run(measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
