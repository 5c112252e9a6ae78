"""The end of a run: everything comes to rest, then what the judge needs is read."""

from __future__ import annotations

import asyncio
import time

from connectors.ghl.sandbox.seeds import shown
from connectors.lofty.sandbox import desk_work
from streams.appender import Appender, Record
from streams.kafka import new_producer, read_topic
from streams.settings import Settings
from streams.topics import PARKED, RECEIPTS, SNAPSHOTS
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
        if now != asked or stage.lofty.mailer.pending:
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
