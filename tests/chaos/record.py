"""The end of a run: everything comes to rest, then what the judge needs is read.

Rest is seen from outside: Lofty has delivered its pings, the group has read every topic to its end, no table holds work
that is not parked, and the vendors get no more requests. Nothing is restarted, touched or replayed to bring it about:
what the workers would have forgotten must be missing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

import orjson

from connectors.sandbox.ghl.seeds import shown
from connectors.sandbox.lofty import agent_activity as desk_work
from streams.core.rows import FetchRow, OutboxRow
from streams.kafka.clients import reach
from streams.kafka.group_lag import GroupLag
from streams.kafka.growth import with_topics
from streams.kafka.topic_reader import read_topic
from streams.messages import FENCE_KEY, Parked, Receipt
from streams.messages.fence import Fence
from streams.messages.growth import first_prefix
from streams.messages.topics import CHANGES, FETCHES, FETCHES_TABLE, OUTBOX_TABLE, PARKED, RECEIPTS, REPLAYS, SNAPSHOTS
from streams.operations.conflicts.reader import read_conflicts
from tests.chaos.history import Event, Fenced, History, Listed, Received
from tests.chaos.stage import GHL_LIMIT, GHL_WINDOW_SECONDS, LOFTY_PER_MINUTE, Stage
from tests.deadlines import within

STILL_SECONDS = 3.0
REST_SECONDS = 420.0
"""A failed entity waits for five minutes at most."""
LOOK_SECONDS = 0.5
MOST_OFFSETS = 10**9
"""Of a partition under one prefix."""
GARBAGE_BYTES = 200
"""What is kept of a record that is no JSON."""

Row = TypeVar("Row", FetchRow, OutboxRow)


async def until_still(stage: Stage) -> str:
    """Wait until everything rests. Returns what does not after `REST_SECONDS`; empty when all does."""
    lag = GroupLag(stage.settings, stage.names.group)
    deadline = time.monotonic() + within(REST_SECONDS)
    asked, since = -1, time.monotonic()
    try:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if stage.asked() != asked:
                asked, since, busy = stage.asked(), time.monotonic(), "the vendors are asked"
            elif time.monotonic() - since > STILL_SECONDS:
                busy = await _what_waits(stage, lag)
                if not busy:
                    return ""
            if time.monotonic() > deadline:
                return f"not at rest after {within(REST_SECONDS):.0f} s of peace: {busy}"
    finally:
        await lag.aclose()


async def _what_waits(stage: Stage, lag: GroupLag) -> str:
    if pending := await stage.pings_pending():
        return f"{pending} pings"
    topics = [stage.names.of(topic) for topic in (CHANGES, FETCHES, SNAPSHOTS, REPLAYS, RECEIPTS)]
    places = [(topic, number) for topic in topics for number in range(stage.settings.kafka.partitions)]
    behind = [
        f"{topic}/{number} read to {committed} of {end}"
        for (topic, number), (committed, end) in (await lag.committed_and_end(places)).items()
        if committed < end
    ]
    if behind:
        return ", ".join(behind)
    due = [key for key, row in (await _rows(stage, FETCHES_TABLE, FetchRow)).items() if not row.parked]
    due += [key for key, row in (await _rows(stage, OUTBOX_TABLE, OutboxRow)).items() if not row.parked]
    return ", ".join(due)


async def parked_now(stage: Stage) -> set[str]:
    """The keys of all entities that wait for a person or for their next change."""
    reads, writes = await _rows(stage, FETCHES_TABLE, FetchRow), await _rows(stage, OUTBOX_TABLE, OutboxRow)
    return {key for rows in (reads, writes) for key, row in rows.items() if row.parked}


async def _rows(stage: Stage, table: str, row: type[Row]) -> Mapping[str, Row]:
    """A table, read from its changelog."""
    held: dict[str, Row] = {}
    served = stage.connections()
    for one in await read_topic(stage.settings, stage.names.changelog(table)):
        key = one.key.decode()
        if key.partition(":")[0] not in served:  # rows of a connection that is gone wait for nobody
            continue
        if one.value is None:
            held.pop(key, None)
        else:
            held[key] = row.from_bytes(one.value)
    return held


async def read_history(stage: Stage) -> History:
    """Everything that the judge looks at. `stage.configs` are the configurations in the order of their use."""
    leads, contacts = held_now(stage)
    connections = stage.connections()
    limits: dict[str, tuple[int, float]] = {
        one.ghl.location_id: (GHL_LIMIT, GHL_WINDOW_SECONDS) for one in connections.values()
    }
    limits |= {one.lofty.team_id: (LOFTY_PER_MINUTE, 60.0) for one in connections.values()}
    limits |= {one.lofty_budget: (LOFTY_PER_MINUTE, 60.0) for one in connections.values()}
    # Before the receipts: of a system that did not come to rest, later receipts violate nothing, later writes would.
    ghl, lofty = stage.ghl.ledger.after(), stage.lofty.ledger.after()
    receipts, fences, parked = [], [], []
    for era, (names, partitions) in enumerate(stage.eras):  # later topics come after earlier ones
        settings = with_topics(stage.settings, names.prefix, partitions)
        told = [
            replace(one, offset=one.offset + era * MOST_OFFSETS)
            for one in await read_topic(settings, names.of(RECEIPTS))
        ]
        fences += [
            Fenced(one.partition, one.offset, Fence.from_bytes(one.value), partitions)
            for one in told
            if one.key == FENCE_KEY
        ]
        if _has_grown(stage, era):  # the copy has all of that, and is what counts
            continue
        receipts += [
            Received(one.partition, one.offset, Receipt.from_bytes(one.value)) for one in told if one.key != FENCE_KEY
        ]
        parked += await read_topic(settings, names.of(PARKED))
    return History(
        configs=tuple(stage.configs),
        ghl=ghl,
        lofty=lofty,
        limits=limits,
        leads=leads,
        contacts=contacts,
        receipts=receipts,
        fences=fences,
        partitions=(await reach(stage.settings)).get(stage.names.of(RECEIPTS), 0),
        parked=[Parked.from_bytes(one.value) for one in parked],
        nemesis=[Event(one.what, one.whom, one.at, one.until) for one in stage.happened],
        before=stage.before,
        listed=[
            Listed(one.person.connection, one.person.lead, one.field, one.value, one.state == "shared")
            for one in await read_conflicts(stage.settings)
        ],
    )


def _has_grown(stage: Stage, era: int) -> bool:
    """Whether the next prefix is that of a copy of these topics."""
    prefixes = [names.prefix for names, _ in stage.eras]
    return era + 1 < len(prefixes) and prefixes[era + 1].startswith(first_prefix(prefixes[era]))


def held_now(stage: Stage) -> tuple[dict[str, Any], dict[str, Any]]:
    """What both vendors hold of each connection: Lofty's leads, GHL's contacts."""
    leads, contacts = {}, {}
    for name, one in stage.connections().items():
        leads[name] = desk_work.everything(stage.lofty.teams[int(one.lofty.team_id)], with_trash=True)
        place = stage.ghl.location(one.ghl.location_id)
        contacts[name] = {
            "contacts": [shown(contact) for contact in place.contacts.values()],
            "customFields": list(place.custom_fields.values()),
            "users": list(place.users.values()),
            "pipelines": list(place.pipelines.values()),
            "opportunities": [row for contact in place.contacts.values() for row in contact.opportunities.values()],
        }
    return leads, contacts


async def read_topics(stage: Stage) -> bytes:
    """Every record of the pipeline's own topics, as JSON without states: where a lost change stopped is seen there."""
    found = [
        {
            "at": one.timestamp,
            "topic": topic,
            "partition": one.partition,
            "offset": one.offset,
            "value": _without_state(one.value),
        }
        for topic in (CHANGES, FETCHES, SNAPSHOTS, REPLAYS)
        for one in await read_topic(stage.settings, stage.names.of(topic))
    ]
    return orjson.dumps(found)


def _without_state(value: bytes | None) -> object:
    try:
        content = orjson.loads(value or b"null")
    except orjson.JSONDecodeError:  # garbage that a stranger put there
        return repr((value or b"")[:GARBAGE_BYTES])
    if isinstance(content, dict):
        content.pop("state", None)
        if isinstance(content.get("snapshot"), dict):
            content["snapshot"].pop("state", None)
    return content
