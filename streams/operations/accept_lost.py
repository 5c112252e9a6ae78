"""A person accepts that a table's changelog has lost rows: what can be restored is restored, then workers may start again.

Rows come from what is left of the changelog, from the copies that this machine's workers keep, and for links from the receipts
(a month of them). Nothing on this machine is deleted: a copy that no longer belongs to the changelog is set aside.

A changelog that was cut off is deleted and created again. Before that, its rows are saved in a topic of their own, which is
deleted once they are restored: an interrupted run loses none, and the next run, on any machine, finishes its work. No worker
starts before.

No worker may be alive. On each machine whose workers keep copies the command is run once; it can be repeated.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from streams.core.to_lofty.rows import looked_through
from streams.kafka.admin import create_missing, create_topics, delete_topic, saved_topic
from streams.kafka.batching_producer import Record
from streams.kafka.clients import open_batching_producer, reach, until_topics_are_led
from streams.kafka.rights import READS_AND_WRITES, Right, demand_rights
from streams.kafka.topic_reader import first_and_end_offsets, newest_values
from streams.messages.size_limits import SizeLimits
from streams.messages.topics import (
    BACKLINKS_TABLE,
    LINKS_TABLE,
    MAX_MESSAGE_BYTES,
    STATUS,
    TABLES,
    TOKENS_TABLE,
    TopicNames,
)
from streams.operations.local_copies import copies, set_aside
from streams.operations.lost_links import doubted_links, fold_receipts
from streams.operations.status.reader import read_overview
from streams.settings import Settings
from streams.settings.partitions import ConnectionPartitions

LASTING = (LINKS_TABLE, BACKLINKS_TABLE, TOKENS_TABLE)
"""Tables whose rows stay true: an old copy is better than none. The rows of other tables describe work in progress."""

MOST_WAITING = 2_000

Rows = dict[bytes, bytes]


class StillAtWork(RuntimeError):
    """Workers are alive: what they write during the command would be lost."""


@dataclass(slots=True)
class Accepted:
    """The result. `put_back` are restored rows by table; `aside` are the folders of the copies that were set aside."""

    created: list[str] = field(default_factory=list)
    put_back: dict[str, int] = field(default_factory=dict)
    aside: list[str] = field(default_factory=list)


async def accept_lost(settings: Settings, tables: Collection[str]) -> Accepted:
    """Accept what these tables (and topics) have lost.

    Raises `StillAtWork`, `KafkaRefused` for a right that is missing, and aiokafka's other errors.
    """
    names = TopicNames(settings.kafka.topic_prefix)
    result = Accepted()
    await demand_rights(settings, names.specs(), READS_AND_WRITES)
    await demand_no_worker(settings, names)
    result.created += await create_missing(settings, tables)
    await until_topics_are_led(settings, names.specs())
    for table in sorted({*tables} & {*TABLES}):
        topic = names.changelog(table)
        left = [await newest_values(settings, topic, [number]) for number in range(settings.kafka.partitions)]
        rows: list[Rows] = [{} for _ in left]
        if is_saved := await _is_saved(settings, topic):
            saved = saved_topic(topic)
            rows = [await newest_values(settings, saved, [number]) for number in range(settings.kafka.partitions)]
        if await _is_cut_off(settings, topic):
            await demand_rights(settings, [topic], (Right.DELETE,))
            rows = [before | now for before, now in zip(rows, left, strict=True)]
            await _save(settings, topic, rows)
            is_saved = True
            await _remake(settings, topic)
            left = [{} for _ in left]
        if table in LASTING:
            for partition, copy in copies(settings, names, table):
                for key, value in copy.items():
                    rows[partition].setdefault(key, value)
        if table == LINKS_TABLE:
            await fold_receipts(settings, names, rows, left)
        for partition, known in enumerate(left):
            rows[partition] = {key: value for key, value in rows[partition].items() if key not in known}
        result.put_back[table] = sum(map(len, rows))
        if table == LINKS_TABLE:
            rows = [doubted_links(before | now) for before, now in zip(left, rows, strict=True)]
            await _look_through_again(settings, names)
        await _put(settings, topic, rows)
        if is_saved:
            await delete_topic(settings, saved_topic(topic))
    result.aside += await set_aside(settings, names)
    return result


async def demand_no_worker(settings: Settings, names: TopicNames) -> None:
    """Raise `StillAtWork` when a worker is alive."""
    if names.of(STATUS) in await reach(settings) and (alive := (await read_overview(settings)).alive):
        who = ", ".join(one.status.instance for one in alive)
        raise StillAtWork(
            f"workers are alive ({who}), or were 20 s ago: stop all of them, then run this again; nothing was changed"
        )


async def _is_cut_off(settings: Settings, topic: str) -> bool:
    return any(first for first, _ in (await first_and_end_offsets(settings, [topic])).values())


async def _remake(settings: Settings, topic: str) -> None:
    """Delete a topic and create it again, so that every copy of the old one is recognised as old."""
    await delete_topic(settings, topic)
    await create_missing(settings, TABLES)
    await until_topics_are_led(settings, [topic])


async def _is_saved(settings: Settings, topic: str) -> bool:
    """Whether an earlier run was interrupted after it had begun to save. What it saved was in the changelog."""
    return saved_topic(topic) in await reach(settings)


async def _save(settings: Settings, topic: str, rows: list[Rows]) -> None:
    """Save rows where another run finds them, on any machine. Raises before anything is deleted."""
    saved = saved_topic(topic)
    if not await _is_saved(settings, topic):
        size = str(SizeLimits.of(settings.gateway.max_body_bytes).record)
        await create_topics(settings, {saved: {"cleanup.policy": "compact", MAX_MESSAGE_BYTES: size}})
        await until_topics_are_led(settings, [saved])
    await _put(settings, saved, rows)


async def _put(settings: Settings, topic: str, rows: list[Rows]) -> None:
    records = [Record(topic, partition, *row) for partition, some in enumerate(rows) for row in some.items()]
    async with open_batching_producer(settings) as batching_producer:
        for first in range(0, len(records), MOST_WAITING):
            await batching_producer.produce(records[first : first + MOST_WAITING])


async def _look_through_again(settings: Settings, names: TopicNames) -> None:
    """Have the workers look for contacts whose leads no link knows: by their Lofty ids."""
    partitions, topic = ConnectionPartitions(settings), names.changelog(BACKLINKS_TABLE)
    keys = {looked_through(name): partitions.ghl_of(name) for name in settings.connections}
    async with open_batching_producer(settings) as batching_producer:
        await batching_producer.produce([Record(topic, number, key.encode(), None) for key, number in keys.items()])
