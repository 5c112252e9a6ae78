"""librdkafka's mock cluster, reached through the library that `confluent-kafka` brings along.

`confluent-kafka` itself only offers the setting `test.mock.num.brokers`: every topic then has four partitions, and a
consumer group waits three seconds before it gives its first member anything. The same library's C functions
(`rdkafka_mock.h`, exported by the wheels of Linux and macOS) create topics of any size and drop that wait.
Where the library cannot be found, `open_cluster` falls back to the setting.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import confluent_kafka

CreateTopic = Callable[[str, int], str]
"""Create a topic of so many partitions; returns what went wrong, or nothing."""

REBALANCE_DELAY_MS = 50
"""How long a group waits for more members. Members of one process join within it, so that they share one assignment."""

_PRODUCER = 0
_ERROR_BYTES = 512


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster. It lives as long as `keep_alive` does."""

    bootstrap: str
    create_topic: CreateTopic
    keep_alive: object


def open_cluster() -> Cluster:
    """Start a cluster of one broker in this process. Raises RuntimeError with librdkafka's words."""
    path = _library()
    return _by_setting() if path is None else _by_functions(ctypes.CDLL(str(path)))


def _library() -> Path | None:
    package = Path(confluent_kafka.__file__).parent
    folders = (package.with_name("confluent_kafka.libs"), package / ".dylibs")
    found = (path for folder in folders for path in sorted(folder.glob("librdkafka*")))
    return next((path for path in found if "++" not in path.name), None)


def _by_functions(library: Any) -> Cluster:
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    new, error_text = library.rd_kafka_new, library.rd_kafka_err2str
    conf_new, conf_set = library.rd_kafka_conf_new, library.rd_kafka_conf_set
    conf_new.restype, conf_set.restype = pointer, number
    conf_set.argtypes = [pointer, text, text, text, ctypes.c_size_t]
    new.restype, new.argtypes = pointer, [number, pointer, text, ctypes.c_size_t]
    error_text.restype, error_text.argtypes = text, [number]
    cluster_new, bootstraps = library.rd_kafka_mock_cluster_new, library.rd_kafka_mock_cluster_bootstraps
    cluster_new.restype, cluster_new.argtypes = pointer, [pointer, number]
    bootstraps.restype, bootstraps.argtypes = text, [pointer]
    topic_create, delay = library.rd_kafka_mock_topic_create, library.rd_kafka_mock_group_initial_rebalance_delay_ms
    topic_create.restype, topic_create.argtypes = number, [pointer, text, number, number]
    delay.restype, delay.argtypes = None, [pointer, ctypes.c_int32]

    words = ctypes.create_string_buffer(_ERROR_BYTES)
    quiet = conf_new()
    if conf_set(quiet, b"log_level", b"0", words, _ERROR_BYTES):
        raise RuntimeError(f"librdkafka refused a setting: {words.value.decode()}")
    client = new(_PRODUCER, quiet, words, _ERROR_BYTES)
    if not client:
        raise RuntimeError(f"librdkafka did not start: {words.value.decode()}")
    cluster = cluster_new(client, 1)
    if not cluster:
        raise RuntimeError("librdkafka did not start its mock cluster")
    delay(cluster, REBALANCE_DELAY_MS)

    def create_topic(name: str, partitions: int) -> str:
        code = topic_create(cluster, name.encode(), partitions, 1)
        return str(error_text(code).decode()) if code else ""

    return Cluster(bootstraps(cluster).decode(), create_topic, (library, client, cluster))


def _by_setting() -> Cluster:
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": "the mock cluster's own", "test.mock.num.brokers": 1, "log_level": 0}
    )
    broker = next(iter(producer.list_topics(timeout=10).brokers.values()))

    def create_topic(name: str, partitions: int) -> str:
        made = len(producer.list_topics(name, timeout=10).topics[name].partitions)
        return "" if made == partitions else f"the mock cluster made {made} partitions, {partitions} were asked for"

    return Cluster(f"{broker.host}:{broker.port}", create_topic, producer)
