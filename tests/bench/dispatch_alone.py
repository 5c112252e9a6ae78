"""How far the dispatcher alone uses 50 locations' windows in real time: GHL's own 100 requests in 10 seconds, 500 a second.

Only the dispatcher, the client and the transport run, against the GHL sandbox: no Kafka, no tables, no reading.
Every contact is always due, each request changes one; a note of spending takes `NOTE_SECONDS`, as an append would.

    python -m tests.bench.dispatch_alone [--quick]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from connectors.auth.request_auth import StaticAuth
from connectors.errors import ConnectorError
from connectors.ghl.client import GhlClient
from connectors.http.call_record import CallRecord
from connectors.http.transport import AiohttpTransport
from connectors.outcome import Disposition, classify
from streams.core.scheduling.budget_row import BudgetRow
from streams.core.scheduling.dispatcher import BudgetPolicy, Item
from streams.demo.processes import Child
from streams.worker.dispatch.loop import AGAIN, DispatchLoop, DispatchWork, RequestSlot, WorkResult
from tests.bench.town import run
from tests.bench.windows import summary, use

LIMIT = 100
WINDOW_SECONDS = 10.0
LATENCY_SECONDS = 0.1
NOTE_SECONDS = 0.01
CONTACTS_EACH = 40
IN_FLIGHT = 8


async def dispatch_alone(locations: int, windows: int) -> dict[str, Any]:
    """Keep all locations busy for a window to warm up and as many as are measured."""
    names = [f"loc{number}" for number in range(locations)]
    with tempfile.TemporaryDirectory(prefix="lofty-ghl-bench-") as folder, ExitStack() as processes:
        options = [f"--latency={LATENCY_SECONDS}", f"--limit={LIMIT}", f"--window={WINDOW_SECONDS}"]
        options += [f"--location={name}=pit-{name}" for name in names]
        sandbox = Child("sandbox-ghl", ["sandbox", "ghl", "--port=0", *options], {}, Path(folder), processes)
        url = await sandbox.first_line()
        async with aiohttp.ClientSession() as http, AiohttpTransport(instance="alone") as transport:
            contacts = {name: await _seed(http, url, name) for name in names}
            loop = _dispatching(transport, url, contacts)
            began = time.time()
            working = asyncio.create_task(loop.run())
            await asyncio.sleep(WINDOW_SECONDS * (windows + 1) + 1.0)
            ended = time.time()
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await loop.drain()
            rows: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
            after = 0
            while page := await _page(http, url, after):
                for row in page:
                    rows[row["budget"]].append(row)
                after = page[-1]["seq"]
        since = began + WINDOW_SECONDS
        found = summary(use(rows[name], LIMIT, WINDOW_SECONDS, since, ended) for name in names)
        return {"locations": locations, "wanted_per_second": locations * LIMIT / WINDOW_SECONDS, **found}


def _dispatching(transport: AiohttpTransport, url: str, contacts: dict[str, list[str]]) -> DispatchLoop:
    """A dispatcher that owns every location and has every contact to do."""
    edits = count(1)

    async def write(item: Item, slot: RequestSlot) -> WorkResult:
        try:
            await clients[item.budget].update_contact(item.key, {"lastName": f"Edit{next(edits)}"})
        except ConnectorError as error:
            slot.answered()
            if classify(error).disposition is Disposition.THROTTLED:
                loop.pause(item.budget, WINDOW_SECONDS, str(error))
            return AGAIN
        slot.answered()
        return AGAIN

    async def note(_budget: str, _row: BudgetRow) -> None:
        await asyncio.sleep(NOTE_SECONDS)

    def answered(budget: str, answer: CallRecord) -> None:
        if answer.rate is not None:
            loop.observe(budget, answer.rate)

    loop = DispatchLoop(
        "alone", DispatchWork(write), time.monotonic, note=note, now_ms=lambda: time.time_ns() // 1_000_000
    )
    clients = {
        name: GhlClient(transport, StaticAuth("Bearer", f"pit-{name}"), base_url=url, on_answer=partial(answered, name))
        for name in contacts
    }
    for name, ids in contacts.items():
        loop.acquire(name, BudgetPolicy(LIMIT, WINDOW_SECONDS, IN_FLIGHT, is_noted=True))
        for one in ids:
            loop.offer_item(Item(one, one, name, name))
    return loop


async def _seed(http: aiohttp.ClientSession, url: str, location: str) -> list[str]:
    people = [{"firstName": "Ada", "email": f"{location}-{n}@example.com"} for n in range(CONTACTS_EACH)]
    async with http.post(f"{url}/_sandbox/seed", json={"location": location, "contacts": people}) as answer:
        answer.raise_for_status()
        found: list[str] = (await answer.json())["contacts"]
        return found


async def _page(http: aiohttp.ClientSession, url: str, after: int) -> list[dict[str, Any]]:
    async with http.get(f"{url}/_sandbox/ledger", params={"after": str(after), "limit": "5000"}) as answer:
        answer.raise_for_status()
        found: list[dict[str, Any]] = (await answer.json())["entries"]
        return found


if __name__ == "__main__":
    run(dispatch_alone(*((10, 2) if "--quick" in sys.argv else (50, 5))))
