"""The overview: the deployment as its workers tell it, now and over the last hours. It asks nobody; it listens to `status`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from aiokafka.errors import KafkaError

from streams.console.errors import NotNow
from streams.console.services.contacts import Contacts
from streams.console.services.parked import ParkedGroups, ParkedWork
from streams.console.services.time_series import HOURS, STEP_MS, Point, Points, oldest_ms, point_of
from streams.core.status_parts import StatusCollector
from streams.kafka.topic_reader import TopicReader
from streams.messages import WorkerStatus
from streams.messages.topics import STATUS, TopicNames
from streams.operations.status.overview import Overview, overview, rates
from streams.settings import Settings
from streams.telemetry.status_publisher import configuration_of

log = logging.getLogger("lofty_ghl.console")

RATE_MS = 30_000
"""Rates are those of the last half minute."""
UNTIMED = 1_000
"""So many records of a partition are read where the broker cannot look up offsets by time (the embedded one)."""
RETRY_SECONDS = 2.0
FIRST_LOOK_SECONDS = 10.0
FORGET_MS = 15 * 60_000


@dataclass(frozen=True, slots=True)
class IndexState:
    """The history index: how many contacts it knows, and how many records it had not read yet at `looked_ms`."""

    is_on: bool
    contacts: int
    behind: int
    is_complete: bool
    looked_ms: int


@dataclass(frozen=True, slots=True)
class OverviewNow:
    """Everything at a glance. `rates` are records a second over the last half minute, by stage and count."""

    deployment: Overview
    rates: dict[str, float]
    oldest_accepted_ms: int | None
    parked: ParkedGroups
    index: IndexState


@dataclass(frozen=True, slots=True)
class History:
    """The last hours, a point for each step of `step_ms`."""

    step_ms: int
    points: tuple[Point, ...]


class Watch:
    """Follows the topic `status` from some hours ago on. `start` and `stop`."""

    def __init__(self, settings: Settings, now_ms: Callable[[], int]) -> None:
        self._settings = settings
        self._now_ms = now_ms
        self._topic = TopicNames(settings.kafka.topic_prefix).of(STATUS)
        self._collector = StatusCollector()
        self._recent: dict[str, deque[WorkerStatus]] = {}
        self._points = Points(settings.kafka.partitions, tuple(settings.connections))
        self._is_there = asyncio.Event()
        self._problem = "the gateway has not heard of any worker yet"
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End it."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def deployment(self) -> tuple[Overview, dict[str, float]]:
        """As it is now, with its rates. Raises `NotNow` while Kafka cannot be reached."""
        if self._task is not None and not self._is_there.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_there.wait(), FIRST_LOOK_SECONDS)
        if not self._is_there.is_set():
            raise NotNow(f"Kafka cannot be used now: {self._problem}.")
        now_ms = self._now_ms()
        statuses = [one for one in self._collector.workers if now_ms - one.at_ms < FORGET_MS]
        found = overview(
            statuses,
            now_ms,
            partitions=self._settings.kafka.partitions,
            connections=self._settings.connections.keys(),
            gateways=self._collector.gateways,
            configuration=configuration_of(self._settings),
        )
        before = [
            next((one for one in kept if now_ms - one.at_ms <= RATE_MS), kept[0])
            for kept in self._recent.values()
            if kept
        ]
        return found, {name: round(rate, 3) for name, rate in rates(before, statuses).items()}

    async def history(self) -> History:
        """The last hours up to now."""
        found, _ = await self.deployment()
        newest = [one.status for one in found.workers]
        before = [kept[0] for kept in self._recent.values() if kept]
        return History(STEP_MS, (*self._points.points, point_of(found, newest, before)))

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except KafkaError as error:
                self._problem = str(error) or type(error).__name__
                self._is_there.clear()
                log.warning("the overview waits for Kafka: %s", self._problem)
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        newest_ms = max((status.at_ms for status in self._collector.workers), default=0)
        since_ms = max(self._now_ms() - HOURS * 3_600_000, newest_ms - RATE_MS)
        async with TopicReader(
            self._settings, self._topic, since_ms=since_ms, newest=UNTIMED, fetch_max_wait_ms=100
        ) as reader:
            while True:
                statuses = [
                    status for record in await reader.poll(500) if (status := self._collector.take(record.value))
                ]
                for status in sorted(statuses, key=lambda status: status.at_ms):
                    self._take(status)
                if not self._is_there.is_set() and await reader.has_reached(reader.ends):
                    self._is_there.set()

    def _take(self, status: WorkerStatus) -> None:
        self._recent.setdefault(status.instance, deque(maxlen=20)).append(status)
        self._points.hear(status)
        now_ms = self._now_ms()
        self._collector.forget(now_ms - FORGET_MS)
        for instance, kept in list(self._recent.items()):
            if now_ms - kept[-1].at_ms > FORGET_MS and instance != status.instance:
                del self._recent[instance]


class OverviewService:
    """What the first page shows."""

    def __init__(self, watch: Watch, parked: ParkedWork, contacts: Contacts) -> None:
        self._watch = watch
        self._parked = parked
        self._contacts = contacts
        self._kept: tuple[float, OverviewNow | None] = (0.0, None)

    async def now(self) -> OverviewNow:
        """The deployment now; looked at again after a second."""
        at, kept = self._kept
        if kept is not None and time.monotonic() - at < 1.0:
            return kept
        deployment, rates_now = await self._watch.deployment()
        fresh = await self._contacts.freshness()
        index = IndexState(False, 0, 0, False, 0)
        if fresh is not None:
            index = IndexState(True, fresh.contacts, fresh.behind, fresh.is_complete, fresh.looked_ms)
        found = OverviewNow(deployment, rates_now, oldest_ms(deployment), await self._parked.groups(), index)
        self._kept = (time.monotonic(), found)
        return found

    async def history(self) -> History:
        """The last hours."""
        return await self._watch.history()
