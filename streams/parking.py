"""Parking: what cannot go on becomes a record on `parked`, with its bytes and the reason."""

from __future__ import annotations

from typing import Any

from streams.appender import Record
from streams.placement import partition_of
from streams.topics import PARKED, TopicNames
from streams.words import Parked, Stage


class Parking:
    """Makes the records for the `parked` topic."""

    def __init__(self, names: TopicNames, partitions: int) -> None:
        self._topic = names.of(PARKED)
        self._partitions = partitions

    def record(self, parked: Parked) -> Record:
        """The record to append."""
        key = parked.entity or parked.connection or parked.source
        return Record(self._topic, partition_of(key, self._partitions), key.encode(), parked.to_bytes())

    def unreadable(self, stage: Stage, message: Any, why: str, now_ms: int) -> Record:
        """The record for a Kafka message that is not what its topic holds."""
        key = (message.key or b"").decode(errors="replace")
        return self.record(
            Parked(
                stage=stage,
                reason="unreadable",
                message=why,
                at_ms=now_ms,
                source=f"{message.topic}/{message.partition}@{message.offset}",
                entity=key or None,
                original=Parked.encode(message.value),
            )
        )
