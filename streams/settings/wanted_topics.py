"""The topics that a deployment's settings ask for: what is created, compared, checked and exported is this list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streams.messages.size_limits import SizeLimits
from streams.messages.topics import TopicNames
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class WantedTopic:
    """One topic as it must be."""

    name: str
    partitions: int
    replication_factor: int
    config: Mapping[str, str]


def wanted_topics(settings: Settings) -> tuple[WantedTopic, ...]:
    """Every topic that must exist: the product's own, then the tables' changelogs."""
    kafka, limits = settings.kafka, SizeLimits.of(settings.gateway.max_body_bytes)
    return tuple(
        WantedTopic(name, kafka.partitions, kafka.replication_factor, config)
        for name, config in TopicNames(kafka.topic_prefix).specs(limits.record).items()
    )
