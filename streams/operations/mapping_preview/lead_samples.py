"""Reads leads for a preview: their newest snapshots, our last writes, and what GHL holds now, which a running worker reads."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from streams.core.rows import LinkRow
from streams.core.to_ghl.directory import Directory
from streams.kafka.topic_reader import each_record, newest_values
from streams.messages import Entity, InvalidMessage, Snapshot
from streams.messages.topics import LINKS_TABLE, SNAPSHOTS, TopicNames
from streams.operations.history.index.lead_list import LeadFilter, page_of_leads
from streams.operations.history.index.reader import IndexReader, NoIndex, TooBroad
from streams.operations.history.index.sources import sources
from streams.operations.history.record_fetch import RecordPosition, fetch_records
from streams.operations.mapping_preview.preview import Preview, preview
from streams.operations.worker_queries.client import Timeouts, WorkerQueryClient
from streams.operations.worker_queries.directories import directory_of
from streams.operations.worker_queries.errors import CannotFinish
from streams.settings import Settings
from streams.settings.partitions import ConnectionPartitions

TAIL = 3000
"""To find some leads, so many records at the end of a partition are read."""
SILENCE_SECONDS = 4.0
OPEN_QUESTIONS = 16

Lead = tuple[str, str]
"""A connection's name and a lead's id."""


@dataclass(slots=True)
class LeadSamples:
    """Everything that a preview needs of some leads. `trouble` says for a connection why its worker did not answer.

    `remade` are the custom fields that were made again in a connection's location, with the ids before.
    """

    leads: tuple[Lead, ...]
    snapshots: dict[Lead, Snapshot] = field(default_factory=dict)
    links: dict[Lead, LinkRow] = field(default_factory=dict)
    directories: dict[str, Directory] = field(default_factory=dict)
    remade: dict[str, Mapping[str, str]] = field(default_factory=dict)
    found: dict[Lead, Mapping[str, Any]] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)

    def previews(self, settings: Settings) -> tuple[Preview, ...]:
        """Preview the leads with the mappings of these settings, in the order in which they were asked for."""
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


async def read_leads(
    settings: Settings,
    leads: Sequence[Lead],
    *,
    asks_workers: bool = True,
    within_seconds: float = 8.0,
    reader: IndexReader | None = None,
) -> LeadSamples:
    """Read some leads: through the index if there is one, otherwise from a partition of snapshots and one of links for each location.

    If a worker does not answer in time, its part is missing and `trouble` says so. Raises aiokafka's errors.
    """
    samples = LeadSamples(tuple(dict.fromkeys(leads)))
    if reader is None or not await _read_by_index(settings, reader, samples):
        await _read_partitions(settings, samples)
    if asks_workers and samples.snapshots:
        await ask_workers(settings, samples, within_seconds)
    return samples


async def _read_partitions(settings: Settings, samples: LeadSamples) -> None:
    names = TopicNames(settings.kafka.topic_prefix)
    keys = {Entity.contact(*lead).key.encode(): lead for lead in samples.leads}
    partitions = {_ghl_partition(settings, name) for name, _ in samples.leads if name in settings.connections}
    if not keys:
        return
    snapshots, links = await asyncio.gather(
        newest_values(settings, names.of(SNAPSHOTS), partitions, wanted=keys.__contains__),
        newest_values(settings, names.changelog(LINKS_TABLE), partitions, wanted=keys.__contains__),
    )
    for key, raw in snapshots.items():
        if (snapshot := _read(raw)) is not None:
            samples.snapshots[keys[key]] = snapshot
    for key, raw in links.items():
        with suppress(InvalidMessage):  # its worker deletes or keeps such a row; a preview ignores it
            samples.links[keys[key]] = LinkRow.from_bytes(raw)


async def _read_by_index(settings: Settings, reader: IndexReader, samples: LeadSamples) -> bool:
    """Read single records, whose positions the index knows; False where it cannot be read."""
    topics = {one.code: one for one in sources(TopicNames(settings.kafka.topic_prefix))}
    wanted: dict[RecordPosition, tuple[str, Lead]] = {}
    try:
        for lead in samples.leads:
            entity = Entity.contact(*lead)
            positions, _ = await reader.record_positions(entity.lane)
            rows = await reader.rows(entity.lane)
            about = f"contact:{lead[1]}"
            snapshots = [one for one in positions if topics[one.topic].short == SNAPSHOTS and one.about == about]
            newest = max(snapshots, key=lambda one: one.offset, default=None)
            links = (one for one in rows.values() if topics[one.topic].short == LINKS_TABLE and one.about == entity.key)
            for one in (newest, next(links, None)):
                if one is not None:
                    topic = topics[one.topic]
                    wanted[RecordPosition(topic.topic, one.partition, one.offset)] = (topic.short, lead)
    except NoIndex:
        return False
    for position, record in (await fetch_records(settings, wanted)).items():
        kind, lead = wanted[position]
        with suppress(InvalidMessage):
            if kind == SNAPSHOTS:
                samples.snapshots[lead] = Snapshot.from_bytes(record.value)
            elif record.value:
                samples.links[lead] = LinkRow.from_bytes(record.value)
    return True


async def ask_workers(
    settings: Settings,
    samples: LeadSamples,
    within_seconds: float = 8.0,
    *,
    connections: Collection[str] = (),
    is_fresh: bool = False,
) -> None:
    """Ask the workers for each connection's directory, and for the linked contacts as GHL holds them now.

    `is_fresh`: the directories are read from GHL once more before.
    """
    asked = sorted({*connections, *(connection for connection, _ in samples.snapshots)})
    timeouts = Timeouts(retry=2.0, silence=min(SILENCE_SECONDS, within_seconds), expires=within_seconds)
    partitions = {name: _ghl_partition(settings, name) for name in asked}
    run = f"look-{uuid.uuid4().hex[:8]}"
    try:
        async with WorkerQueryClient(settings, partitions, run, timeouts=timeouts, most=OPEN_QUESTIONS) as client:
            await asyncio.gather(*(_ask_connection(client, samples, name, within_seconds, is_fresh) for name in asked))
    except CannotFinish as error:
        samples.trouble |= dict.fromkeys(asked, str(error))


async def directories(settings: Settings, connections: Collection[str], within_seconds: float = 8.0) -> LeadSamples:
    """The custom fields and users of some connections' locations as they are now, without any lead."""
    samples = LeadSamples(())
    await ask_workers(settings, samples, within_seconds, connections=connections, is_fresh=True)
    return samples


async def latest_leads(settings: Settings, connection: str, count: int = 5) -> tuple[Snapshot, ...]:
    """The contacts of a connection that were read last, the newest first; at most `count`, from the end of the topic."""
    topic = TopicNames(settings.kafka.topic_prefix).of(SNAPSHOTS)
    found: dict[str, Snapshot] = {}
    async for record in each_record(settings, topic, [_ghl_partition(settings, connection)], newest=TAIL):
        snapshot = _read(record.value)
        if snapshot is not None and (snapshot.connection, snapshot.kind) == (connection, "contact"):
            found.pop(snapshot.lead, None)
            found[snapshot.lead] = snapshot
    alive = [snapshot for snapshot in reversed(found.values()) if not snapshot.is_gone]
    return tuple(alive[:count])


async def newest_leads(
    settings: Settings, connection: str, count: int, reader: IndexReader | None = None
) -> tuple[Snapshot, ...]:
    """The same through the index, if there is one.

    Where many connections share a partition, the leads of a quiet one are not among its last records.
    """
    found = await _newest_by_index(settings, connection, count, reader) if reader is not None else ()
    return found or await latest_leads(settings, connection, count)


async def _newest_by_index(
    settings: Settings, connection: str, count: int, reader: IndexReader
) -> tuple[Snapshot, ...]:
    try:
        # Some of them may be gone since.
        page = await reader.ask(lambda db: page_of_leads(db, (connection,), LeadFilter(), None, 2 * count))
    except (NoIndex, TooBroad):
        return ()
    samples = LeadSamples(tuple((connection, hit.lane.partition(":")[2]) for hit in page.leads))
    if not samples.leads or not await _read_by_index(settings, reader, samples):
        return ()
    read = (samples.snapshots.get(lead) for lead in samples.leads)
    return tuple(one for one in read if one is not None and not one.is_gone)[:count]


def _ghl_partition(settings: Settings, connection: str) -> int:
    """The partition of a connection's snapshots and links."""
    return ConnectionPartitions(settings).ghl(settings.connections[connection])


async def _ask_connection(
    client: WorkerQueryClient, samples: LeadSamples, connection: str, within: float, is_fresh: bool
) -> None:
    wanted = [
        (lead, link.ghl_id)
        for lead, link in samples.links.items()
        if lead[0] == connection and lead in samples.snapshots and link.ghl_id and not link.is_deleted
    ]
    try:
        async with asyncio.timeout(within):
            answer = await client.query(connection, "directory", is_fresh=is_fresh)
            samples.directories[connection] = directory_of(answer)
            samples.remade[connection] = answer.remade_fields
            queries = [client.query(connection, "contact", lead=lead[1], ghl_id=ghl_id) for lead, ghl_id in wanted]
            for (lead, _), answer in zip(wanted, await asyncio.gather(*queries), strict=True):
                if answer.contact is not None:
                    samples.found[lead] = answer.contact
    except CannotFinish as error:
        samples.trouble[connection] = str(error)
    except TimeoutError:
        samples.trouble[connection] = (
            f"connection {connection}: its worker has not answered within {within:.0f} s, because other work goes first"
        )


def _read(raw: bytes | None) -> Snapshot | None:
    try:
        return Snapshot.from_bytes(raw)
    except InvalidMessage:
        return None
