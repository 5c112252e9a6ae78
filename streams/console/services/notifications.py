"""Notifications: who is sent what, the last messages and what came of them, and a test message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from streams.console.auth.audit_log import Actor
from streams.console.services.dependencies import ServiceDependencies
from streams.console.services.kafka_errors import seconds_left, unreachable
from streams.console.services.notifier import Notifier
from streams.console.services.parked_count import ParkedCount
from streams.console.services.recipient_state import NotificationsState, TestedRecipient, recipient_state
from streams.console.services.recipients import Recipients, is_recipient_visible
from streams.console.services.trial_messages import TrialMessages
from streams.operations.notifications.delivery import Delivery
from streams.operations.notifications.figures import text_of
from streams.operations.notifications.recipients import Subscriber, subscribers
from streams.operations.notifications.sent_log import SentLog
from streams.operations.status.overview import Overview
from streams.settings import Settings

KAFKA_SECONDS = 10.0


class Notifications:
    """What the page and the API show and do, and the task that sends."""

    def __init__(
        self, deps: ServiceDependencies, current: Callable[[], Settings], seen: Callable[[], Overview | None]
    ) -> None:
        settings = deps.settings
        self._current = current
        self._log = SentLog(settings, deps.batching_producer, deps.gateway)
        self.followed = self._log.followed()
        self.recipients = Recipients(current, self.followed, deps.batching_producer, deps.audit, deps.now_ms)
        self._delivery = Delivery(settings, pasted=self.recipients.webhook)
        self._parked = ParkedCount(settings)
        self._tests = TrialMessages(current, self._log, self.followed, self._delivery, deps.audit, deps.now_ms)

        def whole() -> Overview | None:
            found = seen()
            return None if found is None else replace(found, parked_open=self._parked.now)

        self.notifier = Notifier(
            self._subscribers,
            self._log,
            self._delivery.deliver,
            lambda to, news, found: text_of(current(), to, news, found),
            whole,
            deps.gateway,
            deps.now_ms,
            deps.count,
            self.recipients.tidy,
        )

    @property
    def has_recipients(self) -> bool:
        """Whether there is anybody to send to."""
        return bool(self._subscribers())

    def _subscribers(self) -> tuple[Subscriber, ...]:
        """The recipients of the file and of the console, with the connections that exist now."""
        return subscribers(self._current(), self.recipients.all)

    def _visible(self) -> tuple[Subscriber, ...]:
        """Those that whoever asks may see."""
        return tuple(one for one in self._subscribers() if is_recipient_visible(sorted(one.connections)))

    async def start(self) -> None:
        """Begin to look: a recipient may be added at any time."""
        self.followed.start()
        await self._parked.start()
        await self.notifier.start()

    async def stop(self) -> None:
        """Stop looking; a delivery may end before. Test messages that are still being delivered are given up."""
        self._tests.give_up()
        await self.notifier.stop()
        await self._parked.stop()
        await self.followed.stop()

    async def state(self) -> NotificationsState:
        """The recipients now. Raises `Unavailable` before what was sent was read once."""
        if not await self.followed.until_read(seconds_left(KAFKA_SECONDS)):
            raise unreachable(self.followed.problem)
        found = self.followed.known
        states = self.notifier.states or found.states
        recipients = tuple(
            recipient_state(one, states.get(one.name), found.tests.get(one.name)) for one in self._visible()
        )
        can_mail = self._current().notifications.smtp is not None
        return NotificationsState(recipients, self.notifier.is_sender, can_mail)

    async def test(self, by: Actor, recipient: str) -> TestedRecipient:
        """Send a test message. Raises `Unavailable` with the reason when it was not delivered."""
        to = next((one for one in self._visible() if one.name == recipient), None)
        return await self._tests.send(by, recipient, to)
