"""How far a consumer group is in some partitions, observed from outside: this client does not join the group."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable

from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError

from streams.kafka.clients import Consumer, start_consumer, stop_consumer
from streams.kafka.connection_options import client_options
from streams.settings import Settings

log = logging.getLogger("lofty_ghl.kafka")

RETRY_SECONDS = 1.0
"""The pause before a question is repeated that Kafka did not answer."""


class GroupLag:
    """Reads the commits of a group. Its consumer is started with the first question; `aclose` stops it."""

    def __init__(self, settings: Settings, group: str) -> None:
        self._settings = settings
        self._group = group
        self._consumer: Consumer | None = None
        self._starting = asyncio.Lock()

    async def committed_and_end(self, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], tuple[int, int]]:
        """(committed, end) by topic and partition. Without a commit, or with a deleted one, the start counts as committed."""
        consumer = await self._started()
        wanted = {TopicPartition(*partition) for partition in partitions}
        if not wanted:
            return {}
        if consumer.assignment() != wanted:
            consumer.assign(wanted)
        ends, firsts = await consumer.end_offsets(wanted), await consumer.beginning_offsets(wanted)
        commits = await consumer.commits(wanted)
        return {(p.topic, p.partition): (max(firsts[p], commits.get(p, 0)), ends[p]) for p in wanted}

    async def resumes_at(self, topic_partition: tuple[str, int]) -> int:
        """The offset at which the group resumes: its commit, or the first offset that still exists.

        Repeats the question until Kafka answers, as nothing can continue before. Raises aiokafka's error when a retry cannot help.
        """
        while True:
            try:
                return await self._resumes_at(TopicPartition(*topic_partition))
            except KafkaError as error:
                if not (error.retriable or isinstance(error, KafkaTimeoutError | KafkaConnectionError)):
                    raise
                log.warning("cannot read where the consumer group resumes: %s", error, extra={"repeats": True})
            await asyncio.sleep(RETRY_SECONDS)

    async def _resumes_at(self, partition: TopicPartition) -> int:
        consumer = await self._started()
        first: int = (await consumer.beginning_offsets([partition]))[partition]
        committed: int | None = await consumer.committed(partition)
        return max(first, committed or 0)

    async def reach(
        self, partitions: Collection[tuple[str, int]]
    ) -> dict[tuple[str, int], tuple[int | None, int, int]]:
        """By topic and partition: the group's commit (None without one), the first offset, and the next one."""
        consumer, wanted = await self._started(), [TopicPartition(*partition) for partition in partitions]
        commits = await consumer.commits(wanted)
        firsts, ends = await consumer.beginning_offsets(wanted), await consumer.end_offsets(wanted)
        return {(one.topic, one.partition): (commits.get(one), firsts[one], ends[one]) for one in wanted}

    async def _started(self) -> Consumer:
        async with self._starting:
            if self._consumer is None:
                consumer = Consumer(**client_options(self._settings), group_id=self._group, enable_auto_commit=False)
                await start_consumer(consumer)
                self._consumer = consumer
            return self._consumer

    async def aclose(self) -> None:
        """Stop the consumer, if it was started."""
        if self._consumer is not None:
            await stop_consumer(self._consumer)
