"""The process in which the embedded broker lives: prints its address, and ends when its standard input closes."""

from __future__ import annotations

import sys

from confluent_kafka import Producer


def main() -> None:
    """Start the mock cluster, tell where it is, live until the parent goes."""
    producer = Producer({"bootstrap.servers": "ignored", "test.mock.num.brokers": 1, "log_level": 0})
    broker = next(iter(producer.list_topics(timeout=10).brokers.values()))
    print(f"{broker.host}:{broker.port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
