"""Apache Kafka in a container, where an engine answers: the version that `pom.xml` asks for, from Apache's own image."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import docker
from docker.errors import DockerException
from docker.utils import parse_host
from testcontainers.core.container import DockerContainer

from tests.deadlines import within
from tests.kafka.jars import kafka_version
from tests.kafka.node import free_ports, wait_until_ready

START_SECONDS = within(120)
"""The image may have to be fetched first."""


def engine_answers() -> bool:
    """Whether a Docker engine (or what speaks for it) takes requests."""
    if not _is_listening(parse_host(os.environ.get("DOCKER_HOST"))):
        return False
    try:
        client = docker.from_env(timeout=within(5))
    except DockerException:
        return False
    try:
        return bool(client.ping())
    except (DockerException, OSError):
        return False
    finally:
        client.close()


def _is_listening(host: str) -> bool:
    """Whether the engine's local socket is open; asked first because `docker` leaks its own socket when it is not."""
    _scheme, _, path = host.rpartition("unix://")
    if path == host:
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(within(2))
        return probe.connect_ex(path) == 0


@contextmanager
def kafka_container() -> Iterator[str]:
    """Run one node; yields where it listens."""
    (port,) = free_ports(1)
    container = DockerContainer(f"apache/kafka:{kafka_version()}").with_bind_ports(9092, port)
    for name, value in _environment(port).items():
        container = container.with_env(name, value)
    with container:
        bootstrap = f"{container.get_container_host_ip()}:{port}"
        wait_until_ready(bootstrap, START_SECONDS)
        yield bootstrap


def _environment(port: int) -> dict[str, str]:
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://localhost:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    }
