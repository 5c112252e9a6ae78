"""How much room Kafka's brokers have on their disks, and how much of it topics take.

XXX: aiokafka has no such request. To be removed once it has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from aiokafka.errors import IncompatibleBrokerVersion, NodeNotReadyError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

from streams.kafka.clients import REACH_MS, REACH_SECONDS, cluster_client
from streams.settings import Settings


class _LogDirsResponse(Response):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY = 35
    API_VERSION = 4
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        (
            "log_dirs",
            CompactArray(
                ("error_code", Int16),
                ("log_dir", CompactString("utf-8")),
                (
                    "topics",
                    CompactArray(
                        ("name", CompactString("utf-8")),
                        (
                            "partitions",
                            CompactArray(
                                ("partition", Int32),
                                ("size", Int64),
                                ("offset_lag", Int64),
                                ("is_future_key", Boolean),
                                ("tags", TaggedFields),
                            ),
                        ),
                        ("tags", TaggedFields),
                    ),
                ),
                ("total_bytes", Int64),
                ("usable_bytes", Int64),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _LogDirsRequestBody(RequestStruct):  # type: ignore[misc]  # as above
    API_KEY = 35
    API_VERSION = 4
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _LogDirsResponse
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(
                ("topic", CompactString("utf-8")), ("partitions", CompactArray(Int32)), ("tags", TaggedFields)
            ),
        ),
        ("tags", TaggedFields),
    )


class _LogDirsRequest(Request[_LogDirsRequestBody]):  # type: ignore[misc]  # as above
    """Versions before the fourth (Kafka 3.3) have no sizes of disks."""

    API_KEY = 35

    def __init__(self, topics: Collection[str], partitions: int) -> None:
        self._topics: list[tuple[str, list[int], dict[int, bytes]]] = [
            (topic, list(range(partitions)), {}) for topic in sorted(topics)
        ]

    def build(self, request_struct_class: type[_LogDirsRequestBody]) -> Any:
        return request_struct_class(self._topics, {})


@dataclass(frozen=True, slots=True)
class BrokerDisk:
    """One broker. `usable_bytes` are free on all its disks together; `held_bytes` are what it keeps of the topics that were asked for."""

    broker: int
    usable_bytes: int
    held_bytes: int


async def broker_disks(settings: Settings, topics: Collection[str], partitions: int) -> tuple[BrokerDisk, ...]:
    """The disks of all brokers; empty where a broker does not say: before Kafka 3.3, or without the right Describe on the cluster."""
    found: list[BrokerDisk] = []
    async with cluster_client(settings, request_timeout_ms=REACH_MS) as client:
        for broker in sorted(one.nodeId for one in client.cluster.brokers()):
            try:
                async with asyncio.timeout(REACH_SECONDS):
                    answer: Any = await client.send(broker, _LogDirsRequest(topics, partitions))
            except (IncompatibleBrokerVersion, NodeNotReadyError, NotImplementedError, TimeoutError):
                return ()
            if (disk := disk_of(broker, answer)) is None:
                return ()
            found.append(disk)
    return tuple(found)


def disk_of(broker: int, answer: Any) -> BrokerDisk | None:
    """What a broker's answer says; None where it says nothing of its disks.

    Folders of one disk say the same of it, and count once.
    """
    folders = [one for one in answer.log_dirs if not one[0]]
    sizes = {(total, usable) for _, _, _, total, usable, *_ in folders if usable >= 0}
    if answer.error_code or not sizes:
        return None
    held = sum(size for _, _, topics, *_ in folders for _, partitions, *_ in topics for _, size, *_ in partitions)
    return BrokerDisk(broker, sum(usable for _, usable in sizes), held)
