"""The overview: the deployment as its workers report it on the topic `status`, now and over the last hours."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from streams.console.auth.scope import current_scope
from streams.console.background import TopicFollower
from streams.console.services.contacts import Contacts
from streams.console.services.kafka_errors import seconds_left, unreachable
from streams.console.services.parked import ParkedGroups, ParkedWork
from streams.console.services.time_series import HOURS, STEP_MS, Point, TimeSeries, oldest_ms, point_of
from streams.console.services.visible import visible_deployment
from streams.core.status_parts import StatusCollector
from streams.messages import WorkerStatus
from streams.messages.topics import STATUS
from streams.operations.status.overview import Overview, overview, rates
from streams.settings import Settings
from streams.telemetry.status_publisher import configuration_of

RATE_MS = 30_000
"""Rates are those of the last half minute."""
FIRST_READ_SECONDS = 10.0
FORGET_MS = 15 * 60_000
SILENT_SECONDS = 25.0
"""This gateway reports every five seconds: when even that does not come back, Kafka does not answer."""


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
    """Everything at a glance. `rates` are records a second over the last half minute, by stage and count.

    `is_limited`: it is of some connections only, and without what is counted for all of them together.
    """

    deployment: Overview
    rates: dict[str, float]
    oldest_accepted_ms: int | None
    parked: ParkedGroups
    index: IndexState
    is_limited: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """The last hours, a point for each step of `step_ms`."""

    step_ms: int
    points: tuple[Point, ...]


class DeploymentFollower(TopicFollower):
    """Follows the topic `status`, from some hours ago."""

    def __init__(self, file: Settings, settings: Callable[[], Settings], now_ms: Callable[[], int]) -> None:
        super().__init__(file, STATUS)
        self._in_force = settings
        self._now_ms = now_ms
        self._statuses = StatusCollector()
        self._recent: dict[str, deque[WorkerStatus]] = {}
        self._series = TimeSeries(file.kafka.partitions, tuple(file.connections))
        self._was_read = False
        self._problem = "no worker has reported to this gateway yet"
        self._heard = time.monotonic()

    async def overview(self) -> Overview:
        """The deployment alone; see `deployment`."""
        return (await self.deployment())[0]

    async def deployment(self) -> tuple[Overview, dict[str, float]]:
        """The deployment now, with its rates. Raises `Unavailable` while Kafka cannot be reached."""
        if self._task is not None and not self.has_read.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self.has_read.wait(), seconds_left(FIRST_READ_SECONDS))
        if not self.has_read.is_set():
            raise unreachable(self._problem)
        silent_seconds = time.monotonic() - self._heard
        if silent_seconds > SILENT_SECONDS:
            raise unreachable(f"for {silent_seconds:.0f} s it has said nothing, not even what this gateway reports")
        found, statuses = self._known()
        before = [
            next((status for status in kept if found.at_ms - status.at_ms <= RATE_MS), kept[0])
            for kept in self._recent.values()
            if kept
        ]
        return found, {name: round(rate, 3) for name, rate in rates(before, statuses).items()}

    def seen(self) -> Overview | None:
        """The deployment by what was read last, without waiting for Kafka; None before it was read once."""
        return self._known()[0] if self._was_read else None

    def _known(self) -> tuple[Overview, list[WorkerStatus]]:
        now_ms, settings = self._now_ms(), self._in_force()
        statuses = [status for status in self._statuses.workers if now_ms - status.at_ms < FORGET_MS]
        found = overview(
            statuses,
            now_ms,
            partitions=settings.kafka.partitions,
            connections={name: one.title for name, one in settings.connections.items()},
            gateways=self._statuses.gateways,
            configuration=configuration_of(settings),
        )
        return found, statuses

    async def history(self) -> History:
        """The last hours up to now."""
        found, _ = await self.deployment()
        newest = [worker.status for worker in found.workers]
        before = [kept[0] for kept in self._recent.values() if kept]
        return History(STEP_MS, self._series.until(point_of(found, newest, before)))

    def _since_ms(self) -> int:
        newest = max((status.at_ms for status in self._statuses.workers), default=0)
        return max(self._now_ms() - HOURS * 3_600_000, newest - RATE_MS)

    def _on_error(self, problem: str) -> None:
        self._problem = problem
        self.has_read.clear()

    def _take(self, values: Sequence[bytes | None]) -> None:
        self._was_read = self._was_read or self.has_read.is_set()
        if values:
            self._heard = time.monotonic()
        statuses = [status for value in values if (status := self._statuses.take(value))]
        now_ms = self._now_ms()
        self._series.connections = tuple(self._in_force().connections)
        for status in sorted(statuses, key=lambda status: status.at_ms):
            self._recent.setdefault(status.instance, deque(maxlen=20)).append(status)
            self._series.add(status)
        self._statuses.forget(now_ms - FORGET_MS)
        self._recent = {
            instance: kept for instance, kept in self._recent.items() if now_ms - kept[-1].at_ms <= FORGET_MS
        }


class OverviewService:
    """What the first page shows."""

    def __init__(self, follower: DeploymentFollower, parked: ParkedWork, contacts: Contacts) -> None:
        self._follower = follower
        self._parked = parked
        self._contacts = contacts
        self._kept: tuple[float, tuple[Overview, dict[str, float]] | None] = (0.0, None)

    async def now(self) -> OverviewNow:
        """The deployment now, as far as whoever asks may see it."""
        scope = current_scope()
        deployment, rates_now = await self._deployment()
        deployment = visible_deployment(deployment, scope)
        fresh = await self._contacts.freshness()
        index = IndexState(False, 0, 0, False, 0)
        if fresh is not None:
            index = IndexState(True, fresh.contacts, fresh.behind, fresh.is_complete, fresh.looked_ms)
        rates_now = {} if scope.is_limited else rates_now
        parked = await self._parked.groups()
        return OverviewNow(deployment, rates_now, oldest_ms(deployment), parked, index, scope.is_limited)

    async def history(self) -> History:
        """The last hours; without points for somebody who is limited, as they are sums of all connections."""
        return History(STEP_MS, ()) if current_scope().is_limited else await self._follower.history()

    async def _deployment(self) -> tuple[Overview, dict[str, float]]:
        """The whole deployment; looked at again after a second."""
        at, kept = self._kept
        if kept is None or time.monotonic() - at >= 1.0:
            kept = await self._follower.deployment()
            self._kept = (time.monotonic(), kept)
        return kept
