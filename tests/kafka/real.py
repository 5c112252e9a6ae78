"""Finds a real Kafka for the tests: the one that is given, else Docker, else Kafka itself with Java."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.kafka.broker import Broker, real_broker
from tests.kafka.container import engine_answers, kafka_container
from tests.kafka.jars import kafka_version, why_unavailable
from tests.kafka.node import KafkaNode


class NoKafkaError(Exception):
    """There is no real Kafka to be had here; its text says what would give one."""


@contextmanager
def real_kafka(environ: Mapping[str, str]) -> Iterator[Broker]:
    """A real Kafka, as long as the block lasts. Raises `NoKafkaError` when none can be had."""
    given = environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        yield real_broker(given, "KAFKA_BOOTSTRAP_SERVERS")
    elif engine_answers():
        with kafka_container() as bootstrap:
            yield real_broker(bootstrap, f"apache/kafka:{kafka_version()} in Docker")
    elif (missing := why_unavailable()) is None:
        with KafkaNode() as node:
            yield real_broker(node.bootstrap, f"Apache Kafka {kafka_version()} with Java")
    else:
        raise NoKafkaError(
            f"no real Kafka: KAFKA_BOOTSTRAP_SERVERS is not set, no Docker engine answers, and {missing}"
        )
