"""Checks that the table `links` is complete: each receipt that was applied has left a row in it.

Receipts are kept for a month, links for ever. A changelog that was deleted and created again, or cut off, while no worker had
a copy, does not show that itself. The oldest receipts do: their links are the first that are missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aiokafka import TopicPartition

from streams.kafka.topic_reader import TopicReader
from streams.messages import FENCE_KEY, InvalidMessage, Receipt
from streams.settings import Settings

MOST_RECEIPTS = 100
MOST_RECORDS = 1_000
"""At most so many receipts, and records, of each partition are read."""
FETCH_BYTES = 128 * 1024


async def receipt_without_link(
    settings: Settings, topic: str, commits: Mapping[int, int], has_link: Callable[[int, str], bool]
) -> tuple[int, Receipt] | None:
    """A partition, and a receipt before its commit whose entity has no link there; None when every receipt read has one.

    `commits` are the offsets up to which receipts were applied, by partition. Raises aiokafka's error.
    """
    wanted = {TopicPartition(topic, partition): offset for partition, offset in commits.items() if offset > 0}
    if not wanted:
        return None
    numbers = [partition.partition for partition in wanted]
    async with TopicReader(settings, topic, numbers, max_partition_fetch_bytes=FETCH_BYTES) as reader:
        # A topic that was created again may end before the commit: what is not there never comes.
        ends = {
            partition: min(offset, reader.ends[partition], reader.starts[partition] + MOST_RECORDS)
            for partition, offset in wanted.items()
        }
        receipts = dict.fromkeys(ends, 0)
        async for record in reader.read_to_end(ends):
            partition = TopicPartition(topic, record.partition)
            if record.key == FENCE_KEY or record.offset >= ends.get(partition, 0):
                continue
            try:
                receipt = Receipt.from_bytes(record.value)
            except InvalidMessage:
                continue
            if not has_link(record.partition, receipt.entity.key):
                return record.partition, receipt
            receipts[partition] += 1
            if receipts[partition] >= MOST_RECEIPTS:
                del ends[partition]
    return None
