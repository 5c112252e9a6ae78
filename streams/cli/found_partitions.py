"""The number of partitions, where the configuration does not say it: Kafka is asked once, before a command's work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from streams.cli.run_async import run_async

if TYPE_CHECKING:
    from streams.settings import Settings


def with_partitions(settings: Settings) -> Settings:
    """The settings with the number of partitions that the topics have, where the configuration says none and Kafka answers.

    Where Kafka does not answer, whatever needs it finds that out by itself; if it answers then, `disagreement` is asked.
    """
    if "partitions" in settings.kafka.model_fields_set:  # as `is_given`, whose import takes its time
        return settings
    from aiokafka.errors import KafkaError

    from streams.kafka.partition_count import with_found_partitions
    from streams.kafka.refusals import KafkaMisconfigured

    try:
        return run_async(with_found_partitions(settings))
    except (KafkaError, KafkaMisconfigured, OSError):
        return settings


def disagreement(settings: Settings, found: Mapping[str, int]) -> str:
    """Why the work must not begin: Kafka did not answer at first, and its topics have another number. Empty when all is well."""
    from streams.kafka.partition_count import found_partitions, is_given

    number = found_partitions(settings, found)
    if is_given(settings) or number in (None, settings.kafka.partitions):
        return ""
    return f"Kafka did not answer at first: its topics have {number} partitions, and kafka.partitions is not set. Try again"
