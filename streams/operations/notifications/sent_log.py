"""The topic `notifications`: what each recipient was sent, and what waits. One gateway writes, each may read.

The recipients that people set in the console are on it, too (`recipient_editor.py` writes them).

What is to be sent is written before it is sent, and that it was sent behind it. A gateway that is killed in between leaves a
message to its successor, which sends it under the same id: at least once, and twice only if the end came within the milliseconds
between the server's answer and Kafka's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiokafka.errors import UnknownTopicOrPartitionError

from streams.core.notifications.news import resumed
from streams.core.notifications.recipient_log import RecipientLog
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.followed_topic import FollowedTopic
from streams.kafka.topic_reader import KafkaRecord, each_record
from streams.messages import InvalidMessage
from streams.messages.notification import NotificationState, NotificationTest
from streams.messages.partitioning import partition_of
from streams.messages.recipient_edit import RECIPIENT_KEY
from streams.messages.topics import NOTIFICATIONS, TopicNames
from streams.settings import Settings

log = logging.getLogger("lofty_ghl.notifications")

STATE, TEST = b"state/", b"test/"
"""How the keys of both kinds begin; the recipient's name follows."""

WRITE_SECONDS = 3.0
"""What Kafka has not taken by then is written later: a message about Kafka does not wait for Kafka."""


@dataclass(frozen=True, slots=True)
class SentRecords:
    """What the topic holds, by recipient, and the recipients that people set in the console."""

    states: dict[str, NotificationState] = field(default_factory=dict)
    tests: dict[str, NotificationTest] = field(default_factory=dict)
    recipients: RecipientLog = field(default_factory=RecipientLog)


class SentLog:
    """Reads and writes the records in the name of one gateway."""

    def __init__(self, settings: Settings, batching_producer: Callable[[], BatchingProducer], gateway: str) -> None:
        self._settings = settings
        self._batching_producer = batching_producer
        self._gateway = gateway
        self._topic = TopicNames(settings.kafka.topic_prefix).of(NOTIFICATIONS)

    async def read(self) -> SentRecords:
        """What was written until now; what another release wrote is left out. Raises aiokafka's error."""
        found = SentRecords()
        missing = UnknownTopicOrPartitionError(f"topic {self._topic} is missing: `lofty-ghl topics create` creates it")
        async for record in each_record(self._settings, self._topic, missing=missing):
            take_record(found, record)
        return found

    def followed(self) -> FollowedTopic[SentRecords]:
        """The same as it grows, for who looks again and again."""
        return FollowedTopic(self._settings, NOTIFICATIONS, SentRecords, take_record)

    async def taken_over(self, known: dict[str, NotificationState], now_ms: int) -> dict[str, NotificationState]:
        """The records with which this gateway begins to send, or sends on once it sees again. `known` are those that it had.

        Raises aiokafka's error.
        """
        written = (await self.read()).states
        states = {name: self._merged(state, known.get(name)) for name, state in written.items()}
        return {name: resumed(state, now_ms) for name, state in (known | states).items()}

    def _merged(self, written: NotificationState, known: NotificationState | None) -> NotificationState:
        """What another gateway wrote goes before what we knew, but for what only we know: what we sent about Kafka without it."""
        if known is None:
            return written
        if written.by == self._gateway:
            return known
        alone = {key: one for key, one in known.issues.items() if one.cause == "kafka" and one.reported_ms is not None}
        return written.model_copy(update={"issues": written.issues | alone})

    async def write(self, messages: Iterable[NotificationState | NotificationTest]) -> list[tuple[int, int]]:
        """Write some records; the partition and offset of each. Raises the producer's error, or `TimeoutError`."""
        records = [self._record(one) for one in messages]
        async with asyncio.timeout(2 * WRITE_SECONDS):
            offsets = await self._batching_producer().produce(records, within=WRITE_SECONDS)
        return [(record.partition, offset) for record, offset in zip(records, offsets, strict=True)]

    def _record(self, message: NotificationState | NotificationTest) -> Record:
        if isinstance(message, NotificationState):
            key, message = STATE, message.model_copy(update={"by": self._gateway})
        else:
            key = TEST
        partition = partition_of(message.recipient, self._settings.kafka.partitions)
        return Record(self._topic, partition, key + message.recipient.encode(), message.to_bytes())


def take_record(found: SentRecords, record: KafkaRecord) -> None:
    """Take a record of the topic in."""
    key = record.key or b""
    if key.startswith(RECIPIENT_KEY.encode()):
        try:
            found.recipients.take(key, record.value)
        except InvalidMessage as error:
            log.error("the recipient %s cannot be read: %s", key.decode(errors="replace"), error)
        return
    kept: dict[str, Any] = found.tests if key.startswith(TEST) else found.states
    recipient = key.removeprefix(TEST if key.startswith(TEST) else STATE).decode(errors="replace")
    if record.value is None:
        kept.pop(recipient, None)
        return
    with suppress(InvalidMessage):
        kept[recipient] = (NotificationTest if key.startswith(TEST) else NotificationState).from_bytes(record.value)
