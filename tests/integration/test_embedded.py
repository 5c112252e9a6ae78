"""The embedded broker itself: what it refuses, and that it never outlives its parent."""

from __future__ import annotations

import subprocess
import sys

import pytest
from aiokafka import AIOKafkaProducer

from streams.kafka.embedded import EmbeddedBroker, mock_cluster
from streams.kafka.embedded.broker import PARTITIONS
from tests.deadlines import within


def test_a_topic_is_created_once() -> None:
    """A second topic of the same name is refused in librdkafka's words."""
    with EmbeddedBroker() as broker:
        broker.create_topic("once", 8)
        with pytest.raises(RuntimeError, match=r"once.*already exists"):
            broker.create_topic("once", 8)


def test_it_is_entered_before_it_is_used() -> None:
    """Without its process there is nobody to ask."""
    with pytest.raises(RuntimeError, match="enter it first"):
        EmbeddedBroker().create_topic("x", 1)


def test_it_ends_when_its_parent_is_gone() -> None:
    """Its standard input closes with the parent, however that ends."""
    with subprocess.Popen(
        [sys.executable, "-m", "streams.kafka.embedded.process"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        address = process.stdout.readline()
        process.stdin.close()
        code = process.wait(within(30))
    assert address.startswith(b"127.0.0.1:")
    assert code == 0


async def test_without_the_library_it_falls_back_to_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `confluent-kafka` hides its library, every topic has librdkafka's own number of partitions."""
    monkeypatch.setattr(mock_cluster, "_library", lambda: None)
    cluster = mock_cluster.open_cluster()
    wrong = cluster.create_topic("eight", 8)
    async with AIOKafkaProducer(bootstrap_servers=cluster.bootstrap) as producer:
        partitions = await producer.partitions_for("any")
    assert "made 4 partitions, 8 were asked for" in wrong
    assert len(partitions) == PARTITIONS
