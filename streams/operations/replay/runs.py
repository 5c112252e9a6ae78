"""All replays and their progress: the topic `replays`, read once and then followed.

The process that runs a replay writes its own name into it (`holder`). Two processes that run the same replay see each other here,
and the one that came first stops; records that both sent are sent twice, which changes nothing.
"""

from __future__ import annotations

import getpass
import os
import socket
import uuid
from contextlib import AsyncExitStack
from typing import Self

from streams.kafka.batching_producer import Record
from streams.kafka.clients import open_batching_producer
from streams.kafka.topic_reader import TopicReader
from streams.messages import InvalidMessage, Replay, Selection
from streams.messages.partitioning import partition_of
from streams.messages.topics import REPLAY_RUNS, TopicNames
from streams.operations.replay.errors import InvalidReplay, TakenOver
from streams.settings import Settings


class Runs:
    """`async with Runs(settings) as runs:` is entered once the topic is read to its end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = TopicNames(settings.kafka.topic_prefix).of(REPLAY_RUNS)
        self._known: dict[str, Replay] = {}
        self.holder = f"{getpass.getuser()}@{socket.gethostname()} (process {os.getpid()}, {uuid.uuid4().hex[:4]})"

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self.batching_producer = await stack.enter_async_context(open_batching_producer(self._settings))
            self._reader = await stack.enter_async_context(TopicReader(self._settings, self._topic))
            await self.catch_up()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def all(self) -> tuple[Replay, ...]:
        """All replays, the newest first."""
        return tuple(sorted(self._known.values(), key=lambda replay: replay.began_ms, reverse=True))

    def get(self, run: str) -> Replay:
        """One replay. Raises `InvalidReplay` when there is none of this name."""
        if run not in self._known:
            raise InvalidReplay(f"there is no replay {run!r}: `lofty-ghl replay --list` lists all")
        return self._known[run]

    def unfinished(self, selection: Selection) -> Replay | None:
        """The newest replay of exactly this selection that is not done."""
        return next((replay for replay in self.all() if replay.is_open and replay.selection == selection), None)

    def new(self, selection: Selection, now_ms: int) -> Replay:
        """A new replay."""
        run = uuid.uuid4().hex[:8]
        return Replay(run=run, selection=selection, by=getpass.getuser(), began_ms=now_ms, moved_ms=now_ms)

    async def put(self, replay: Replay) -> Replay:
        """Save a replay's progress in our name. Raises `TakenOver` when another process has saved its own meanwhile."""
        await self.catch_up()
        known = self._known.get(replay.run)
        if known is not None and replay.holder == self.holder != known.holder:
            raise TakenOver(replay.run, known.holder)
        owned = replay.model_copy(update={"holder": self.holder})
        partition = partition_of(replay.run, self._settings.kafka.partitions)
        await self.batching_producer.produce([Record(self._topic, partition, replay.run.encode(), owned.to_bytes())])
        return owned

    async def catch_up(self) -> None:
        """Read what was written until now."""
        async for record in self._reader.read_to_end():
            self._keep(record.key or b"", record.value)

    def _keep(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            self._known.pop(key.decode(errors="replace"), None)
            return
        try:
            replay = Replay.from_bytes(value)
        except InvalidMessage:
            return  # written by a newer release, or by hand
        self._known[replay.run] = replay
