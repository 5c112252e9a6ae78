"""The way of pings: what happened is collected, batched, delivered to callback URLs, and mistreated as settings say."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from random import Random

import aiohttp
from aiohttp import web

from connectors.sandbox.lofty.pings import bodies, by_list
from connectors.sandbox.lofty.sandbox import LoftySandbox
from connectors.sandbox.lofty.settings import PingSettings
from connectors.sandbox.lofty.state import Team


@dataclass(frozen=True, slots=True)
class Delivery:
    """One body on its way to one callback URL, not before `wait_seconds` have passed."""

    url: str
    body: bytes
    wait_seconds: float = 0.0


class Mailer:
    """Delivers a sandbox's pings while it runs. `counts` tells of deliveries: sent, delivered, given up and so on."""

    def __init__(self, sandbox: LoftySandbox) -> None:
        self._sandbox = sandbox
        self._deliveries: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.Task[None] | None = None
        self.reset()

    def reset(self) -> None:
        """Forget what is on its way and what was counted."""
        for one in self._deliveries:
            one.cancel()
        self._random = Random(self._sandbox.settings.seed)
        self._slots = asyncio.Semaphore(self._settings.in_flight)
        self.counts: Counter[str] = Counter()

    @property
    def _settings(self) -> PingSettings:
        return self._sandbox.settings.pings

    @property
    def pending(self) -> int:
        """What is still to be told, and deliveries still on their way. 0: everyone has heard everything."""
        return sum(len(team.outbox) for team in self._sandbox.teams.values()) + len(self._deliveries)

    # -- running ---------------------------------------------------------------------------------------------

    async def start(self, _: web.Application | None = None) -> None:
        """Begin to deliver."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._settings.timeout_seconds))
        self._loop = asyncio.create_task(self._run())

    async def stop(self, _: web.Application | None = None) -> None:
        """Deliver no more; what is on its way is lost."""
        tasks = [*self._deliveries, *([self._loop] if self._loop else [])]
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._settings.flush_seconds)
            for team in self._sandbox.teams.values():
                self.flush(team)

    # -- what goes to whom -----------------------------------------------------------------------------------

    def flush(self, team: Team) -> None:
        """Send out what has happened in a team since the last time."""
        happenings, team.outbox = team.outbox, []
        for list_id, found in by_list(happenings).items():
            subscriptions = [one for one in team.subscriptions.values() if one["listId"] == list_id]
            if not subscriptions:
                self.counts["unheard"] += len(found)
            for one in subscriptions:
                for body in bodies(team.id, list_id, found, one["limit"]):
                    for delivery in self._fate(one["callbackUrl"], body):
                        self._send(delivery)

    def send_raw(self, team: Team, body: bytes, list_id: int | None = None) -> int:
        """Send any body as it is, once to each callback URL (of one list, or of all). Returns to how many."""
        urls = {one["callbackUrl"]: None for one in team.subscriptions.values() if list_id in (None, one["listId"])}
        for url in urls:
            self._send(Delivery(url, body))
        return len(urls)

    def _fate(self, url: str, body: bytes) -> list[Delivery]:
        """What becomes of a delivery: it is lost, or goes out once or twice, at once or held back."""
        settings, random = self._settings, self._random
        if random.random() < settings.losses:
            self.counts["lost"] += 1
            return []
        copies = 2 if random.random() < settings.duplicates else 1
        self.counts["duplicates"] += copies - 1
        found = []
        for _ in range(copies):
            wait = random.random() * settings.delay_seconds
            if random.random() < settings.reorders:
                # Held back for longer than some flushes take: later pings overtake it.
                self.counts["held back"] += 1
                wait += random.random() * 5 * settings.flush_seconds
            found.append(Delivery(url, body, wait))
        return found

    # -- sending ---------------------------------------------------------------------------------------------

    def _send(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._deliver(delivery))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)

    async def _deliver(self, delivery: Delivery) -> None:
        if delivery.wait_seconds:
            await asyncio.sleep(delivery.wait_seconds)
        for attempt in range(self._settings.attempts):
            if attempt:
                await asyncio.sleep(self._settings.retry_seconds)
            async with self._slots:
                status = await self._post(delivery)
            self.counts["requests"] += 1
            self.counts[f"answered {status}"] += 1
            if status == 200:
                self.counts["delivered"] += 1
                return
        self.counts["given up"] += 1

    async def _post(self, delivery: Delivery) -> int | None:
        """The status of the answer, None when there was none."""
        if self._session is None:
            return None
        headers = {"Content-Type": "application/json"}
        try:
            async with self._session.post(delivery.url, data=delivery.body, headers=headers) as answer:
                await answer.read()
                return answer.status
        except (TimeoutError, aiohttp.ClientError, OSError):
            return None
