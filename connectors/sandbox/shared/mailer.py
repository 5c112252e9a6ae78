"""Delivers what a sandbox reports by webhook: in the background, with the losses, repeats and delays of its settings."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

import aiohttp
from aiohttp import web


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """How webhooks travel. Times are in seconds; `duplicates`, `reorders` and `losses` are probabilities for one delivery.

    Changes are collected for `flush_seconds`, then delivered, `in_flight` at a time.
    A delivery is attempted `attempts` times in all, `retry_seconds` apart.
    `delay_seconds` is the longest extra wait: with it deliveries overtake each other.
    """

    flush_seconds: float = 0.05
    delay_seconds: float = 0.0
    duplicates: float = 0.0
    reorders: float = 0.0
    losses: float = 0.0
    attempts: int = 5
    retry_seconds: float = 0.2
    timeout_seconds: float = 10.0
    in_flight: int = 16


@dataclass(frozen=True, slots=True)
class Delivery:
    """One body for one URL, not to be sent before `wait_seconds` have passed."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_seconds: float = 0.0


class Mailer(ABC):
    """Delivers a sandbox's webhooks while it runs. `counts` counts deliveries: requests, delivered, given up and so on."""

    def __init__(self) -> None:
        self._deliveries: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.Task[None] | None = None
        self.reset()

    def reset(self) -> None:
        """Forget the deliveries on their way, and the counts."""
        for delivery in self._deliveries:
            delivery.cancel()
        self._random = Random(self._seed)
        self._slots = asyncio.Semaphore(self._settings.in_flight)
        self.counts: Counter[str] = Counter()

    @property
    @abstractmethod
    def _settings(self) -> DeliverySettings:
        """How deliveries travel, by the sandbox's present settings."""

    @property
    @abstractmethod
    def _seed(self) -> int:
        """The seed of the sandbox's dice."""

    @property
    @abstractmethod
    def _unsent(self) -> int:
        """How many changes wait for the next flush."""

    @abstractmethod
    def flush(self) -> None:
        """Send what has happened since the last flush."""

    @abstractmethod
    def _is_delivered(self, status: int | None) -> bool:
        """Whether the vendor takes this answer for a delivery."""

    def _is_retried(self, status: int | None) -> bool:
        """Whether the vendor tries again after this answer."""
        return True

    def _is_wanted(self, url: str) -> bool:
        """Whether somebody is still subscribed with this URL: what nobody wants any longer is not tried again."""
        return True

    @property
    def pending(self) -> int:
        """How many changes and deliveries are still on their way. 0: each was delivered, or given up."""
        return self._unsent + len(self._deliveries)

    async def start(self, _: web.Application | None = None) -> None:
        """Begin to deliver."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._settings.timeout_seconds))
        self._loop = asyncio.create_task(self._run())

    async def stop(self, _: web.Application | None = None) -> None:
        """Stop delivering. What is on its way is lost."""
        tasks = [*self._deliveries, *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._settings.flush_seconds)
            self.flush()

    def _send_by_chance(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a body as the settings say: not at all, once or twice, at once or held back."""
        settings, random = self._settings, self._random
        if random.random() < settings.losses:
            self.counts["lost"] += 1
            return
        copies = 2 if random.random() < settings.duplicates else 1
        self.counts["duplicates"] += copies - 1
        for _ in range(copies):
            wait = random.random() * settings.delay_seconds
            if random.random() < settings.reorders:
                # Held back for longer than some flushes take: later deliveries overtake it.
                self.counts["held back"] += 1
                wait += random.random() * 5 * settings.flush_seconds
            self._send(Delivery(url, body, headers, wait))

    def _send(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._deliver(delivery))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)

    async def _deliver(self, delivery: Delivery) -> None:
        if delivery.wait_seconds:
            await asyncio.sleep(delivery.wait_seconds)
        settings = self._settings
        for attempt in range(settings.attempts):
            if attempt:
                await asyncio.sleep(settings.retry_seconds)
                if not self._is_wanted(delivery.url):
                    break
            async with self._slots:
                status = await self._post(delivery)
            self.counts["requests"] += 1
            self.counts[f"answered {status}"] += 1
            if self._is_delivered(status):
                self.counts["delivered"] += 1
                return
            if not self._is_retried(status):
                break
        self.counts["given up"] += 1

    async def _post(self, delivery: Delivery) -> int | None:
        """The status of the answer, None when there was none."""
        if self._session is None:
            return None
        headers = {"Content-Type": "application/json", **delivery.headers}
        try:
            async with self._session.post(delivery.url, data=delivery.body, headers=headers) as answer:
                await answer.read()
                return answer.status
        except (TimeoutError, aiohttp.ClientError, OSError):
            return None
