"""Test messages: sent once, while somebody waits for what comes of it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.errors import NotFound, Unavailable
from streams.console.services.kafka_errors import on_kafka
from streams.console.services.recipient_state import TestedRecipient
from streams.kafka.followed_topic import FollowedTopic
from streams.messages.notification import NotificationTest
from streams.operations.notifications.delivery import Delivery, Letter, Undelivered
from streams.operations.notifications.figures import wording_of
from streams.operations.notifications.recipients import Subscriber
from streams.operations.notifications.sent_log import SentLog, SentRecords
from streams.settings import Settings


class TrialMessages:
    """Sends them, and keeps what came of the last one to each recipient."""

    def __init__(
        self,
        current: Callable[[], Settings],
        sent_log: SentLog,
        followed: FollowedTopic[SentRecords],
        delivery: Delivery,
        audit: AuditWriter,
        now_ms: Callable[[], int],
    ) -> None:
        self._current = current
        self._log = sent_log
        self._followed = followed
        self._delivery = delivery
        self._audit = audit
        self._now_ms = now_ms
        self._running: set[asyncio.Task[str]] = set()

    def give_up(self) -> None:
        """Give up those that are still being delivered."""
        for delivering in self._running:
            delivering.cancel()

    async def send(self, by: Actor, recipient: str, to: Subscriber | None) -> TestedRecipient:
        """Send one to `to`, None where there is no such recipient. Raises `Unavailable` where it was not delivered."""
        if to is None:
            raise NotFound(f"There is no recipient {recipient[:63]!r}: the page Notifications names them.")
        text = wording_of(self._current(), to).test(to.label, by.name)
        letter = Letter(secrets.token_hex(12), self._now_ms(), text.subject, text.body)
        async with self._audit.acting(by, "notification test", {"recipient": recipient}) as result:
            done = NotificationTest(recipient=recipient, at_ms=self._now_ms(), by=by.name)
            try:
                done = done.model_copy(update={"note": await self._until_stopped(to, letter)})
            except Undelivered as error:
                done = done.model_copy(update={"error": str(error)})
            ((partition, offset),) = await on_kafka(lambda: self._log.write([done]))
            await self._followed.until_shown(partition, offset)
            if done.error:
                raise Unavailable(f"The test message to {to.label} was not delivered: {done.error}.")
            result.detail = f"delivered, but not to {done.note}" if done.note else "delivered"
        return TestedRecipient(recipient, text.subject, done.note, to.label)

    async def _until_stopped(self, to: Subscriber, letter: Letter) -> str:
        """Deliver once, or until this process ends: its requests must not wait for a server that hangs."""
        delivering = asyncio.create_task(self._delivery.deliver(to.recipient, letter), name=f"test {to.name}")
        self._running.add(delivering)
        try:
            await asyncio.wait({delivering})
        finally:
            self._running.discard(delivering)
            delivering.cancel()
        if delivering.cancelled():
            raise Undelivered("this gateway is being stopped")
        return delivering.result()
