"""How many partitions a deployment has whose configuration does not say it: as many as its topics.

A new release may have another default than the one that created the topics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from streams.kafka.clients import reach
from streams.messages.topics import TopicNames
from streams.settings import Settings


def is_given(settings: Settings) -> bool:
    """Whether the configuration says the number, or it was found."""
    return "partitions" in settings.kafka.model_fields_set


def found_partitions(settings: Settings, found: Mapping[str, int]) -> int | None:
    """The number that most of a deployment's topics have; None where there are none. `found` are a cluster's topics."""
    ours = Counter(found[name] for name in TopicNames(settings.kafka.topic_prefix).specs() if name in found)
    return ours.most_common(1)[0][0] if ours else None


async def with_found_partitions(settings: Settings) -> Settings:
    """The settings with the number that the topics have, unless the configuration says one; a new deployment has the default.

    Raises aiokafka's error, and `KafkaRefused`, when Kafka has to be asked and does not answer.
    """
    if is_given(settings):
        return settings
    number = found_partitions(settings, await reach(settings))
    if number is None:
        return settings
    kafka = settings.kafka.model_copy(update={"partitions": number})
    return settings.model_copy(update={"kafka": kafka})
