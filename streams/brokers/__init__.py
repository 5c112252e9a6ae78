"""Brokers that need no installation."""

from streams.brokers.embedded import EmbeddedBroker

__all__ = ["EmbeddedBroker"]
