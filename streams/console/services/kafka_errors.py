"""Kafka's errors as `Unavailable`, in plain words, and within the time that a page may take."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from aiokafka.errors import KafkaError

from streams.console.errors import Unavailable

MOST_SECONDS = 60.0
PAGE_SECONDS = 4.0
"""How long a page that only shows something waits for Kafka, however many things it reads."""

Found = TypeVar("Found")

_until: ContextVar[float | None] = ContextVar("until", default=None)
_abandoned: set[asyncio.Future[Any]] = set()
"""Work that was given up and is being cancelled: a client of a broker that does not answer takes long to close."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Within it, all work on Kafka together takes so long at most, and never longer than the block around it allows."""
    token = _until.set(time.monotonic() + seconds_left(seconds))
    try:
        yield
    finally:
        _until.reset(token)


def seconds_left(most_seconds: float) -> float:
    """How long one piece of work may take."""
    until = _until.get()
    return most_seconds if until is None else max(0.0, min(most_seconds, until - time.monotonic()))


async def on_kafka(work: Callable[[], Awaitable[Found]], most_seconds: float = MOST_SECONDS) -> Found:
    """The result of some work. Raises `Unavailable` when Kafka cannot be used, or does not answer in time."""
    seconds = seconds_left(most_seconds)
    if not seconds:
        raise unreachable("it did not answer in time")
    task = asyncio.ensure_future(work())
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        _abandon(task)
        raise
    if not done:
        _abandon(task)
        raise unreachable(f"it did not answer within {seconds:.0f} s")
    try:
        return task.result()
    except (KafkaError, TimeoutError, OSError) as error:
        raise unreachable(type(error).__name__) from error


class KafkaTurn:
    """One after another on Kafka: `async with turn:`. The wait for whoever is at work counts as Kafka's own time.

    Without that, a page would wait as long as the slowest of those before it, who may have a minute. Raises `Unavailable`.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> None:
        seconds = seconds_left(MOST_SECONDS)
        try:
            async with asyncio.timeout(seconds):
                await self._lock.acquire()
        except TimeoutError:
            raise unreachable(f"others wait for it, and it did not answer them within {seconds:.0f} s") from None

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()


def unreachable(why: str) -> Unavailable:
    """The storage cannot be read or written now."""
    return Unavailable(f"The sync engine's storage is not reachable: {why}. Nothing is lost. Try again in a minute.")


def _abandon(task: asyncio.Future[Any]) -> None:
    """Cancel work without waiting until it has ended."""
    task.cancel()
    _abandoned.add(task)
    task.add_done_callback(_forget)


def _forget(task: asyncio.Future[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()  # nobody waits for it any longer
