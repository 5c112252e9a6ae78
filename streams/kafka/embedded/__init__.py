"""Brokers that need no installation."""

from streams.kafka.embedded.broker import EmbeddedBroker

__all__ = ["EmbeddedBroker"]
