"""Parking: what cannot be processed becomes a record on the dead-letter topic `parked`, with its bytes and the reason. It always fits."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from streams.kafka.batching_producer import BatchingProducer, Record
from streams.messages import InvalidMessage, NewerMessage, Parked, Stage
from streams.messages.parked import UNREADABLE
from streams.messages.partitioning import partition_of
from streams.messages.size_limits import DEFAULT, NAME_CHARACTERS, SHORTENED_BYTES, TEXT_CHARACTERS, SizeLimits
from streams.messages.topics import PARKED, TopicNames

FORMS = (
    (SHORTENED_BYTES, TEXT_CHARACTERS, NAME_CHARACTERS),
    (16 * 1024, TEXT_CHARACTERS, NAME_CHARACTERS),
    (1024, 512, 256),
    (0, 128, 128),
)
"""How much of an original (bytes), of a text and of a name (characters) a parked record keeps, when `parked` takes no more."""


class Parking:
    """Makes the records for the topic `parked`. `count(stage, reason)` is called for each."""

    def __init__(
        self,
        names: TopicNames,
        partitions: int,
        count: Callable[[str, str], None] = lambda _stage, _reason: None,
        limits: SizeLimits = DEFAULT,
    ) -> None:
        self.limits = limits
        self._count = count
        self._topic = names.of(PARKED)
        self._partitions = partitions

    def record(self, parked: Parked) -> Record:
        """The record to produce. It counts as parked. An original or text that is too large is shortened.

        Where the topic's limit is below ours (it was created before, or by others), the producer writes a shorter form, in the
        end one without the original.
        """
        self._count(parked.stage, parked.reason)
        return self._record(_bounded(parked, self.limits.original), FORMS)

    def unreadable(self, stage: Stage, message: Any, error: InvalidMessage, now_ms: int) -> Record:
        """The record for an invalid Kafka message.

        Raises the error when a newer release wrote it: parked, it would be lost for a worker that can read it.
        """
        where = f"{message.topic}/{message.partition}@{message.offset}"
        if isinstance(error, NewerMessage):
            error.add_note(f"It was met at {where}.")
            raise error
        key = (message.key or b"").decode(errors="replace")
        return self.record(
            Parked(
                stage=stage,
                reason=UNREADABLE,
                message=str(error),
                at_ms=now_ms,
                source=where,
                entity=key or None,
                **_original(message.value, SHORTENED_BYTES),
            )
        )

    def _record(self, parked: Parked, forms: Sequence[tuple[int, int, int]], partition: int | None = None) -> Record:
        key = parked.entity or parked.connection or parked.source
        at = partition_of(key, self._partitions) if partition is None else partition

        def shorter() -> Record:
            return self._record(_bounded(parked, *forms[0]), forms[1:], at)

        return Record(self._topic, at, key.encode(), parked.to_bytes(), instead=shorter if forms else None)


def bounded(
    process: Callable[[list[Any]], Awaitable[None]],
    *,
    stage: Stage,
    most_bytes: int,
    batching_producer: BatchingProducer,
    parking: Parking,
    now_ms: Callable[[], int],
) -> Callable[[list[Any]], Awaitable[None]]:
    """An agent's `process` without messages that are too large: those are parked, since their rows would not fit."""

    async def process_bounded(messages: list[Any]) -> None:
        fitting = [one for one in messages if len(one.value or b"") + len(one.key or b"") <= most_bytes]
        if len(fitting) < len(messages):
            await batching_producer.produce(
                parking.unreadable(
                    stage,
                    one,
                    InvalidMessage(f"record of at most {most_bytes} bytes", f"it has {len(one.value or b'')}"),
                    now_ms(),
                )
                for one in messages
                if len(one.value or b"") + len(one.key or b"") > most_bytes
            )
        if fitting:
            await process(fitting)

    return process_bounded


def _original(raw: bytes | None, most_bytes: int) -> dict[str, Any]:
    raw = raw or b""
    if len(raw) <= most_bytes:
        return {"original": Parked.encode(raw)}
    return {"original": Parked.encode(raw[:most_bytes]), "original_size": len(raw)}


def _bounded(
    parked: Parked, most_bytes: int, most_text: int = TEXT_CHARACTERS, most_name: int = NAME_CHARACTERS
) -> Parked:
    update: dict[str, Any] = {}
    if len(parked.original) > (most_bytes + 2) // 3 * 4:
        raw = base64.b64decode(parked.original)
        update |= _original(raw, most_bytes)
        update["original_size"] = parked.original_size or len(raw)
    if len(parked.message) > most_text:
        update["message"] = f"{parked.message[:most_text]}… ({len(parked.message)} characters)"
    for name in ("source", "entity", "connection", "trace_id"):
        text = getattr(parked, name)
        if text is not None and len(text) > most_name:
            update[name] = text[:most_name] + "…"
    return parked.model_copy(update=update) if update else parked
