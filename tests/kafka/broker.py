"""A broker as a test sees it: the same for the embedded one and for a real Kafka."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.brokers import EmbeddedBroker

NO_CONFIG: Mapping[str, str] = {}


class CreateTopics(Protocol):
    """Creates topics with their settings, or raises."""

    def __call__(self, topics: Mapping[str, Mapping[str, str]], partitions: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Broker:
    """Where it is, and what may be expected of it: `is_real` means compaction, an admin API and data that last."""

    name: Literal["embedded", "real"]
    bootstrap: str
    origin: str
    create: CreateTopics

    @property
    def is_real(self) -> bool:
        """It is Apache Kafka (or what speaks for it), not the mock cluster."""
        return self.name == "real"

    def create_topics(self, topics: Mapping[str, Mapping[str, str]], partitions: int = 4) -> None:
        """Create topics with their settings (`TopicNames.specs()` has this shape). The embedded broker has no settings."""
        self.create(topics, partitions)

    def create_topic(self, name: str, partitions: int, config: Mapping[str, str] = NO_CONFIG) -> None:
        """Create one topic."""
        self.create({name: config}, partitions)


@contextmanager
def embedded_broker() -> Iterator[Broker]:
    """The embedded broker, as long as the block lasts."""
    with EmbeddedBroker() as embedded:

        def create(topics: Mapping[str, Mapping[str, str]], partitions: int) -> None:
            for name in topics:
                embedded.create_topic(name, partitions)

        yield Broker("embedded", embedded.bootstrap, "librdkafka's mock cluster", create)


def real_broker(bootstrap: str, origin: str) -> Broker:
    """A real Kafka that is running."""

    admin = AdminClient({"bootstrap.servers": bootstrap})

    def create(topics: Mapping[str, Mapping[str, str]], partitions: int) -> None:
        wanted = [NewTopic(name, partitions, 1, config=dict(config)) for name, config in topics.items()]
        for made in admin.create_topics(wanted).values():
            made.result(30)

    return Broker("real", bootstrap, origin, create)
