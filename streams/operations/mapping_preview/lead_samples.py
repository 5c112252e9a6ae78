"""Looks at leads for a preview: their newest snapshots, what was last written, and what GHL holds, asked of a running worker."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition

from streams.core.rows import LinkRow
from streams.core.to_ghl.directory import Directory
from streams.kafka.clients import Consumer, client_options, each_record, start_consumer, stop_consumer
from streams.messages import Entity, InvalidMessage, Observation, Snapshot
from streams.messages.partitioning import ghl_budget, partition_of
from streams.messages.topics import LINKS_TABLE, SNAPSHOTS, TopicNames
from streams.operations.mapping_preview.preview import Preview, preview
from streams.operations.worker_queries.client import Patience, WorkerQueryClient
from streams.operations.worker_queries.errors import CannotFinish
from streams.settings import Settings

TAIL = 3000
"""So many records at the end of a partition are looked at for a sample of leads."""
SILENCE_SECONDS = 4.0
OPEN_QUESTIONS = 16

Lead = tuple[str, str]
"""A connection's name and a lead's id."""


@dataclass(slots=True)
class LeadSamples:
    """What was found of some leads. `trouble` says by connection why its worker did not answer."""

    leads: tuple[Lead, ...]
    snapshots: dict[Lead, Snapshot] = field(default_factory=dict)
    links: dict[Lead, LinkRow] = field(default_factory=dict)
    directories: dict[str, Directory] = field(default_factory=dict)
    found: dict[Lead, Mapping[str, Any]] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)

    def previews(self, settings: Settings) -> tuple[Preview, ...]:
        """What the mappings of these settings make of the leads that are known, in the order in which they were asked for."""
        return tuple(
            preview(
                settings.connections[connection],
                self.snapshots[lead],
                self.directories.get(connection),
                self.links.get(lead),
                self.found.get(lead),
            )
            for lead in self.leads
            if lead in self.snapshots and (connection := lead[0]) in settings.connections
        )


async def look(
    settings: Settings, leads: Sequence[Lead], *, asks_workers: bool = True, within_seconds: float = 8.0
) -> LeadSamples:
    """Look at some leads. Reads a partition of snapshots and one of links for each location that they belong to.

    What no worker answers within the time is left out and told. Raises aiokafka's errors when Kafka cannot be reached.
    """
    looked = LeadSamples(tuple(dict.fromkeys(leads)))
    names = TopicNames(settings.kafka.topic_prefix)
    keys = {Entity.contact(*lead).key.encode(): lead for lead in looked.leads}
    places = {place_of(settings, connection) for connection, _ in looked.leads if connection in settings.connections}
    snapshots, links = await asyncio.gather(
        _newest(settings, names.of(SNAPSHOTS), places, keys),
        _newest(settings, names.changelog(LINKS_TABLE), places, keys),
    )
    for key, raw in snapshots.items():
        snapshot = _read(raw)
        if snapshot is not None:
            looked.snapshots[keys[key]] = snapshot
    for key, raw in links.items():
        with suppress(InvalidMessage):  # the worker of this row ends or leaves it; here it is as if there were none
            looked.links[keys[key]] = LinkRow.from_bytes(raw)
    if asks_workers and looked.snapshots:
        await _ask(settings, looked, within_seconds)
    return looked


async def ask_workers(settings: Settings, looked: LeadSamples, within_seconds: float = 8.0) -> None:
    """Ask the workers about leads whose snapshots and links were found another way."""
    await _ask(settings, looked, within_seconds)


async def directories(settings: Settings, connections: Collection[str], within_seconds: float = 8.0) -> LeadSamples:
    """What the locations of some connections call their fields and users; without any lead."""
    looked = LeadSamples(())
    await _ask(settings, looked, within_seconds, connections)
    return looked


async def sample(settings: Settings, connection: str, count: int = 5) -> tuple[Snapshot, ...]:
    """The contacts of a connection that were read last, the newest first; at most `count`, from the end of the topic."""
    topic = TopicNames(settings.kafka.topic_prefix).of(SNAPSHOTS)
    place = TopicPartition(topic, place_of(settings, connection))
    found: dict[str, Snapshot] = {}
    consumer = Consumer(**client_options(settings), auto_offset_reset="earliest", fetch_max_wait_ms=50)
    await start_consumer(consumer)
    try:
        end = (await consumer.end_offsets([place]))[place]
        start = (await consumer.beginning_offsets([place]))[place]
        consumer.assign([place])
        consumer.seek(place, max(start, end - TAIL))
        while await consumer.position(place) < end:
            for messages in (await consumer.getmany(timeout_ms=200)).values():
                for message in messages:
                    snapshot = _read(message.value)
                    if snapshot is not None and (snapshot.connection, snapshot.kind) == (connection, "contact"):
                        found.pop(snapshot.lead, None)
                        found[snapshot.lead] = snapshot
    finally:
        await stop_consumer(consumer)
    alive = [one for one in reversed(found.values()) if not one.is_gone]
    return tuple(alive[:count])


def place_of(settings: Settings, connection: str) -> int:
    """The partition in which a connection's snapshots and links are."""
    return partition_of(ghl_budget(settings.connections[connection].ghl_budget), settings.kafka.partitions)


async def _newest(settings: Settings, topic: str, places: Iterable[int], keys: Collection[bytes]) -> dict[bytes, bytes]:
    """The newest value of some keys."""
    found: dict[bytes, bytes] = {}
    if keys:
        async for record in each_record(settings, topic, places):
            if record.key in keys:
                found.pop(record.key, None)
                if record.value:
                    found[record.key] = record.value
    return found


async def _ask(settings: Settings, looked: LeadSamples, within: float, connections: Collection[str] = ()) -> None:
    """Ask the workers for each connection's directory, and for the contacts that are linked."""
    asked = sorted({*connections, *(connection for connection, _ in looked.snapshots)})
    names = TopicNames(settings.kafka.topic_prefix)
    patience = Patience(again=2.0, silence=min(SILENCE_SECONDS, within), expires=within)
    asker = WorkerQueryClient(
        settings,
        names,
        {name: place_of(settings, name) for name in asked},
        f"look-{uuid.uuid4().hex[:8]}",
        now_ms=lambda: time.time_ns() // 1_000_000,
        clock=time.monotonic,
        patience=patience,
        most=OPEN_QUESTIONS,
    )
    try:
        async with asker:
            await asyncio.gather(*(_ask_connection(asker, looked, name, within) for name in asked))
    except CannotFinish as error:
        looked.trouble |= dict.fromkeys(asked, str(error))


async def _ask_connection(asker: WorkerQueryClient, looked: LeadSamples, connection: str, within: float) -> None:
    wanted = [
        (lead, link.ghl_id)
        for lead, link in looked.links.items()
        if lead[0] == connection and lead in looked.snapshots and link.ghl_id and not link.is_deleted
    ]
    try:
        async with asyncio.timeout(within):
            told: Observation = await asker.ask(connection, "directory")
            looked.directories[connection] = Directory(
                told.custom_fields, told.users, frozenset(told.calendar_team), told.field_types
            )
            answers = [asker.ask(connection, "contact", lead=lead[1], ghl_id=ghl_id) for lead, ghl_id in wanted]
            for (lead, _), answer in zip(wanted, await asyncio.gather(*answers), strict=True):
                if answer.contact is not None:
                    looked.found[lead] = answer.contact
    except CannotFinish as error:
        looked.trouble[connection] = str(error)
    except TimeoutError:
        looked.trouble[connection] = (
            f"connection {connection}: its worker has not answered within {within:.0f} s, as other work goes first"
        )


def _read(raw: bytes | None) -> Snapshot | None:
    try:
        return Snapshot.from_bytes(raw)
    except InvalidMessage:
        return None
