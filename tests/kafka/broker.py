"""A broker as a test sees it: the same for the embedded one and for a real Kafka."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # it does not say what it exports
from confluent_kafka.cimpl import NewTopic

from streams.kafka.embedded import EmbeddedBroker
from tests.deadlines import within

NO_CONFIG: Mapping[str, str] = {}


class CreateTopics(Protocol):
    """Creates topics with their settings, or raises."""

    def __call__(self, topics: Mapping[str, Mapping[str, str]], partitions: int) -> None: ...


class DeleteTopics(Protocol):
    """Has topics deleted, some time after it has returned."""

    def __call__(self, topics: Iterable[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class Broker:
    """Where it is, and what may be expected of it: `is_real` means compaction, an admin API and data that last."""

    name: Literal["embedded", "real"]
    bootstrap: str
    origin: str
    create: CreateTopics
    delete: DeleteTopics = lambda topics: None

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

    def delete_topics(self, topics: Iterable[str]) -> None:
        """The topics are no longer used: delete them. The embedded broker keeps them: it knows no deletion.

        A hundred tests leave ten thousand partitions, under which one node stops answering in time.
        """
        self.delete(topics)


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
        deadline = time.monotonic() + within(120)
        while not _are_led(admin, topics):  # Kafka says that they are made before its broker knows them
            assert time.monotonic() < deadline, f"no leaders: {list(topics)}"
            time.sleep(0.02)

    def delete(topics: Iterable[str]) -> None:
        admin.delete_topics(list(topics))

    return Broker("real", bootstrap, origin, create, delete)


def _are_led(admin: AdminClient, topics: Iterable[str]) -> bool:
    """Whether each partition has a leader that knows it: a broker is named as one before it has made the logs, seconds
    before on a machine that others use, and answers until then that it is none."""
    known = admin.list_topics(timeout=within(30)).topics
    if not all(name in known and all(p.leader >= 0 for p in known[name].partitions.values()) for name in topics):
        return False
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # confluent-kafka has types for a part of it
    places = {TopicPartition(name, number): latest for name in topics for number in known[name].partitions}
    try:
        for found in admin.list_offsets(places, request_timeout=within(30)).values():
            found.result(within(30))
    except KafkaException:
        return False
    return True
