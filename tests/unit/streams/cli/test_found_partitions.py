"""A command whose configuration names no number of partitions never works with a number that the topics do not have."""

from __future__ import annotations

import pytest
from aiokafka.errors import KafkaConnectionError

from streams.cli import found_partitions
from streams.messages.topics import TopicNames
from streams.settings import Settings
from streams.settings.model import GatewaySettings, Kafka, WorkerSettings

OURS = dict.fromkeys(TopicNames("crm.").specs(), 12)


def settings_of(**kafka: int) -> Settings:
    found = Kafka.model_validate({"topic_prefix": "crm.", **kafka})
    return Settings(kafka=found, gateway=GatewaySettings(), worker=WorkerSettings(), connections={})


@pytest.mark.parametrize(
    ("kafka", "found", "expected"),
    [
        ({}, OURS, "its topics have 12 partitions"),
        ({}, {}, ""),
        ({}, {"others": 12}, ""),
        ({}, {**OURS, "crm.lofty.changes": 4}, "its topics have 12 partitions"),
        ({}, dict.fromkeys(OURS, 4), ""),
        ({"partitions": 4}, OURS, ""),  # what is given is compared with each topic
    ],
)
def test_topics_with_another_number_stop_the_work(kafka: dict[str, int], found: dict[str, int], expected: str) -> None:
    """They answered only after the settings had been made."""
    said = found_partitions.disagreement(settings_of(**kafka), found)
    assert (expected in said, bool(said)) == (True, bool(expected))


def test_without_kafka_the_settings_are_those_of_a_new_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever needs Kafka says by itself that it is away."""

    async def away(settings: Settings) -> dict[str, int]:
        raise KafkaConnectionError("away")

    monkeypatch.setattr("streams.kafka.partition_count.reach", away)
    assert found_partitions.with_partitions(settings_of()) == settings_of()


def test_the_number_is_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kafka is not asked where it is known."""
    asked = []

    async def answers(settings: Settings) -> dict[str, int]:
        asked.append(settings)
        return OURS

    monkeypatch.setattr("streams.kafka.partition_count.reach", answers)
    found = found_partitions.with_partitions(settings_of())
    assert (found.kafka.partitions, found_partitions.with_partitions(found), len(asked)) == (12, found, 1)
    assert found_partitions.with_partitions(settings_of(partitions=4)).kafka.partitions == 4
    assert len(asked) == 1
