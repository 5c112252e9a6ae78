"""Kafka's errors as `Unavailable`, in plain words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiokafka.errors import KafkaError

from streams.console.errors import Unavailable

MOST_SECONDS = 60.0

Found = TypeVar("Found")


async def on_kafka(work: Callable[[], Awaitable[Found]], most_seconds: float = MOST_SECONDS) -> Found:
    """The result of some work. Raises `Unavailable` when Kafka cannot be used."""
    try:
        async with asyncio.timeout(most_seconds):
            return await work()
    except (KafkaError, TimeoutError, OSError) as error:
        raise Unavailable(
            f"Kafka, the storage of the sync engine, is not reachable ({type(error).__name__}). Nothing is lost. Try again in a minute."
        ) from error
