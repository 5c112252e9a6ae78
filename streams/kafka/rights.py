"""Which rights Kafka gives us on topics: asked once before the work, so that the error names a missing right.

Otherwise each client finds out by itself: a consumer only logs it, and a topic that may not be described looks like one that
does not exist. Brokers before 2.3 do not answer the question; then no right counts as missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from enum import IntEnum
from typing import Any, Final

from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String

from streams.kafka.clients import REACH_MS, REACH_SECONDS, cluster_client
from streams.kafka.error_texts import missing_right
from streams.kafka.refusals import KafkaRefused
from streams.settings import Settings


class Right(IntEnum):
    """An operation of Kafka's authorizer, by its number in the protocol."""

    READ = 3
    WRITE = 4
    DELETE = 6
    DESCRIBE = 8
    DESCRIBE_CONFIGS = 10


WORDS: Final = {
    Right.READ: "Read",
    Right.WRITE: "Write",
    Right.DELETE: "Delete",
    Right.DESCRIBE: "Describe",
    Right.DESCRIBE_CONFIGS: "DescribeConfigs",
}
READS = (Right.READ,)
READS_AND_WRITES = (Right.READ, Right.WRITE)

NOT_TOLD = -(2**31)
"""The answer of a broker that has no authorizer."""


class _RightsResponse(Response):  # type: ignore[misc]  # aiokafka has no types
    API_KEY = 3
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            Array(("node_id", Int32), ("host", String("utf-8")), ("port", Int32), ("rack", String("utf-8"))),
        ),
        ("cluster_id", String("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", String("utf-8")),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("cluster_authorized_operations", Int32),
    )


class _RightsRequestBody(RequestStruct):  # type: ignore[misc]  # aiokafka has no types
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = _RightsResponse
    SCHEMA = Schema(
        ("topics", Array(String("utf-8"))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class _RightsRequest(Request[_RightsRequestBody]):  # type: ignore[misc]  # aiokafka has no types
    """aiokafka's own metadata request ends at version 5, and rights are included from version 8 on."""

    API_KEY = 3

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics = sorted(topics)

    def build(self, request_struct_class: type[_RightsRequestBody]) -> _RightsRequestBody:
        return request_struct_class(self._topics, False, False, True)


async def missing_rights(
    settings: Settings, topics: Collection[str], rights: Collection[Right]
) -> dict[Right, list[str]]:
    """The rights among these that we lack, with the topics. A topic that does not exist lacks none.

    Raises aiokafka's error when Kafka does not answer.
    """
    async with cluster_client(settings, request_timeout_ms=REACH_MS) as client:
        try:
            async with asyncio.timeout(REACH_SECONDS):
                answer: Any = await client.send(client.get_random_node(), _RightsRequest(topics))
        except (NotImplementedError, TimeoutError):  # an older broker; or a busy one, which the work itself will find
            return {}
    lacking: dict[Right, list[str]] = {}
    for code, topic, _, _, operations in answer.topics:
        if code == TopicAuthorizationFailedError.errno:
            operations = 0
        elif code or operations == NOT_TOLD:
            continue
        for right in rights:
            if not operations >> right & 1:
                lacking.setdefault(right, []).append(topic)
    return lacking


async def demand_rights(settings: Settings, topics: Collection[str], rights: Collection[Right]) -> None:
    """Raises `KafkaRefused` with each right that is missing, and where."""
    try:
        lacking = await missing_rights(settings, topics, rights)
    except KafkaError as error:
        if not error.retriable:
            raise
        return
    if lacking:
        reasons = (missing_right(settings.kafka, WORDS[right], names) for right, names in sorted(lacking.items()))
        raise KafkaRefused("; ".join(reasons))
