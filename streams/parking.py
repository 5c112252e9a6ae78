"""Parking: what cannot go on becomes a record on `parked`, with its bytes and the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.appender import Record
from streams.placement import partition_of
from streams.topics import PARKED, TopicNames
from streams.words import NewerWord, NotAWord, Parked, Stage


class Parking:
    """Makes the records for the `parked` topic. `count(stage, reason)` is told each."""

    def __init__(
        self, names: TopicNames, partitions: int, count: Callable[[str, str], None] = lambda _stage, _reason: None
    ) -> None:
        self._count = count
        self._topic = names.of(PARKED)
        self._partitions = partitions

    def record(self, parked: Parked) -> Record:
        """The record to append. It counts as parked."""
        self._count(parked.stage, parked.reason)
        key = parked.entity or parked.connection or parked.source
        return Record(self._topic, partition_of(key, self._partitions), key.encode(), parked.to_bytes())

    def unreadable(self, stage: Stage, message: Any, error: NotAWord, now_ms: int) -> Record:
        """The record for a Kafka message that is not what its topic holds.

        Raises the error when a newer release wrote it: parked and passed over, it would be lost for whoever can read it.
        """
        where = f"{message.topic}/{message.partition}@{message.offset}"
        if isinstance(error, NewerWord):
            error.add_note(f"It stands at {where}.")
            raise error
        key = (message.key or b"").decode(errors="replace")
        return self.record(
            Parked(
                stage=stage,
                reason="unreadable",
                message=str(error),
                at_ms=now_ms,
                source=where,
                entity=key or None,
                original=Parked.encode(message.value),
            )
        )
