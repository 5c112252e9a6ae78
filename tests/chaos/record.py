"""The end of a run: everything comes to rest, then what the judge needs is read."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from pathlib import Path

import orjson

from connectors.ghl.sandbox.seeds import shown
from connectors.lofty.sandbox import desk_work
from streams.appender import Appender, Record
from streams.kafka import new_producer, read_topic
from streams.settings import Settings
from streams.topics import CHANGES, FETCHES, PARKED, RECEIPTS, SNAPSHOTS
from streams.words import FENCE_KEY, Parked, Receipt, Snapshot
from tests.chaos.judge import History, Tenure
from tests.chaos.stage import GHL_LIMIT, GHL_WINDOW_SECONDS, IN_FLIGHT, LOFTY_PER_MINUTE, Stage

STILL_SECONDS = 6.0
REST_SECONDS = 240.0


async def until_still(stage: Stage) -> None:
    """Wait until all pings are delivered and the vendors were not asked anything for a while."""
    asked, since, deadline = -1, time.monotonic(), time.monotonic() + REST_SECONDS
    while time.monotonic() - since < STILL_SECONDS:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the vendors are still asked after {REST_SECONDS:.0f} s of peace")
        now = stage.asked()
        if now != asked or await stage.pings_pending():
            asked, since = now, time.monotonic()
        await asyncio.sleep(0.2)


async def replay_snapshots(stage: Stage) -> int:
    """Put the newest snapshot of every entity on the topic again: what a changed mapping makes different is rewritten."""
    newest = {one.key: one for one in await read_topic(stage.settings, stage.names.of(SNAPSHOTS))}
    producer = new_producer(stage.settings)
    await producer.start()
    try:
        again = []
        for key, one in newest.items():
            snapshot = Snapshot.from_bytes(one.value).model_copy(update={"origin": "replay"})
            again.append(Record(one.topic, one.partition, key, snapshot.to_bytes()))
        await Appender(producer).append(again)
    finally:
        await producer.stop()
    return len(again)


async def read_history(stage: Stage, settings: Settings) -> History:
    """Everything that the judge looks at."""
    leads, found = {}, {}
    for number, name in enumerate(settings.connections):
        leads[name] = desk_work.everything(stage.lofty.teams[9000 + number], with_trash=True)
        place = stage.ghl.place(f"loc{number}")
        found[name] = {
            "contacts": [shown(one) for one in place.contacts.values()],
            "customFields": list(place.custom_fields.values()),
            "users": list(place.users.values()),
        }
    receipts = await read_topic(settings, stage.names.of(RECEIPTS))
    parked = await read_topic(settings, stage.names.of(PARKED))
    limits = {f"loc{n}": (GHL_LIMIT, GHL_WINDOW_SECONDS) for n in range(len(leads))}
    limits |= {str(9000 + n): (LOFTY_PER_MINUTE, 60.0) for n in range(len(leads))}
    return History(
        settings=settings,
        ghl=stage.ghl.ledger.after(),
        lofty=stage.lofty.ledger.after(),
        leads=leads,
        found=found,
        receipts=[Receipt.from_bytes(one.value) for one in receipts if one.key != FENCE_KEY],
        parked=[Parked.from_bytes(one.value) for one in parked],
        limits=limits,
        in_flight=IN_FLIGHT,
        frozen=[Tenure(one.whom, one.at, one.until or one.at) for one in stage.happened if one.what == "frozen"],
    )


async def read_topics(stage: Stage) -> bytes:
    """Every record of the pipeline's own topics, as JSON: where a lost change stopped is seen there."""
    found = [
        {
            "at": one.timestamp,
            "topic": topic,
            "partition": one.partition,
            "offset": one.offset,
            "value": _json(one.value),
        }
        for topic in (CHANGES, FETCHES, SNAPSHOTS)
        for one in await read_topic(stage.settings, stage.names.of(topic))
    ]
    return orjson.dumps(found)


def _json(value: bytes | None) -> object:
    content = orjson.loads(value or b"null")
    if isinstance(content, dict):
        content.pop("state", None)
    return content


def save(path: Path, history: History, stage: Stage) -> None:
    """Everything that a violation may be explained by, as JSON."""
    path.write_bytes(
        orjson.dumps(
            {
                "happened": [asdict(one) for one in stage.happened],
                "ghl": [asdict(one) for one in history.ghl],
                "lofty": [asdict(one) for one in history.lofty],
                "receipts": [one.model_dump(exclude_defaults=True) for one in history.receipts],
                "parked": [one.model_dump(exclude={"original"}) for one in history.parked],
            },
            option=orjson.OPT_INDENT_2,
        )
    )
