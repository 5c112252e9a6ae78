"""Whether the links that are here can be all: each receipt that was worked off has left a row in the table `links`.

Receipts are kept for a month, links for ever. A changelog that was deleted and made anew, or cut off, while nobody had a copy,
tells nothing of that itself; the oldest receipts do, for what they made is what is gone first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aiokafka import TopicPartition

from streams.kafka.clients import Consumer, client_options, start_consumer, stop_consumer
from streams.messages import FENCE_KEY, InvalidMessage, Receipt
from streams.settings import Settings

MOST_RECEIPTS = 100
MOST_RECORDS = 1_000
"""So many receipts, and records, of each partition are looked at."""
FETCH_BYTES = 128 * 1024


async def receipt_without_link(
    settings: Settings, topic: str, commits: Mapping[int, int], has_link: Callable[[int, str], bool]
) -> tuple[int, Receipt] | None:
    """A partition and a receipt before its commit whose entity has no link there; None while there is none to be seen.

    `commits` are the offsets up to which receipts were worked off, by partition. Raises aiokafka's error.
    """
    wanted = {TopicPartition(topic, partition): offset for partition, offset in commits.items() if offset > 0}
    if not wanted:
        return None
    consumer = Consumer(
        **client_options(settings),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    await start_consumer(consumer)
    try:
        begins, ends = await consumer.beginning_offsets(wanted), await consumer.end_offsets(wanted)
        # A topic that was made again may end before the commit: what is not there never comes.
        wanted = {place: min(offset, ends[place]) for place, offset in wanted.items()}
        open_ = {place for place in wanted if begins[place] < wanted[place]}
        consumer.assign(open_)
        for place in open_:
            consumer.seek(place, begins[place])
        receipts = dict.fromkeys(open_, 0)
        while open_:
            for place, messages in (await consumer.getmany(*open_, timeout_ms=200)).items():
                for message in messages:
                    if message.offset >= wanted[place] or receipts[place] >= MOST_RECEIPTS:
                        break
                    if message.key == FENCE_KEY:
                        continue
                    try:
                        receipt = Receipt.from_bytes(message.value)
                    except InvalidMessage:
                        continue
                    receipts[place] += 1
                    if not has_link(place.partition, receipt.entity.key):
                        return place.partition, receipt
            open_ = {
                place
                for place in open_
                if receipts[place] < MOST_RECEIPTS
                and (await consumer.position(place)) < min(wanted[place], begins[place] + MOST_RECORDS)
            }
        return None
    finally:
        await stop_consumer(consumer)
