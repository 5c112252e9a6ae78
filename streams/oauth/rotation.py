"""What a rotation of the keys has found, and how what it sealed again is written."""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.kafka.batching_producer import Record
from streams.kafka.clients import open_batching_producer
from streams.oauth.grants import Grants


@dataclass(slots=True)
class KeyRotation:
    """The tokens and credentials that were sealed again, that were current, and that no key opens, with the reason."""

    resealed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    closed: dict[str, str] = field(default_factory=dict)


async def produce_all(grants: Grants, records: list[Record]) -> None:
    """Write some records; returns once Kafka has them."""
    async with open_batching_producer(grants.settings) as batching_producer:
        await batching_producer.produce(records)
