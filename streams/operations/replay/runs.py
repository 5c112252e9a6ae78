"""The replays that there are, and how far each is: the topic `replays`, read once and then followed.

Whoever carries a replay on writes its own name into it (`holder`). Two that do so at once see each other here, and the one
that came first stops; what both handed over meanwhile is handed over twice, which changes nothing.
"""

from __future__ import annotations

import getpass
import os
import socket
import uuid
from typing import Self

from aiokafka import TopicPartition

from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.clients import Consumer, client_options, new_producer, start_consumer, start_producer, stop_consumer
from streams.messages import InvalidMessage, Replay, Selection
from streams.messages.partitioning import partition_of
from streams.messages.topics import REPLAY_RUNS, TopicNames
from streams.operations.replay.errors import InvalidReplay, TakenOver
from streams.settings import Settings


class Runs:
    """`async with Runs(settings) as runs:` — entered when all that is known is read."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = TopicNames(settings.kafka.topic_prefix).of(REPLAY_RUNS)
        self._places = [TopicPartition(self._topic, number) for number in range(settings.kafka.partitions)]
        self._known: dict[str, Replay] = {}
        self.holder = f"{getpass.getuser()}@{socket.gethostname()} (process {os.getpid()}, {uuid.uuid4().hex[:4]})"

    async def __aenter__(self) -> Self:
        self._consumer = Consumer(
            **client_options(self._settings),
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=50,
        )
        self._producer = new_producer(self._settings)
        await start_producer(self._producer)
        try:
            await start_consumer(self._consumer)
            self._consumer.assign(self._places)
            await self.catch_up()
        except BaseException:
            await self.__aexit__()
            raise
        self.batching_producer = BatchingProducer(self._producer)
        return self

    async def __aexit__(self, *_: object) -> None:
        await stop_consumer(self._consumer)
        await self._producer.stop()

    def all(self) -> tuple[Replay, ...]:
        """All that are known, the newest first."""
        return tuple(sorted(self._known.values(), key=lambda one: one.began_ms, reverse=True))

    def get(self, run: str) -> Replay:
        """One replay. Raises `InvalidReplay` when there is none of this name."""
        if run not in self._known:
            raise InvalidReplay(f"no replay {run!r} is known: `lofty-ghl replay --list` tells which there are")
        return self._known[run]

    def unfinished(self, selection: Selection) -> Replay | None:
        """The newest replay of this very selection that has not come to its end."""
        return next((one for one in self.all() if one.is_open and one.selection == selection), None)

    def new(self, selection: Selection, now_ms: int) -> Replay:
        """A replay that has not begun."""
        run = uuid.uuid4().hex[:8]
        return Replay(run=run, selection=selection, by=getpass.getuser(), began_ms=now_ms, moved_ms=now_ms)

    async def put(self, replay: Replay) -> Replay:
        """Write how far a replay is, in our name. Raises `TakenOver` when another process has written its own meanwhile."""
        await self.catch_up()
        known = self._known.get(replay.run)
        if known is not None and replay.holder == self.holder != known.holder:
            raise TakenOver(replay.run, known.holder)
        ours = replay.model_copy(update={"holder": self.holder})
        place = partition_of(replay.run, self._settings.kafka.partitions)
        await self.batching_producer.produce([Record(self._topic, place, replay.run.encode(), ours.to_bytes())])
        return ours

    async def catch_up(self) -> None:
        """Read what was written until now."""
        ends = await self._consumer.end_offsets(self._places)
        while any([await self._consumer.position(place) < ends[place] for place in self._places]):
            for messages in (await self._consumer.getmany(timeout_ms=200)).values():
                for message in messages:
                    self._hear(message.key or b"", message.value)

    def _hear(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            self._known.pop(key.decode(errors="replace"), None)
            return
        try:
            replay = Replay.from_bytes(value)
        except InvalidMessage:
            return  # of a newer release, or put there by hand
        self._known[replay.run] = replay
