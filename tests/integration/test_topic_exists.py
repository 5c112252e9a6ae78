"""Whether a topic is there is asked of Kafka without a word about all the others, and without making it."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError

from streams.kafka.clients import topic_exists
from tests.kafka.broker import Broker


async def answers(broker: Broker, *topics: str) -> list[bool]:
    """For each of these topics, by a client of its own."""
    found = []
    for topic in topics:
        client = AIOKafkaClient(bootstrap_servers=broker.bootstrap)
        try:
            await client.bootstrap()
            found.append(await topic_exists(client, topic))
        finally:
            await client.close()
    return found


async def one_is_asked_for(broker: Broker, patch: pytest.MonkeyPatch) -> None:
    """Asked twice, what is not there is still not there."""
    broker.create_topic("is-there", 1)
    patch.delattr(AIOKafkaClient, "fetch_all_metadata")
    assert await answers(broker, "is-there", "never-made", "never-made") == [True, False, False]


async def test_one_topic_is_asked_for_and_none_is_made(embedded_kafka: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the embedded broker."""
    await one_is_asked_for(embedded_kafka, monkeypatch)


async def test_one_topic_is_asked_for_of_a_real_kafka(real_kafka: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which has its own words for a topic that it does not know."""
    await one_is_asked_for(real_kafka, monkeypatch)


async def test_a_broker_that_is_away_is_not_the_last_word(
    embedded_kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All brokers are asked then."""
    embedded_kafka.create_topic("stays-there", 1)

    async def away(*_: Any, **__: Any) -> Any:
        raise KafkaConnectionError("away")

    monkeypatch.setattr("streams.kafka.clients.AIOKafkaClient.send", away)
    assert await answers(embedded_kafka, "stays-there", "never-made") == [True, False]
