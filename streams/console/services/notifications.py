"""Notifications: who is sent what, the last messages and what came of them, and a test message."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from streams.console.auth.audit_log import Actor
from streams.console.errors import NotFound, Unavailable
from streams.console.services.dependencies import ServiceDependencies
from streams.console.services.kafka_errors import on_kafka, seconds_left, unreachable
from streams.console.services.notifier import Notifier
from streams.console.services.parked_count import ParkedCount
from streams.core.notifications.news import News
from streams.messages.notification import NotificationState, NotificationTest, SentMessage
from streams.operations.notifications.delivery import Delivery, Letter, Undelivered
from streams.operations.notifications.figures import figures_of, wording_of
from streams.operations.notifications.recipients import Subscriber, Way, subscribers
from streams.operations.notifications.sent_log import SentLog
from streams.operations.notifications.words import Text
from streams.operations.status.overview import Overview
from streams.settings import Settings

KAFKA_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class WaitingMessage:
    """A message that is not delivered yet. `failing_since_ms` is None before its first attempt has failed, `why` empty."""

    subject: str
    at_ms: int
    attempts: int
    failing_since_ms: int | None
    next_attempt_ms: int
    why: str


@dataclass(frozen=True, slots=True)
class RecipientState:
    """One recipient. `connections` are empty for all; `unknown_connections` are those of them that do not exist.

    `open_problems` is the number of problems that it was sent, and not their end yet.
    """

    name: str
    way: Way
    emails: tuple[str, ...]
    connections: tuple[str, ...]
    unknown_connections: tuple[str, ...]
    quiet_hours: str
    daily_summary: str
    open_problems: int
    waiting: WaitingMessage | None
    sent: tuple[SentMessage, ...]
    last_test: NotificationTest | None


@dataclass(frozen=True, slots=True)
class NotificationsState:
    """All recipients. `sends_here`: this gateway is the one that sends."""

    recipients: tuple[RecipientState, ...]
    sends_here: bool


@dataclass(frozen=True, slots=True)
class TestedRecipient:
    """A test message that was delivered. `note` says what was not as usual, such as an address that was refused."""

    recipient: str
    subject: str
    note: str


class Notifications:
    """What the page and the API show and do, and the task that sends."""

    def __init__(
        self, deps: ServiceDependencies, current: Callable[[], Settings], seen: Callable[[], Overview | None]
    ) -> None:
        settings = deps.settings
        self._current = current
        self._audit = deps.audit
        self._now_ms = deps.now_ms
        self._log = SentLog(settings, deps.batching_producer, deps.gateway)
        self.followed = self._log.followed()
        self._delivery = Delivery(settings)
        self._parked = ParkedCount(settings)
        self._tests: set[asyncio.Task[str]] = set()

        def whole() -> Overview | None:
            found = seen()
            return None if found is None else replace(found, parked_open=self._parked.now)

        self.notifier = Notifier(
            self._subscribers,
            self._log,
            self._delivery.deliver,
            self._compose,
            whole,
            deps.gateway,
            deps.now_ms,
            deps.count,
        )

    def _subscribers(self) -> tuple[Subscriber, ...]:
        """The recipients, with the connections that exist now."""
        return subscribers(self._current())

    async def start(self) -> None:
        """Begin to look, where there is a recipient."""
        if self._subscribers():
            self.followed.start()
            await self._parked.start()
            await self.notifier.start()

    async def stop(self) -> None:
        """Stop looking; a delivery may end before. Test messages that are still being delivered are given up."""
        for delivering in self._tests:
            delivering.cancel()
        await self.notifier.stop()
        await self._parked.stop()
        await self.followed.stop()

    async def state(self) -> NotificationsState:
        """The recipients now. Raises `Unavailable` before what was sent was read once."""
        if self._subscribers() and not await self.followed.until_read(seconds_left(KAFKA_SECONDS)):
            raise unreachable(self.followed.problem)
        found = self.followed.known
        states = self.notifier.states or found.states
        recipients = tuple(
            _recipient(one, states.get(one.name), found.tests.get(one.name)) for one in self._subscribers()
        )
        return NotificationsState(recipients, self.notifier.is_sender)

    async def test(self, by: Actor, recipient: str) -> TestedRecipient:
        """Send a test message. Raises `Unavailable` with the reason when it was not delivered."""
        to = next((one for one in self._subscribers() if one.name == recipient), None)
        if to is None:
            raise NotFound(f"There is no recipient {recipient[:63]!r}: the configuration names them.")
        text = wording_of(self._current(), to).test(to.name, by.name)
        letter = Letter(secrets.token_hex(12), self._now_ms(), text.subject, text.body)
        async with self._audit.acting(by, "notification test", {"recipient": recipient}) as result:
            done = NotificationTest(recipient=recipient, at_ms=self._now_ms(), by=by.name)
            try:
                done = done.model_copy(update={"note": await self._deliver_test(to, letter)})
            except Undelivered as error:
                done = done.model_copy(update={"error": str(error)})
            ((partition, offset),) = await on_kafka(lambda: self._log.write([done]))
            await self.followed.until_shown(partition, offset)
            if done.error:
                raise Unavailable(f"The test message to {recipient} was not delivered: {done.error}.")
            result.detail = f"delivered, but not to {done.note}" if done.note else "delivered"
        return TestedRecipient(recipient, text.subject, done.note)

    async def _deliver_test(self, to: Subscriber, letter: Letter) -> str:
        """Deliver once, or until this process ends: its requests must not wait for a server that hangs."""
        delivering = asyncio.create_task(self._delivery.deliver(to.recipient, letter), name=f"test {to.name}")
        self._tests.add(delivering)
        try:
            await asyncio.wait({delivering})
        finally:
            self._tests.discard(delivering)
            delivering.cancel()
        if delivering.cancelled():
            raise Undelivered("this gateway is being stopped")
        return delivering.result()

    def _compose(self, to: Subscriber, news: News, found: Overview | None) -> Text:
        wording = wording_of(self._current(), to)
        if news.is_summary and found is not None:
            return wording.summary(news, figures_of(found, to))
        return wording.news(news)


def _recipient(one: Subscriber, state: NotificationState | None, test: NotificationTest | None) -> RecipientState:
    recipient, quiet = one.recipient, one.recipient.quiet
    message = state.outgoing if state is not None else None
    waiting = message and WaitingMessage(
        message.subject,
        message.at_ms,
        message.attempts,
        message.first_failed_ms or None,
        message.next_ms,
        message.error,
    )
    return RecipientState(
        name=one.name,
        way=one.way,
        emails=tuple(recipient.emails),
        connections=tuple(recipient.connections),
        unknown_connections=one.unknown,
        quiet_hours=f"{quiet.begin} to {quiet.end}{', but for the worst' if quiet.but_worst else ''}" if quiet else "",
        daily_summary=recipient.daily_summary or "",
        open_problems=sum(issue.reported_ms is not None for issue in state.issues.values()) if state else 0,
        waiting=waiting or None,
        sent=tuple(reversed(state.sent)) if state else (),
        last_test=test,
    )
