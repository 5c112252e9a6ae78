"""Where a record goes: topics are keyed by the contact and partitioned by the budget that limits their consumer.

So one worker owns a budget, and alone keeps its window, its concurrency and its quota: no lock, no Redis.
"""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=65536)
def partition_of(key: str, partitions: int) -> int:
    """The partition of a key, by the function that every Kafka client knows."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % partitions)


def lofty_budget(name: str) -> str:
    """The placement key of a Lofty budget."""
    return f"lofty:{name}"


def ghl_budget(location_id: str) -> str:
    """The placement key of a GHL location's budget."""
    return f"ghl:{location_id}"
