"""The topic of notifications: whose record counts when a gateway begins to send, or sees again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from streams.kafka.batching_producer import Record
from streams.messages.notification import Issue, NotificationState, NotificationTest, Outgoing
from streams.operations.notifications import sent_log
from streams.operations.notifications.sent_log import SentLog
from tests.unit.streams.console.stage import settings_of

NOW = 1_800_000_000_000


def issue(cause: str, *, seen_ms: int = NOW, reported_ms: int | None = NOW) -> Issue:
    """A problem of which the recipient knows, or not."""
    return Issue(cause=cause, since_ms=NOW - 60_000, seen_ms=seen_ms, reported_ms=reported_ms)


def state(by: str, *causes: str, recipient: str = "ops", **facts: Any) -> NotificationState:
    """A recipient that was sent these, by a gateway."""
    issues = {f"{cause}/": issue(cause) for cause in causes}
    return NotificationState(recipient=recipient, by=by, at_ms=NOW, issues=issues, **facts)


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> dict[bytes, bytes]:
    """What Kafka holds."""
    values: dict[bytes, bytes] = {}

    async def records(*_: object, **__: object) -> AsyncIterator[Any]:
        for key, value in values.items():
            yield SimpleNamespace(key=key, value=value)

    monkeypatch.setattr(sent_log, "each_record", records)
    return values


class Writes:
    """A producer that keeps records."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    async def produce(self, records: list[Record], *, within: float) -> list[int]:
        """Take them."""
        self.records += records
        return [0] * len(records)


def log_of(gateway: str, producer: Writes | None = None) -> SentLog:
    """A gateway's view of the topic."""
    made = producer or Writes()
    return SentLog(settings_of(), lambda: made, gateway)  # type: ignore[arg-type, return-value]  # a fake


async def test_what_is_written_is_read_back_with_the_gateway_that_wrote_it(topic: dict[bytes, bytes]) -> None:
    """Records and tests of one recipient are two keys."""
    producer = Writes()
    await log_of("g1", producer).write([state("", "access"), NotificationTest(recipient="ops", at_ms=NOW, error="no")])
    topic.update({record.key: record.value or b"" for record in producer.records})
    assert set(topic) == {b"state/ops", b"test/ops"}
    found = await log_of("g2").read()
    assert found.states["ops"] == state("g1", "access")
    assert found.tests["ops"].error == "no"


async def test_a_record_that_cannot_be_read_keeps_no_other_from_being_read(topic: dict[bytes, bytes]) -> None:
    topic.update({b"state/bad": b"\xff{", b"test/bad": b"[]", b"state/ops": state("g1").to_bytes()})
    found = await log_of("g1").read()
    assert (set(found.states), set(found.tests)) == ({"ops"}, set())


async def test_a_gateway_that_takes_over_continues_with_what_another_wrote(topic: dict[bytes, bytes]) -> None:
    """Also with the message that the other did not deliver, under its id."""
    waiting = Outgoing(id="m1", kind="news", at_ms=NOW, subject="s", text="t", attempts=2)
    topic[b"state/ops"] = state("g1", "access", outgoing=waiting).to_bytes()
    found = await log_of("g2").taken_over({}, NOW + 20_000)
    assert found["ops"].outgoing == waiting
    assert found["ops"].issues["access/"].reported_ms == NOW


async def test_what_this_gateway_knows_is_newer_than_what_it_wrote_itself(topic: dict[bytes, bytes]) -> None:
    """While Kafka was away, it could not write."""
    topic[b"state/ops"] = state("g1").to_bytes()
    known = state("g1", "kafka", "access", composed_ms=(NOW,))
    found = await log_of("g1").taken_over({"ops": known}, NOW)
    assert set(found["ops"].issues) == {"kafka/", "access/"}
    assert found["ops"].composed_ms == (NOW,)


async def test_what_another_gateway_wrote_goes_before_but_for_what_this_one_sent_about_kafka(
    topic: dict[bytes, bytes],
) -> None:
    """Otherwise nobody would ever report that Kafka is back. What was not sent yet counts for nothing."""
    topic[b"state/ops"] = state("g2", "quota").to_bytes()
    topic[b"state/chat"] = state("g2", "quota", recipient="chat").to_bytes()
    unsent = NotificationState(recipient="chat", issues={"kafka/": issue("kafka", reported_ms=None)})
    found = await log_of("g1").taken_over({"ops": state("g1", "kafka", "access"), "chat": unsent}, NOW)
    assert set(found["ops"].issues) == {"quota/", "kafka/"}
    assert set(found["chat"].issues) == {"quota/"}


async def test_a_recipient_that_no_record_is_about_stays_as_this_gateway_knows_it(topic: dict[bytes, bytes]) -> None:
    found = await log_of("g1").taken_over({"ops": state("g1", "kafka")}, NOW + 5_000)
    assert found["ops"].issues["kafka/"].seen_ms == NOW + 5_000, "no end is counted from before"
