"""Finds a real Kafka for the tests: the one that is given, else Docker, else Kafka itself with Java."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from tests.kafka.broker import Broker, real_broker
from tests.kafka.container import NoContainerError, kafka_container, kafka_image, why_no_container
from tests.kafka.jars import kafka_version, why_unavailable
from tests.kafka.node import KafkaNode


class NoKafkaError(Exception):
    """There is no real Kafka to be had here; its text says what would give one."""


@contextmanager
def real_kafka(environ: Mapping[str, str]) -> Iterator[Broker]:
    """A real Kafka, as long as the block lasts. Raises `NoKafkaError` when none can be had."""
    with ExitStack() as running:
        yield _found(environ, running)


def _found(environ: Mapping[str, str], running: ExitStack) -> Broker:
    given = environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        return real_broker(given, "KAFKA_BOOTSTRAP_SERVERS")
    no_container = why_no_container()
    if no_container is None:
        try:
            return real_broker(running.enter_context(kafka_container()), f"{kafka_image()} in Docker")
        except NoContainerError as error:
            no_container = str(error)
    if (no_java := why_unavailable()) is not None:
        raise NoKafkaError(f"no real Kafka: KAFKA_BOOTSTRAP_SERVERS is not set, {no_container}, and {no_java}")
    node = running.enter_context(KafkaNode())
    return real_broker(node.bootstrap, f"Apache Kafka {kafka_version()} with Java")
