"""Parking: what cannot go on becomes a record on `parked`, with its bytes and the reason. It always fits."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any

from streams.appender import Appender, Record, RecordTooLarge
from streams.limits import DEFAULT, NAME_CHARACTERS, SHORTENED_BYTES, TEXT_CHARACTERS, Limits
from streams.placement import partition_of
from streams.topics import PARKED, TopicNames
from streams.words import NewerWord, NotAWord, Parked, Stage


class Parking:
    """Makes the records for the `parked` topic. `count(stage, reason)` is told each."""

    def __init__(
        self,
        names: TopicNames,
        partitions: int,
        count: Callable[[str, str], None] = lambda _stage, _reason: None,
        limits: Limits = DEFAULT,
    ) -> None:
        self.limits = limits
        self._count = count
        self._topic = names.of(PARKED)
        self._partitions = partitions

    def record(self, parked: Parked) -> Record:
        """The record to append. It counts as parked. An original that is too large is shortened, and so are texts."""
        self._count(parked.stage, parked.reason)
        return self._record(_bounded(parked, self.limits.original))

    async def append(self, appender: Appender, parked: Parked, **options: Any) -> None:
        """Park it. Where the topic takes less than our limits say (it was made before, or by others), it is shortened."""
        try:
            await appender.append([self.record(parked)], **options)
        except RecordTooLarge:
            await appender.append([self._record(_bounded(parked, SHORTENED_BYTES))], **options)

    def unreadable(self, stage: Stage, message: Any, error: NotAWord, now_ms: int) -> Record:
        """The record for a Kafka message that is not what its topic holds.

        Raises the error when a newer release wrote it: parked and passed over, it would be lost for whoever can read it.
        """
        where = f"{message.topic}/{message.partition}@{message.offset}"
        if isinstance(error, NewerWord):
            error.add_note(f"It was met at {where}.")
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
                # Beside others in one append, so that it must fit whatever the topic takes.
                **_original(message.value, SHORTENED_BYTES),
            )
        )

    def _record(self, parked: Parked) -> Record:
        key = parked.entity or parked.connection or parked.source
        return Record(self._topic, partition_of(key, self._partitions), key.encode(), parked.to_bytes())


def bounded(
    process: Callable[[list[Any]], Awaitable[None]],
    *,
    stage: Stage,
    most_bytes: int,
    appender: Appender,
    parking: Parking,
    now_ms: Callable[[], int],
) -> Callable[[list[Any]], Awaitable[None]]:
    """An agent's process that is only handed what can go on: a larger message is parked, since its row would not fit."""

    async def process_bounded(messages: list[Any]) -> None:
        fitting = [one for one in messages if len(one.value or b"") + len(one.key or b"") <= most_bytes]
        if len(fitting) < len(messages):
            await appender.append(
                parking.unreadable(
                    stage,
                    one,
                    NotAWord(f"record of at most {most_bytes} bytes", f"it has {len(one.value or b'')}"),
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


def _bounded(parked: Parked, most_bytes: int) -> Parked:
    update: dict[str, Any] = {}
    if len(parked.original) > most_bytes * 4 // 3 + 4:
        raw = base64.b64decode(parked.original)
        update |= _original(raw, most_bytes)
        update["original_size"] = parked.original_size or len(raw)
    if len(parked.message) > TEXT_CHARACTERS:
        update["message"] = f"{parked.message[:TEXT_CHARACTERS]}… ({len(parked.message)} characters)"
    for name in ("source", "entity", "connection", "trace_id"):
        text = getattr(parked, name)
        if text is not None and len(text) > NAME_CHARACTERS:
            update[name] = text[:NAME_CHARACTERS] + "…"
    return parked.model_copy(update=update) if update else parked
