"""Sends notifications: looks at the deployment every second, and hands what is new to the recipients.

One gateway does, the one that has run longest (`operations/notifications/observe.py`); the others look on. Each delivery is a task
of its own, so a mail server that hangs holds back nobody but its own recipient.
While Kafka is away, the gateway that sent last keeps sending, about Kafka alone.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable

from streams.console.background import BackgroundTask
from streams.core.notifications import outbox
from streams.core.notifications.news import News, differs, look
from streams.core.notifications.problem import Observation
from streams.messages.notification import NotificationKind, NotificationState, Outgoing
from streams.operations.notifications.delivery import Deliver, Letter, Undelivered
from streams.operations.notifications.observe import (
    blind_observation,
    is_sender,
    kafka_away_since,
    observation_of,
)
from streams.operations.notifications.recipients import Subscriber
from streams.operations.notifications.sent_log import SentLog
from streams.operations.notifications.words import Text
from streams.operations.status.overview import Overview

log = logging.getLogger("lofty_ghl.notifications")

LOOK_SECONDS = 1.0
READ_SECONDS = 10.0
"""How long the records of a gateway before may take to read: then Kafka is looked at again."""
STOP_SECONDS = 2.0
"""How long the end of a gateway waits for deliveries: one that is cut off is tried again by another gateway."""
CUT_OFF_SECONDS = 1.0
"""How long a delivery that was cut off may take to end."""

Compose = Callable[[Subscriber, News, Overview | None], Text]
"""The words of news for a recipient. The overview is None while Kafka is away."""


Tidy = Callable[[], Awaitable[None]]
"""Called at each look of the gateway that sends: deletes what no longer counts of the recipients."""


async def tidy_nothing() -> None:
    """Where recipients do not change."""


Count = Callable[[str, str, bool], None]
"""Called for each attempt: `email` or `webhook`, `sent` or `failed`, and whether the message had failed before."""


class Notifier(BackgroundTask):
    """The task. `seen` gives the deployment as it is known now, None before it was read once."""

    def __init__(
        self,
        subscribers: Callable[[], tuple[Subscriber, ...]],
        sent_log: SentLog,
        deliver: Deliver,
        compose: Compose,
        seen: Callable[[], Overview | None],
        gateway: str,
        now_ms: Callable[[], int],
        count: Count,
        tidy: Tidy = tidy_nothing,
    ) -> None:
        self._subscribers = subscribers
        self._log = sent_log
        self._deliver = deliver
        self._compose = compose
        self._seen = seen
        self._gateway = gateway
        self._now_ms = now_ms
        self._count = count
        self._tidy = tidy
        self._begun_ms = now_ms()
        self._states: dict[str, NotificationState] = {}
        self._unwritten: set[str] = set()
        self._deliveries: dict[str, asyncio.Task[None]] = {}
        self.is_sender = False
        self._blind_since_ms: int | None = None

    @property
    def states(self) -> dict[str, NotificationState] | None:
        """The records as they are now, None where another gateway sends."""
        return dict(self._states) if self.is_sender else None

    @property
    def failing(self) -> dict[str, int]:
        """Since when the message to a recipient cannot be delivered, by its name."""
        waiting = {name: one.outgoing for name, one in (self.states or {}).items()}
        return {name: one.first_failed_ms for name, one in waiting.items() if one is not None and one.error}

    async def stop(self) -> None:
        """Stop it; a delivery may end before."""
        await super().stop()
        await self._stop_deliveries(STOP_SECONDS)

    async def _run(self) -> None:
        while True:
            try:
                await self._look()
            except Exception as error:  # whatever it is: people must hear of the next problem
                log.warning("notifications could not be looked at, trying again: %r", error)
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        now_ms, found = self._now_ms(), self._seen()
        since_ms = kafka_away_since(found, self._gateway, self._begun_ms, now_ms)
        if since_ms is not None:
            self._blind_since_ms = self._blind_since_ms or since_ms
            if self.is_sender:
                await self._take(blind_observation(now_ms, self._blind_since_ms), None)
            return
        sends = is_sender(found, self._gateway, now_ms)
        if sends is None:
            return
        if found is None or not sends:
            if self.is_sender:
                self.is_sender = False
                await self._stop_deliveries(0.0)
            return
        if not self.is_sender or self._blind_since_ms is not None:
            async with asyncio.timeout(READ_SECONDS):
                self._states = await self._log.taken_over(self._states if self.is_sender else {}, now_ms)
            self.is_sender, self._blind_since_ms = True, None
            log.info("this gateway sends notifications to %d recipients", len(self._subscribers()))
        await self._take(observation_of(found), found)
        await self._tidy()

    async def _take(self, seen: Observation, found: Overview | None) -> None:
        """An observation, for each recipient; what is new is written, then sent."""
        recipients = self._subscribers()
        for one in recipients:
            try:
                self._take_for(one, seen, found)
            except Exception as error:  # whatever it is concerns this recipient alone
                log.warning("a notification to %s could not be composed, trying again: %r", one.name, error)
        await self._write()
        for one in recipients:
            state = self._states.get(one.name)
            message = state.outgoing if state is not None else None
            if message is not None and message.next_ms <= seen.at_ms and one.name not in self._deliveries:
                self._deliveries[one.name] = asyncio.create_task(self._send(one, message), name=f"notify {one.name}")

    def _take_for(self, to: Subscriber, seen: Observation, found: Overview | None) -> None:
        before = self._states.get(to.name) or NotificationState(recipient=to.name)
        after, news = look(before, seen.heard_by(to.name, to.connections), to.rules)
        if news is not None:
            text = self._compose(to, news, found)
            kind: NotificationKind = "summary" if news.is_summary else "news"
            after = outbox.queued(after, kind, secrets.token_hex(12), text.subject, text.body)
        if differs(before, after):
            self._unwritten.add(to.name)
        self._states[to.name] = after

    async def _write(self) -> None:
        """Write what has changed. What Kafka does not take is written later: a message about Kafka does not wait for it.

        Each by itself: a record that Kafka refuses, such as one that is too large, is not a reason to write the others again.
        """
        names, self._unwritten = sorted(self._unwritten), set()
        written = await asyncio.gather(
            *(self._log.write([self._states[name]]) for name in names), return_exceptions=True
        )
        for name, error in zip(names, written, strict=True):
            if isinstance(error, BaseException):
                self._unwritten.add(name)
                log.debug("the record of notifications to %s could not be written: %r", name, error)

    async def _send(self, to: Subscriber, message: Outgoing) -> None:
        try:
            letter = Letter(message.id, message.at_ms, message.subject, message.text)
            note = await self._deliver(to.recipient, letter)
        except Exception as error:  # whatever it is: the message is tried again
            why = str(error) if isinstance(error, Undelivered) else type(error).__name__
            log.warning("a notification to %s was not delivered, trying again later: %s", to.name, why)
            self._states[to.name] = outbox.failed(self._states[to.name], self._now_ms(), why)
            self._count(to.way, "failed", message.attempts > 0)
        else:
            self._states[to.name] = outbox.delivered(self._states[to.name], self._now_ms(), note)
            self._count(to.way, "sent", message.attempts > 0)
        finally:
            del self._deliveries[to.name]
        self._unwritten.add(to.name)
        await self._write()

    async def _stop_deliveries(self, seconds: float) -> None:
        tasks = list(self._deliveries.values())
        if tasks and seconds:
            await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CUT_OFF_SECONDS)
