"""The baseline of the limits: what one writes first. Each ping is one read and one write, and a 429 is tried again.

It waits with exponential backoff and full jitter, as everybody advises, and knows nothing of windows.
As many requests of a location are under way as the worker may have, and pings of a location are taken as they came.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.auth.request_auth import StaticAuth
from connectors.errors import ConnectorError, VendorError
from connectors.ghl.client import GhlClient
from connectors.http.transport import AiohttpTransport
from connectors.lofty.client import LoftyClient
from tests.bench.town import Town

FIRST_SECONDS = 1.0


@dataclass(slots=True)
class PlainClient:
    """`async with PlainClient(town) as client`, then `ping` it. `carried` are the freshness of each change in milliseconds.

    A backoff doubles from a second up to one window of the vendor: longer waits would be unfair to it.
    """

    on: Town
    carried: list[tuple[str, float]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    """What it gave up, by the error's own words."""
    _queues: dict[str, asyncio.Queue[tuple[str, float]]] = field(default_factory=dict)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _transport: AiohttpTransport = field(default_factory=lambda: AiohttpTransport(instance="plain"))

    async def __aenter__(self) -> PlainClient:
        for number in range(self.on.plan.pairs):
            queue = self._queues[f"pair{number}"] = asyncio.Queue()
            lofty = LoftyClient(self._transport, StaticAuth("token", self.on.plan.key(number)), base_url=self.on.lofty)
            ghl = GhlClient(self._transport, StaticAuth("Bearer", f"pit-{number}"), base_url=self.on.ghl)
            for _ in range(self.on.plan.in_flight_per_location):
                self._tasks.append(asyncio.create_task(self._work(number, queue, lofty, ghl)))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._transport.aclose()

    def ping(self, connection: str, lead: str) -> None:
        """A lead has changed."""
        self._queues[connection].put_nowait((lead, time.time()))

    @property
    def waiting(self) -> int:
        """Pings that are not taken yet."""
        return sum(queue.qsize() for queue in self._queues.values())

    async def _work(
        self, number: int, queue: asyncio.Queue[tuple[str, float]], lofty: LoftyClient, ghl: GhlClient
    ) -> None:
        while True:
            lead, accepted = await queue.get()
            try:
                await self._until_admitted(ghl, _body(f"loc{number}", await lofty.get_lead(lead)))
            except ConnectorError as error:
                self.refused[re.sub(r"\w*\d\w*", "N", str(error))] += 1
            else:
                self.carried.append((f"pair{number}", 1000 * (time.time() - accepted)))

    async def _until_admitted(self, ghl: GhlClient, body: Mapping[str, Any]) -> None:
        ceiling = FIRST_SECONDS
        while True:
            try:
                await (ghl.upsert_contact if "email" in body else ghl.create_contact)(body)
                return
            except VendorError as error:
                if error.status != 429:
                    raise
            await asyncio.sleep(random.random() * ceiling)
            ceiling = min(2 * ceiling, self.on.plan.ghl_window_seconds)


def _body(location: str, lead: Mapping[str, Any]) -> dict[str, Any]:
    body = {"locationId": location, "firstName": lead["firstName"], "lastName": lead["lastName"]}
    if lead["emails"]:
        body["email"] = lead["emails"][0]
    if lead["phones"]:
        body["phone"] = "+1" + re.sub(r"\D", "", lead["phones"][0])[-10:]
    return body
