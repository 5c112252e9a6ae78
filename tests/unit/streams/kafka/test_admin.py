"""Created topics are reported once the brokers know them. The rest of `admin` is tested on a real Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from streams.kafka import admin
from streams.messages.topics import TopicNames
from streams.settings import Settings
from streams.settings.model import GatewaySettings, Kafka, WorkerSettings


async def test_topics_count_as_created_once_their_partitions_are_led(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kafka says "created" before its brokers know a topic: `topics create` then called some of them missing, and ended with 1."""
    led: list[str] = []

    async def until_led(_settings: Settings, topics: Collection[str]) -> None:
        led.extend(topics)

    @asynccontextmanager
    async def client(_settings: Settings) -> AsyncIterator[Any]:
        async def create_topics(topics: list[Any]) -> Any:
            there = 36  # TOPIC_ALREADY_EXISTS: another process was faster
            return SimpleNamespace(topic_errors=[(one.name, there if one.name == "b" else 0, None) for one in topics])

        yield SimpleNamespace(create_topics=create_topics)

    monkeypatch.setattr(admin, "admin_client", client)
    monkeypatch.setattr(admin, "until_topics_are_led", until_led)
    settings = Settings(kafka=Kafka(), gateway=GatewaySettings(), worker=WorkerSettings(), connections={})
    assert await admin.create_topics(settings, {"a": {}, "b": {}, "c": {}}) == ["a", "c"]
    assert led == ["a", "c"]


@pytest.mark.parametrize(
    ("key", "wanted", "found", "expected"),
    [
        ("retention.ms", "1000", "1000", True),
        ("retention.ms", "1000", "2000", True),
        ("retention.ms", "1000", "-1", True),
        ("retention.ms", "1000", "999", False),
        ("retention.bytes", "1000", "-1", True),
        ("retention.bytes", "1000", "999", False),
        ("retention.bytes", "-1", "1000000", False),
        ("segment.bytes", "52428800", "1073741824", True),
        ("segment.bytes", "52428800", "16777216", True),
        ("segment.bytes", "52428800", "1048576", False),
        ("cleanup.policy", "compact", "compact,delete", False),
    ],
)
def test_what_keeps_more_is_as_good(key: str, wanted: str, found: str, expected: bool) -> None:
    """Others may manage the topics: longer retention and other segments lose nothing, less of it does."""
    assert admin.is_compatible(key, wanted, found) is expected


def test_segments_are_as_large_as_managed_clusters_demand() -> None:
    """They refuse less than 50 MiB."""
    sizes = [int(one["segment.bytes"]) for one in TopicNames("").specs().values() if "segment.bytes" in one]
    assert sizes
    assert min(sizes) >= 50 * 2**20
