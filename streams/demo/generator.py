"""Generates activity at the two agencies on both sandboxes, without end: what `lofty-ghl sandbox town` runs.

It reads the sandboxes before each hour. So it may be stopped and started, and it fills a sandbox that lost its content.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from connectors.auth.request_auth import StaticAuth
from connectors.errors import ConnectorError
from connectors.http.transport import AiohttpTransport
from connectors.lofty.client import LoftyClient
from connectors.sandbox.lofty.people import make_leads, make_team
from streams.demo.activity import hour_of_edits, visit
from streams.demo.dataset import AGENCIES, Agency
from streams.operations.subscriptions.plan import reconcile

RETRY_SECONDS = 2.0
"""How long to wait for a sandbox or gateway that does not answer."""


@dataclass(frozen=True, slots=True)
class DemoAddresses:
    """Where the sandboxes listen, and where Lofty's pings go."""

    lofty: str
    ghl: str
    gateway: str


@dataclass(frozen=True, slots=True)
class GeneratorSettings:
    """`leads` for each agency, at the start; `pause_seconds` between bursts."""

    leads: int
    pause_seconds: float


class ActivityGenerator:
    """Generates the activity of both agencies. `say` prints what happens."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        addresses: DemoAddresses,
        settings: GeneratorSettings,
        say: Callable[[str], None] = lambda words: None,
    ) -> None:
        self._http = http
        self._addresses = addresses
        self._settings = settings
        self._say = say

    async def run(self) -> None:
        """Run until cancelled. Waits for a sandbox or gateway that does not answer."""
        seed = int(time.time())  # another day at each start: no new lead comes twice
        while True:
            try:
                await self.prepare()
                while True:
                    seed += 1
                    await self.generate_hour(seed)
            except (aiohttp.ClientError, ConnectorError, TimeoutError) as error:
                self._say(f"waiting {RETRY_SECONDS:g} s: {error or type(error).__name__}")
                await asyncio.sleep(RETRY_SECONDS)

    async def prepare(self) -> None:
        """Subscribe the gateway to Lofty's pings, and fill each team that is empty."""
        async with self._http.get(f"{self._addresses.gateway}/readyz") as answer:
            answer.raise_for_status()
        for number, agency in enumerate(AGENCIES):
            await self._subscribe(agency)
            if not await self._leads_of(agency):
                await self._post(f"{self._addresses.lofty}/_sandbox/seed", make_team(), team=str(agency.team))
                body = {"leads": make_leads(self._settings.leads, seed=number + 1), "tells": True}
                await self._post(f"{self._addresses.lofty}/_sandbox/seed", body, team=str(agency.team))
                self._say(f"{agency.name}: {self._settings.leads} leads come in")

    async def generate_hour(self, seed: int) -> None:
        """Bursts at both agencies, and a visit to GHL with each."""
        teams = [await self._leads_of(agency) for agency in AGENCIES]
        if not all(teams):
            raise aiohttp.ClientError("a team is empty: its sandbox was restarted")
        hours = [hour_of_edits(team, seed + number) for number, team in enumerate(teams)]
        for minute, bursts in enumerate(zip(*hours, strict=True)):
            for agency, burst in zip(AGENCIES, bursts, strict=True):
                await self._post(f"{self._addresses.lofty}/_sandbox/edits", {"edits": burst}, team=str(agency.team))
            await self._visit(AGENCIES[minute % len(AGENCIES)], seed + minute)
            await asyncio.sleep(self._settings.pause_seconds)

    async def _visit(self, agency: Agency, seed: int) -> None:
        found = await self._get(f"{self._addresses.ghl}/_sandbox/contacts", location=agency.location)
        for act in visit(found["contacts"], agency.location, seed, time.time()):
            await self._post(f"{self._addresses.ghl}/_sandbox/act", act)

    async def _leads_of(self, agency: Agency) -> list[dict[str, Any]]:
        found = await self._get(f"{self._addresses.lofty}/_sandbox/leads", team=str(agency.team))
        return list(found["leads"])

    async def _subscribe(self, agency: Agency) -> None:
        base = f"{self._addresses.gateway}/lofty/"
        url = base + agency.webhook_secret
        async with AiohttpTransport() as transport:
            client = LoftyClient(transport, StaticAuth("token", agency.lofty_key), base_url=self._addresses.lofty)
            others = {base + one.webhook_secret for one in AGENCIES if one != agency}
            for step in reconcile(await client.list_subscriptions(), url, base, others):
                if step.action == "create":
                    await client.create_subscription(step.list_id, url)

    async def _get(self, url: str, **params: str) -> Any:
        async with self._http.get(url, params=params) as answer:
            return await _content(answer)

    async def _post(self, url: str, body: Any, **params: str) -> Any:
        async with self._http.post(url, json=body, params=params) as answer:
            return await _content(answer)


async def _content(answer: aiohttp.ClientResponse) -> Any:
    """What a control API answers. Raises `ClientError` with its words for a refusal."""
    if answer.status >= 400:
        raise aiohttp.ClientError(f"{answer.url.path} answers {answer.status}: {await answer.text()}")
    return await answer.json()
