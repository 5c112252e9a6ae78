"""Asks the owners of the budgets, and waits for their answers.

A question is asked again under its number until it is answered: the worker that had it may have ended.
Every question taken is acknowledged by its worker, so silence tells a dead worker from a busy one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any, Self

from aiokafka import TopicPartition

from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.clients import Consumer, client_options, new_producer, start_consumer, start_producer, stop_consumer
from streams.messages import Inspection, InvalidMessage, Observation
from streams.messages.topics import INSPECTIONS, OBSERVATIONS, TopicNames
from streams.operations.worker_queries.errors import NoTopic, NoWorker, Refused
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: until a question is asked `again`, until `silence` means that no worker is there.

    Nobody waits for an answer after `expires`. `confirm` lies between two looks at what seems wrong: GHL's search is about
    ten seconds behind. `mended` is how long a repair may take to arrive.
    """

    again: float = 15.0
    silence: float = 60.0
    expires: float = 600.0
    confirm: float = 10.0
    mended: float = 600.0


@dataclass(slots=True, eq=False)
class _Waiting:
    inspection: Inspection
    answer: asyncio.Future[Observation]
    asked: float


class WorkerQueryClient:
    """`async with Asker(...) as asker: await asker.ask(connection, "contact", lead=...)`.

    `places` is the partition of each connection's GHL budget, `most` how many of its questions may be open at a time.
    """

    def __init__(
        self,
        settings: Settings,
        names: TopicNames,
        places: Mapping[str, int],
        run: str,
        *,
        now_ms: Callable[[], int],
        clock: Callable[[], float],
        patience: Patience,
        most: int,
    ) -> None:
        self._settings = settings
        self._names = names
        self._places = places
        self._run = run
        self._now_ms = now_ms
        self._clock = clock
        self._patience = patience
        self._slots = {name: asyncio.Semaphore(most) for name in places}
        self._heard: dict[str, float] = {}
        self._numbers = count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._failure: BaseException | None = None
        self.requests = dict.fromkeys(places, 0)
        """What the answers cost at GHL, by connection."""

    async def __aenter__(self) -> Self:
        self._producer = new_producer(self._settings)
        self._consumer = Consumer(
            **client_options(self._settings), auto_offset_reset="latest", fetch_max_wait_ms=50, enable_auto_commit=False
        )
        await start_producer(self._producer)
        try:
            await start_consumer(self._consumer)
            known = await self._consumer.topics()
            for topic in (INSPECTIONS, OBSERVATIONS):
                if self._names.of(topic) not in known:
                    raise NoTopic(self._names.of(topic))
            observations = self._names.of(OBSERVATIONS)
            places = [TopicPartition(observations, number) for number in sorted(set(self._places.values()))]
            self._consumer.assign(places)
            for place in places:
                await self._consumer.position(place)  # from now on: answers come after what they answer
        except BaseException:
            await self._stop()
            raise
        self._batching_producer = BatchingProducer(self._producer)
        self._tasks = [
            asyncio.create_task(self._listen(), name="observations"),
            asyncio.create_task(self._ask_again(), name="ask again"),
        ]
        for task in self._tasks:
            task.add_done_callback(self._ended)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stop()

    async def ask(self, connection: str, question: str, **facts: Any) -> Observation:
        """Ask, and return the answer. Raises `NoWorker` after too long a silence, `Refused` when it cannot be answered."""
        async with self._slots[connection]:
            number = next(self._numbers)
            inspection = Inspection.model_validate(
                {"run": self._run, "number": number, "connection": connection, "question": question, "expires_ms": 0}
                | facts
            )
            if not any(one.inspection.connection == connection for one in self._waiting.values()):
                self._heard[connection] = self._clock()  # nobody was to be heard from before this
            waiting = _Waiting(inspection, asyncio.get_running_loop().create_future(), self._clock())
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
        expires_ms = self._now_ms() + int(self._patience.expires * 1000)
        value = inspection.model_copy(update={"expires_ms": expires_ms}).to_bytes()
        topic, place = self._names.of(INSPECTIONS), self._places[inspection.connection]
        await self._batching_producer.produce([Record(topic, place, inspection.lane.encode(), value)])

    async def _listen(self) -> None:
        while True:
            for messages in (await self._consumer.getmany(timeout_ms=200)).values():
                for message in messages:
                    with suppress(InvalidMessage):
                        self._hear(Observation.from_bytes(message.value))

    def _hear(self, observation: Observation) -> None:
        if observation.run != self._run:
            return
        self._heard[observation.connection] = self._clock()
        waiting = self._waiting.get(observation.number)
        if waiting is not None and observation.answer != "waiting" and not waiting.answer.done():
            waiting.answer.set_result(observation)

    async def _ask_again(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self._patience.again))
            for waiting in list(self._waiting.values()):
                connection, now = waiting.inspection.connection, self._clock()
                if now - self._heard[connection] > self._patience.silence and not waiting.answer.done():
                    waiting.answer.set_exception(NoWorker(connection, self._patience.silence))
                elif now - waiting.asked > self._patience.again:
                    waiting.asked = now
                    await self._send(waiting.inspection)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Kafka does not let us go on: whoever waits is told."""
        if task.cancelled() or (error := task.exception()) is None:
            return
        self._failure = error
        for waiting in self._waiting.values():
            if not waiting.answer.done():
                waiting.answer.set_exception(error)

    async def _stop(self) -> None:
        await stop_consumer(self._consumer)
        await self._producer.stop()
