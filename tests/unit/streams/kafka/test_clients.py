"""How our clients reach Kafka: a topic counts once each of its partitions has a leader."""

from __future__ import annotations

import pytest
from aiokafka.cluster import ClusterMetadata
from aiokafka.errors import LeaderNotAvailableError
from aiokafka.protocol.metadata import MetadataResponse_v1

from streams.kafka import clients as kafka
from streams.kafka.clients import until_topics_are_led
from streams.settings import Settings

NONE = -1


def told(**leaders: tuple[int, ...]) -> ClusterMetadata:
    """What one broker knows: of each topic the leaders of its partitions; 5 is Kafka's code for one without."""
    topics = [
        (
            0,
            name,
            False,
            [(5 if leader == NONE else 0, number, leader, [1], [1]) for number, leader in enumerate(found)],
        )
        for name, found in leaders.items()
    ]
    cluster = ClusterMetadata()
    cluster.update_metadata(MetadataResponse_v1([(1, "localhost", 9092, None)], 1, topics))
    return cluster


@pytest.mark.parametrize(
    "before",
    [
        [],
        [told()],
        [told(one=(1, 1))],
        [told(one=(1, 1), two=(1, NONE))],
        [told(one=(NONE,), two=(1, 1)), told(two=(1, 1)), told(one=(1, NONE), two=(1, 1))],
    ],
)
async def test_a_topic_is_waited_for_until_all_of_it_is_led(before: list[ClusterMetadata], settings: Settings) -> None:
    """Whatever a broker that lags behind answers first: no topic, one of two, partitions without a leader."""
    answers = [*before, told(one=(1, 1), two=(1, 1), other=(NONE,))]

    async def fetch() -> ClusterMetadata:
        return answers.pop(0)

    await until_topics_are_led(settings, ["one", "two"], fetch=fetch)
    assert answers == []


async def test_what_stays_without_a_leader_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """And how many there are."""
    monkeypatch.setattr(kafka, "LED_SECONDS", 0.0)

    async def fetch() -> ClusterMetadata:
        return told(one=(1,), two=(NONE,))

    with pytest.raises(LeaderNotAvailableError, match="no leader for topic two and 1 more"):
        await until_topics_are_led(settings, ["one", "two", "three"], fetch=fetch)


@pytest.fixture
def settings() -> Settings:
    """Of no cluster: what Kafka says is given."""
    return Settings.model_construct()
