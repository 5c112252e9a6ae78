"""How many replays run beside a gateway, and in which order interrupted ones get their turn."""

from __future__ import annotations

import asyncio

import pytest

from streams.console.errors import TooMany, Unavailable
from streams.console.services.kafka_errors import at_most
from streams.console.services.replay import MOST_RUNNING, Replays
from streams.messages import Replay, Selection
from tests.deadlines import within
from tests.unit.streams.console.stage import settings_of


class Held(Replays):
    """Replays that run until they are stopped."""

    def __init__(self) -> None:
        super().__init__(settings_of(), None, lambda: 5)  # type: ignore[arg-type]  # nothing is audited here
        self.end = asyncio.Event()

    async def _run_replay(self, run: str, rate: float) -> None:
        await self.end.wait()
        if run == "bad":
            raise RuntimeError(run)


async def test_only_some_run_at_a_time() -> None:
    """One that ends makes room, and so does one whose order fails."""
    held = Held()
    for run in ("good", "bad"):
        with held._room():
            held._carry_on(run, 1.0)
    with pytest.raises(TooMany, match=f"{MOST_RUNNING} runs are under way"), held._room():
        pass
    held.end.set()
    async with asyncio.timeout(within(30)):
        while held._under_way:
            await asyncio.sleep(0)
    for _ in range(MOST_RUNNING + 1):
        with pytest.raises(ValueError, match="no"), held._room():
            raise ValueError("no")


async def test_a_page_waits_for_whoever_reads_now_no_longer_than_for_kafka() -> None:
    """The check for interrupted replays may hold the reader for a minute while Kafka stands still."""
    held = Held()
    async with held._lock, asyncio.timeout(within(30)):
        with at_most(0.01), pytest.raises(Unavailable, match="Nothing is lost"):
            await held.all()


def test_what_ends_early_keeps_no_other_from_its_turn() -> None:
    """Those that were not tried come first, whoever wrote them; what is gone is forgotten."""
    held = Held()
    known = tuple(
        Replay(run=run, selection=Selection(topic="lofty.snapshots"), by="x", began_ms=0, moved_ms=0) for run in "abc"
    )
    held._tried = {"a": 7, "b": 6, "gone": 1}
    assert [one.run for one in held._in_turn(known)] == ["c", "b", "a"]
    assert held._tried == {"a": 7, "b": 6}
