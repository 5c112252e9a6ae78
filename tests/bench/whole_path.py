"""How many contacts one worker completes in a second, and how long a change takes at light load.

The far end is counted in the GHL sandbox (contacts) and on `ghl.receipts` (applied and settled).

    python -m tests.bench.whole_path syncs|latency BOOTSTRAP
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass
from typing import Any

from connectors.auth.request_auth import StaticAuth
from connectors.ghl.client import GhlClient
from connectors.http.transport import AiohttpTransport
from connectors.lofty.client import LoftyClient
from streams.demo.percentiles import percentile
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.messages import Change
from streams.messages.partitioning import partition_of
from streams.messages.topics import CHANGES
from tests.bench.town import PAIRS, SECRET, Plan, Town, processor_seconds, producer_of, run, town


async def syncs(bootstrap: str, leads: int) -> dict[str, Any]:
    """Contacts a second, from changes on the first topic to settled receipts."""
    async with town(bootstrap, Plan(leads=leads)) as on:
        producer = await producer_of(on.settings)
        before, began = processor_seconds(on), time.time()
        await BatchingProducer(producer).produce(changes_of(on))
        receipts, last = await on.settled(len(on.leads))
        used_ms = 1000 * (processor_seconds(on) - before) / len(receipts)
        await producer.stop()
        held = 0
        for number in range(PAIRS):
            held += len((await on.get(f"{on.ghl}/_sandbox/contacts", location=f"loc{number}"))["contacts"])
        base = [await _plain_client(on) for _ in range(2)]
        return {
            "syncs_per_second": len(receipts) / (last - began),
            "receipts": len(receipts),
            "contacts_held": held,
            "plain_client_per_second": base[0].per_second,
            "plain_client_again": base[1].per_second,
            "worker_processor_ms": used_ms,
            "plain_client_processor_ms": min(one.processor_ms for one in base),
            "worker_to_plain_client": used_ms / min(one.processor_ms for one in base),
        }


async def latency(bootstrap: str, *, per_second: float = 20.0, seconds: float = 15.0) -> dict[str, Any]:
    """From the gateway's acceptance of a ping to GHL's 2xx, at light load: half of them creates, half updates."""
    async with town(bootstrap, Plan(leads=320)) as on:
        await _subscribe(on)
        half = len(on.leads) // 2
        producer = await producer_of(on.settings)
        await BatchingProducer(producer).produce(changes_of(on)[:half])
        await on.settled(half)
        await producer.stop()
        await on.until_still()
        touched = int(per_second * seconds)
        for number in range(touched):
            connection, lead = on.leads[number % len(on.leads)]
            edit = {"lastName": f"Touched{number}"}
            team = on.plan.team(int(connection.removeprefix("pair")))
            async with on.http.patch(f"{on.lofty}/_sandbox/leads/{lead}", json=edit, params={"team": team}) as answer:
                answer.raise_for_status()
            await asyncio.sleep(1 / per_second)
        await on.until_still()
        receipts, _ = await on.settled(half + touched)
        waits = [
            one.at_ms - one.accepted_ms
            for one in sorted(receipts, key=lambda one: one.at_ms)[half:]
            if one.accepted_ms is not None
        ]
        cuts = {f"p{percent}_ms": percentile(waits, percent) for percent in (50, 90, 99)}
        return {"changes": len(waits), **cuts, "max_ms": max(waits)}


def changes_of(on: Town) -> list[Record]:
    """A change of every lead, for the first topic."""
    now_ms = time.time_ns() // 1_000_000
    records = []
    for connection, lead in on.leads:
        change = Change(
            connection=connection,
            lead=lead,
            kind="contact",
            id=lead,
            operation="created",
            update_time_ms=now_ms,
            accepted_ms=now_ms,
        )
        lane = change.entity.lane
        place = partition_of(lane, on.settings.kafka.partitions)
        records.append(Record(on.names.of(CHANGES), place, lane.encode(), change.to_bytes()))
    return records


async def _subscribe(on: Town) -> None:
    async with AiohttpTransport() as transport:
        for number in range(PAIRS):
            client = LoftyClient(transport, StaticAuth("token", f"key-{number}"), base_url=on.lofty)
            await client.create_subscription(2, f"{on.gateway}/lofty/{SECRET}-{number}")


@dataclass(frozen=True, slots=True)
class _PlainRun:
    """Contacts a second of the baseline, and the processor time that it used for each."""

    per_second: float
    processor_ms: float


async def _plain_client(on: Town) -> _PlainRun:
    """The baseline: the same two calls for each lead, as many at a time, and nothing else."""
    async with AiohttpTransport() as transport:
        lofty = {
            f"pair{n}": LoftyClient(transport, StaticAuth("token", f"key-{n}"), base_url=on.lofty) for n in range(PAIRS)
        }
        ghl = {
            f"pair{n}": GhlClient(transport, StaticAuth("Bearer", f"pit-{n}"), base_url=on.ghl) for n in range(PAIRS)
        }
        turn = asyncio.Semaphore(8 * PAIRS)

        async def sync(connection: str, lead: str) -> None:
            async with turn:
                state = await lofty[connection].get_lead(lead)
                body = {"locationId": connection.replace("pair", "loc"), "firstName": state["firstName"]}
                if state["emails"]:
                    body["email"] = state["emails"][0]
                write = ghl[connection].upsert_contact if "email" in body else ghl[connection].create_contact
                await write(body)

        began, before = time.perf_counter(), time.process_time()
        await asyncio.gather(*(sync(*lead) for lead in on.leads))
        used, count = time.process_time() - before, len(on.leads)
        return _PlainRun(count / (time.perf_counter() - began), 1000 * used / count)


if __name__ == "__main__":
    what, where = sys.argv[1:3]
    run(syncs(where, int(sys.argv[3]) if sys.argv[3:] else 6000) if what == "syncs" else latency(where))
