"""Whoever is cut off while it reads a topic for the first time leaves no consumer open."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from streams.kafka import topic_reader
from streams.kafka.topic_reader import KafkaRecord, TopicReader
from streams.messages.topics import SNAPSHOTS
from streams.operations.backfill import Backfill
from streams.operations.replay.runs import Runs
from streams.operations.verify.latest_snapshots import LatestSnapshots
from streams.settings import Settings
from tests.integration.stage import stage
from tests.kafka.broker import Broker

READERS: dict[str, Callable[[Settings, str], AbstractAsyncContextManager[Any]]] = {
    "backfill": lambda settings, _: Backfill(settings, settings.connections["acme"]),
    "replay": lambda settings, _: Runs(settings),
    "verify": lambda settings, snapshots: LatestSnapshots(settings, snapshots, ["acme"], {0}),
}


class CutOff(Exception):
    """Kafka went away, or whoever waited has had enough."""


@pytest.mark.parametrize("reader", READERS)
async def test_its_consumer_is_stopped(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str
) -> None:
    """Each of them reads to the end before its block begins."""
    made: list[AIOKafkaConsumer] = []

    def noted(*given: Any) -> AIOKafkaConsumer:
        made.append(new(*given))
        return made[-1]

    async def cut_off(*_: Any) -> AsyncIterator[KafkaRecord]:
        raise CutOff
        yield  # a generator

    async with stage(embedded_kafka, tmp_path) as on:
        new = topic_reader._consumer
        monkeypatch.setattr(topic_reader, "_consumer", noted)
        monkeypatch.setattr(TopicReader, "read_to_end", cut_off)
        with pytest.raises(CutOff):
            async with READERS[reader](on.settings, on.names.of(SNAPSHOTS)):
                pass
        monkeypatch.undo()
        assert made
        assert all(one._closed for one in made)
