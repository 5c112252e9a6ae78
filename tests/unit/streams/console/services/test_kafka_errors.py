"""A page waits for Kafka only so long."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from streams.console.errors import Unavailable
from streams.console.services import kafka_errors
from streams.console.services.kafka_errors import KafkaTurn, at_most, on_kafka
from tests.deadlines import within


async def test_a_broker_that_does_not_answer_holds_nobody_up() -> None:
    """Nor does the client that closes slowly; and what is read after it is not even begun."""
    closes, was_begun = asyncio.Event(), False

    async def frozen() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await closes.wait()  # it does not even close when it is cancelled

    async def next_one() -> None:
        nonlocal was_begun
        was_begun = True

    with at_most(0.2):
        for work in (frozen, frozen, next_one):
            with pytest.raises(Unavailable, match="Nothing is lost"):
                await on_kafka(work)
    assert not was_begun
    closes.set()


async def test_an_error_of_kafka_is_told_in_plain_words() -> None:
    async def refused() -> None:
        raise ConnectionRefusedError

    with pytest.raises(Unavailable, match="not reachable: ConnectionRefusedError"):
        await on_kafka(refused)


async def test_what_is_no_fault_of_kafka_goes_through() -> None:
    async def other() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await on_kafka(other)


async def test_a_page_waits_for_its_turn_no_longer_than_for_kafka() -> None:
    """Who is before it may have a minute. Its turn comes when that one is done."""
    turn, took = KafkaTurn(), []
    async with asyncio.timeout(within(30)):
        async with turn:
            with at_most(0.01), pytest.raises(Unavailable, match="Nothing is lost"):
                async with turn:
                    took.append("too early")
        with at_most(0.01):
            async with turn:
                took.append("free")
    assert took == ["free"]


def test_services_take_turns_on_kafka_in_this_way_only() -> None:
    """A lock of another sort has no limit."""
    services = Path(kafka_errors.__file__).parent
    assert [one.name for one in services.glob("*.py") if "asyncio.Lock()" in one.read_text()] == ["kafka_errors.py"]
