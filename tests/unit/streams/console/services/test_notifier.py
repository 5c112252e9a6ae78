"""The task that sends: one gateway, each recipient for itself, and nothing twice after a kill."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from streams.console.services import notifier as notifier_module
from streams.console.services.notifier import Notifier
from streams.core.notifications.news import News, Rules, resumed
from streams.messages import GatewayStatus
from streams.messages.notification import NotificationState
from streams.operations.notifications.delivery import Letter
from streams.operations.notifications.recipients import Subscriber
from streams.operations.notifications.words import Text
from streams.operations.status.overview import Overview, overview
from streams.settings.notifications import Recipient
from tests.deadlines import within

RULES = Rules(after_ms=2000, group_ms=0, reminder_ms=86_400_000, most_per_hour=6)


@dataclass
class Place:
    """A deployment without workers, so with a problem. Kafka is a dictionary; `frozen` are recipients whose server hangs.

    `unspeakable` are recipients whose messages cannot be composed, `too_large` those whose records Kafka does not take.
    """

    now_ms: int = 1_800_000_000_000
    written: dict[str, NotificationState] = field(default_factory=dict)
    received: list[tuple[str, str]] = field(default_factory=list)
    frozen: set[str] = field(default_factory=set)
    unspeakable: set[str] = field(default_factory=set)
    too_large: set[str] = field(default_factory=set)
    writes: list[str] = field(default_factory=list)
    is_kafka_away: bool = False
    status_ms: int = 0

    def seen(self) -> Overview:
        """One gateway that has run for a minute."""
        self.status_ms = self.status_ms if self.is_kafka_away else self.now_ms
        status = GatewayStatus(
            gateway="g1", begun_ms=self.now_ms - 60_000, at_ms=self.status_ms, is_ready=True, notifies=True
        )
        return overview([], self.now_ms, partitions=1, gateways=[status])

    async def taken_over(self, known: dict[str, NotificationState], now_ms: int) -> dict[str, NotificationState]:
        """Read the records; all of them are this gateway's, so what it knows is newer."""
        return {name: resumed(state, now_ms) for name, state in (self.written | known).items()}

    async def write(self, records: list[NotificationState]) -> None:
        """Write records."""
        if self.is_kafka_away:
            raise ConnectionError("Kafka is away")
        if self.too_large & {one.recipient for one in records}:
            raise ValueError("too large")
        self.writes += [one.recipient for one in records]
        self.written |= {one.recipient: NotificationState.from_bytes(one.to_bytes()) for one in records}

    async def deliver(self, to: Recipient, letter: Letter) -> str:
        """A server that takes the message, or hangs."""
        if to.name in self.frozen:
            await asyncio.Event().wait()
        self.received.append((to.name, letter.subject))
        return ""

    def notifier(self) -> Notifier:
        """A gateway's task."""
        both = tuple(Subscriber(Recipient(name=name, webhook=True), RULES, frozenset()) for name in ("ops", "chat"))

        def compose(to: Subscriber, news: News, found: Overview | None) -> Text:
            if to.name in self.unspeakable:
                raise KeyError(to.name)
            causes = [*(f"+{one.cause}" for one in news.begun), *(f"-{one.cause}" for one in news.ended)]
            return Text(" ".join(causes), "")

        return Notifier(
            lambda: both,
            self,  # type: ignore[arg-type]  # a fake
            self.deliver,
            compose,
            self.seen,
            "g1",
            lambda: self.now_ms,
            lambda *_: None,
        )

    async def look(self, notifier: Notifier, until: Callable[[], bool] = lambda: False, looks: int = 8) -> None:
        """Look every second of the deployment, and let deliveries run."""
        for _ in range(looks):
            self.now_ms += 1000
            await notifier._look()
            for _ in range(5):
                await asyncio.sleep(0)
            if until():
                return


async def test_a_server_that_hangs_holds_back_its_own_recipient_alone() -> None:
    on = Place(frozen={"ops"})
    notifier = on.notifier()
    await on.look(notifier)
    assert on.received == [("chat", "+no worker")]
    assert on.written["ops"].outgoing is not None
    await notifier._stop_deliveries(0)


@pytest.mark.parametrize("others", [("ops", "chat"), ("chat", "ops")])
async def test_a_message_that_cannot_be_composed_holds_back_its_own_recipient_alone(
    others: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Whichever of them comes first; once it can be, it is sent."""
    broken, well = others
    on = Place(unspeakable={broken})
    notifier = on.notifier()
    await on.look(notifier)
    assert on.received == [(well, "+no worker")]
    assert f"to {broken} could not be composed" in caplog.text
    on.unspeakable.clear()
    await on.look(notifier)
    assert on.received == [(well, "+no worker"), (broken, "+no worker")]


async def test_a_record_that_kafka_refuses_keeps_no_other_from_being_written_nor_a_message_from_being_sent() -> None:
    """The other is not written again and again, either."""
    on = Place(too_large={"ops"})
    await on.look(on.notifier(), looks=20)
    assert sorted(on.received) == [("chat", "+no worker"), ("ops", "+no worker")]
    assert on.written["chat"].outgoing is None
    assert on.writes.count("chat") == 3, "seen, composed, delivered"


async def test_the_end_of_a_gateway_does_not_wait_for_a_server_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even for one that cannot be cut off; its message stays to be sent by another gateway."""
    monkeypatch.setattr(notifier_module, "STOP_SECONDS", 0.05)
    monkeypatch.setattr(notifier_module, "CUT_OFF_SECONDS", 0.05)
    on, released = Place(), asyncio.Event()

    async def deliver(to: Recipient, letter: Letter) -> str:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        return ""

    monkeypatch.setattr(on, "deliver", deliver)
    notifier = on.notifier()
    await on.look(notifier)
    async with asyncio.timeout(within(5)):
        await notifier.stop()
    assert all(state.outgoing is not None for state in on.written.values())
    released.set()


async def test_a_gateway_that_is_killed_leaves_what_it_had_not_sent_and_repeats_nothing() -> None:
    """What was sent is in Kafka, and so is what was about to be."""
    on = Place(frozen={"ops"})
    killed = on.notifier()
    await on.look(killed)
    await killed._stop_deliveries(0)
    on.frozen.clear()
    successor = on.notifier()
    await on.look(successor, looks=20)
    assert on.received == [("chat", "+no worker"), ("ops", "+no worker")]


async def test_kafka_away_is_reported_without_kafka_and_nothing_is_taken_for_over() -> None:
    on = Place()
    notifier = on.notifier()
    await on.look(notifier)
    on.is_kafka_away = True
    await on.look(notifier, looks=30)
    assert on.received[2:] == [("ops", "+kafka"), ("chat", "+kafka")]
    on.is_kafka_away = False
    await on.look(notifier, looks=10)
    assert on.received[4:] == [("ops", "-kafka"), ("chat", "-kafka")]
    assert on.written["ops"].issues["no worker/"].reported_ms is not None
