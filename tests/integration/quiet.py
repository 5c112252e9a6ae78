"""Knows whether a stage has come to rest, by evidence: nothing is on its way, nothing is unread, nothing is under way.

What moves on a stage is one of these, and each can be seen:

- a ping or a webhook that a sandbox has not yet brought to the gateway (which answers once Kafka has it);
- a record of an agent's topic that the agent has not yet acknowledged: it stands before the topic's end;
- a batch in an agent's hand, an append that Kafka has not yet acknowledged;
- an entity that waits in a dispatcher, or is being worked on.

All but the ends of the topics are in this process and are read in one go, without an `await` in between. The ends come from Kafka,
so they are asked before and after, and must not have moved: then they were the ends at the moment of the reading, and all of
the list above was empty at one moment. From there nothing moves but by a clock, or a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition

from connectors.sandbox.shared.mailer import Mailer
from streams.kafka.clients import Consumer, start_consumer, stop_consumer
from streams.kafka.connection_options import client_options

if TYPE_CHECKING:
    from streams.worker.worker import Worker
    from tests.integration.stage import Stage


class Quiet:
    """Looks at a stage. `look` says in words what still moves; empty when nothing does."""

    def __init__(self, lofty: Mailer, ghl: Mailer) -> None:
        self._mailers = (lofty, ghl)
        self._ends: AIOKafkaConsumer | None = None
        self._commits: AIOKafkaConsumer | None = None

    async def look(self, on: Stage) -> str:
        """One look, at the stage's present worker."""
        before = await self._ends_of(on)
        elsewhere = await self._committed_elsewhere(on, before)
        if moving := self._moving(on, before, elsewhere):
            return moving
        return "" if await self._ends_of(on) == before else "records come"

    async def aclose(self) -> None:
        """Close its clients."""
        for consumer in (self._ends, self._commits):
            if consumer is not None:
                await stop_consumer(consumer)

    def _moving(self, on: Stage, ends: Mapping[TopicPartition, int], elsewhere: Mapping[TopicPartition, int]) -> str:
        worker = on.worker
        if pending := sum(mailer.pending for mailer in self._mailers):
            return f"{pending} pings and webhooks are on their way ({[dict(one.counts) for one in self._mailers]})"
        if busy := [loop.name for loop in worker.dispatchers.loops if not loop.core.is_idle]:
            return f"the dispatchers {busy} are not idle"
        if not worker.consuming.in_progress._idle.is_set() or worker._producer.batching._flushing:
            return "batches are in hand"
        unread = {
            f"{place.topic}/{place.partition}": (done, end)
            for place, end in ends.items()
            if (done := elsewhere.get(place, _acknowledged(worker, place))) < end
        }
        return f"unread (offset, end): {unread}" if unread else ""

    async def _ends_of(self, on: Stage) -> dict[TopicPartition, int]:
        if self._ends is None:
            consumer = Consumer(**client_options(on.settings))
            await start_consumer(consumer)
            self._ends = consumer
        partitions = range(on.settings.kafka.partitions)
        topics = sorted(name for agent in on.worker.app.agents.values() for name in agent.get_topic_names())
        places = [TopicPartition(topic, number) for topic in topics for number in partitions]
        found: dict[TopicPartition, int] = await self._ends.end_offsets(places)
        return found

    async def _committed_elsewhere(self, on: Stage, ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """What the group has committed in partitions that another worker has, who commits every second."""
        assigned = on.worker.ownership.assigned
        places = [place for place in ends if place.partition not in assigned]
        if not places:
            return {}
        if self._commits is None:
            consumer = Consumer(**client_options(on.settings), group_id=on.names.group, enable_auto_commit=False)
            await start_consumer(consumer)
            self._commits = consumer
        return {place: await self._commits.committed(place) or 0 for place in places}


def _acknowledged(worker: Worker, place: TopicPartition) -> int:
    """Up to where the worker has acknowledged a partition; Faust keeps what it has committed, and what it is going to."""
    consumer = worker.app.consumer
    committed = consumer._committed_offset.get(place) or 0  # type: ignore[attr-defined]  # Faust's own ledger
    acknowledged = consumer._acked.get(place) or ()  # type: ignore[attr-defined]  # as above
    return max(committed, *(offset + 1 for offset in acknowledged), 0)
