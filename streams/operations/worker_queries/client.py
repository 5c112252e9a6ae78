"""Sends questions to the workers that own the budgets, and waits for their answers.

A question is repeated under its number until it is answered: the worker that had it may have stopped.
A worker acknowledges each question at once, so silence distinguishes a dead worker from a busy one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any, Self

from streams.kafka.batching_producer import Record
from streams.kafka.clients import open_batching_producer
from streams.kafka.topic_reader import TopicReader
from streams.messages import Inspection, InvalidMessage, Observation
from streams.messages.topics import INSPECTIONS, OBSERVATIONS, TopicNames
from streams.operations.worker_queries.errors import NoTopic, NoWorker, Refused
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds: until a question is repeated (`retry`), until `silence` means that no worker is there.

    An answer after `expires` is ignored. `confirm` is the pause before what seems wrong is read once more: GHL's search is
    about ten seconds behind. `repaired` is how long a repair may take to arrive.
    """

    retry: float = 15.0
    silence: float = 60.0
    expires: float = 600.0
    confirm: float = 10.0
    repaired: float = 600.0


@dataclass(slots=True, eq=False)
class _Waiting:
    inspection: Inspection
    answer: asyncio.Future[Observation]
    asked: float


class WorkerQueryClient:
    """`async with WorkerQueryClient(...) as client: await client.query(connection, "contact", lead=...)`.

    `partitions` is the partition of each connection's GHL budget, `most` how many of its questions may be open at a time.
    """

    def __init__(
        self,
        settings: Settings,
        partitions: Mapping[str, int],
        run: str,
        *,
        timeouts: Timeouts,
        most: int,
    ) -> None:
        self._settings = settings
        self._names = TopicNames(settings.kafka.topic_prefix)
        self._partitions = partitions
        self._run = run
        self._timeouts = timeouts
        self._slots = {name: asyncio.Semaphore(most) for name in partitions}
        self._answered_at: dict[str, float] = {}
        self._numbers = count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._failure: BaseException | None = None
        self.requests = dict.fromkeys(partitions, 0)
        """How many requests to GHL the answers took, by connection."""

    async def __aenter__(self) -> Self:
        observations = self._names.of(OBSERVATIONS)
        async with AsyncExitStack() as stack:
            self._batching_producer = await stack.enter_async_context(open_batching_producer(self._settings))
            self._reader = await stack.enter_async_context(
                # From the end: an answer comes after its question.
                TopicReader(
                    self._settings,
                    observations,
                    set(self._partitions.values()),
                    newest=0,
                    missing=NoTopic(observations),
                )
            )
            if (inspections := self._names.of(INSPECTIONS)) not in await self._reader.topics():
                raise NoTopic(inspections)
            self._stack = stack.pop_all()
        self._tasks = [
            asyncio.create_task(self._listen(), name="observations"),
            asyncio.create_task(self._repeat(), name="repeat questions"),
        ]
        for task in self._tasks:
            task.add_done_callback(self._ended)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    async def query(self, connection: str, question: str, **facts: Any) -> Observation:
        """Ask a question, and return the answer. Raises `NoWorker` after too long a silence, and `Refused`."""
        async with self._slots[connection]:
            number = next(self._numbers)
            inspection = Inspection.model_validate(
                {"run": self._run, "number": number, "connection": connection, "question": question, "expires_ms": 0}
                | facts
            )
            if not any(query.inspection.connection == connection for query in self._waiting.values()):
                self._answered_at[connection] = time.monotonic()  # no answer was due before
            waiting = _Waiting(inspection, asyncio.get_running_loop().create_future(), time.monotonic())
            self._waiting[number] = waiting
            try:
                if self._failure is not None:
                    raise self._failure
                await self._send(inspection)
                observation = await waiting.answer
            finally:
                del self._waiting[number]
        self.requests[connection] += observation.requests
        if observation.answer == "refused":
            raise Refused(connection, observation.lead, observation.message)
        return observation

    async def _send(self, inspection: Inspection) -> None:
        expires_ms = time.time_ns() // 1_000_000 + int(self._timeouts.expires * 1000)
        value = inspection.model_copy(update={"expires_ms": expires_ms}).to_bytes()
        topic, partition = self._names.of(INSPECTIONS), self._partitions[inspection.connection]
        await self._batching_producer.produce([Record(topic, partition, inspection.lane.encode(), value)])

    async def _listen(self) -> None:
        while True:
            for record in await self._reader.poll():
                with suppress(InvalidMessage):
                    self._take(Observation.from_bytes(record.value))

    def _take(self, observation: Observation) -> None:
        if observation.run != self._run:
            return
        self._answered_at[observation.connection] = time.monotonic()
        waiting = self._waiting.get(observation.number)
        if waiting is not None and observation.answer != "waiting" and not waiting.answer.done():
            waiting.answer.set_result(observation)

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self._timeouts.retry))
            for waiting in list(self._waiting.values()):
                connection, now = waiting.inspection.connection, time.monotonic()
                if now - self._answered_at[connection] > self._timeouts.silence and not waiting.answer.done():
                    waiting.answer.set_exception(_no_worker(connection, self._timeouts.silence))
                elif now - waiting.asked > self._timeouts.retry:
                    waiting.asked = now
                    await self._send(waiting.inspection)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Kafka failed: all open questions fail with its error."""
        if task.cancelled() or (error := task.exception()) is None:
            return
        self._failure = error
        for waiting in self._waiting.values():
            if not waiting.answer.done():
                waiting.answer.set_exception(error)


def _no_worker(connection: str, seconds: float) -> NoWorker:
    return NoWorker(
        f"connection {connection}: no worker answered for {seconds:.0f} s. "
        "Is `lofty-ghl worker` running, of this version, with this Kafka and this configuration?"
    )
