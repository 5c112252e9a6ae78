"""A worker's status is put together while its leads go on, and what goes meanwhile is left out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from streams.core.progress.hold_time import HoldTimes
from streams.core.scheduling.dispatcher import BudgetPolicy, Dispatcher
from streams.settings import parse_settings
from streams.telemetry.logs import Redaction
from streams.worker.connections import LiveConnections
from streams.worker.reporting.open_rows import OpenRows
from streams.worker.reporting.publisher import SLICE, _gathered
from streams.worker.reporting.status import StatusBuilder, everything


@pytest.mark.usefixtures("virtual_time")
async def test_others_get_their_turn_while_two_hundred_connections_are_put_together() -> None:
    """At once they take 40 ms of every five seconds, in which each lead waits."""
    at_turns = [0]
    taken = 0

    def found() -> Iterator[int]:
        nonlocal taken
        for number in range(200):
            taken += 1
            yield number

    async def others() -> None:
        while taken < 200:
            at_turns.append(taken)
            await asyncio.sleep(0.001)

    working = asyncio.create_task(others())
    gathered = await _gathered(found(), 0.005)
    await working

    assert gathered == tuple(range(200))
    assert max(later - at for at, later in zip(at_turns, [*at_turns[1:], 200], strict=True)) <= SLICE


def test_a_budget_that_goes_while_the_status_is_put_together_is_left_out() -> None:
    """Its connection was removed, or another worker has it: the status of the others is published all the same."""
    cores = [Dispatcher(), Dispatcher()]
    for core in cores:
        for number in range(20):
            core.acquire(f"b{number}", BudgetPolicy(100, 10.0, 4))
    sources: Any = SimpleNamespace(
        reading=SimpleNamespace(name="read", core=cores[0]), writing=SimpleNamespace(name="write", core=cores[1])
    )
    builder = StatusBuilder(
        LiveConnections(parse_settings("")), Redaction(), OpenRows(), HoldTimes(), monotonic=lambda: 0.0
    )
    budgets = builder.budgets(sources, 0, everything)
    first = next(budgets)
    for core in cores:
        core.release("b7")
        core.acquire("late", BudgetPolicy(100, 10.0, 4))
    told = [(one.dispatcher, one.budget) for one in (first, *budgets)]

    assert len(told) == 19 + 20
    assert ("read", "b7") not in told
    assert ("write", "late") in told
