"""The traps of the chaos suite."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from tests.chaos.await_points import MOST_MISSES, STAGES, AwaitPoints
from tests.chaos.trap import EVERY, TOO_FAR, Trap
from tests.chaos.worker import TrappedWorker
from tests.integration.stage import stage
from tests.kafka.broker import Broker


async def _two_waits() -> str:
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return "done"


async def _points(trap: Trap) -> str:
    return await trap.watch(_two_waits())


@pytest.mark.parametrize("point", [1, 2, 3, 4])
async def test_every_await_point_has_two_sides(point: int) -> None:
    """Two waits are four points, and each springs the trap once."""
    sprung: list[int] = []
    assert await _points(Trap(point, 0, lambda: sprung.append(point))) == "done"
    assert sprung == [point]


async def test_a_point_beyond_the_end_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """When no piece of work is so long, the log says how long the longest is."""
    caplog.set_level("INFO")
    trap = Trap(5, 0, lambda: pytest.fail("there is no fifth point"))
    for _ in range(EVERY):
        await _points(trap)
    assert f"{TOO_FAR}: {EVERY} pieces of work, the longest has 4 points" in caplog.text


async def test_the_first_pieces_pass() -> None:
    """A trap waits for the given number of pieces of work."""
    sprung: list[None] = []
    trap = Trap(1, 2, lambda: sprung.append(None))
    for _ in range(3):
        await _points(trap)
    assert len(sprung) == 1


async def test_an_error_passes_through() -> None:
    """What is thrown into a piece of work reaches it, and what it raises comes out."""

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("as ever")

    with pytest.raises(ValueError, match="as ever"):
        await Trap(9, 0).watch(fails())


def test_points_are_counted_up_until_a_stage_has_no_more() -> None:
    """A stage with three points is asked for a fourth, and then begins again."""
    plan = AwaitPoints(stages=("write",))
    taken = []
    for _ in range(6):
        which, point = plan.take()
        taken.append(point)
        if point <= 3:
            plan.stepped(which, point)
        else:
            plan.too_far(which, point)
    assert taken == [1, 2, 3, 4, 1, 2]
    assert plan.report() == "write: points 1 to 3 (no more after 3)"


def test_a_point_that_nothing_came_to_is_tried_again_and_then_told() -> None:
    """A point is left out only after some tries, and the report says so."""
    plan = AwaitPoints(stages=("read",))
    taken = []
    for _ in range(4):
        which, point = plan.take()
        taken.append(point)
        (plan.missed if point == 1 else plan.stepped)(which, point)
    assert taken == [1, 1, 1, 2]
    assert plan.report() == "read: points 1 to 2, left out [1] (more may follow)"


def test_a_point_whose_worker_ended_of_something_else_is_taken_again() -> None:
    """Only a trap that was there to be stepped on counts."""
    plan = AwaitPoints(stages=("read",))
    for _ in range(5):
        which, point = plan.take()
        plan.give_back(which, point)
    assert plan.take() == ("read", 1)


def test_a_stage_whose_traps_nothing_ever_steps_on_is_told() -> None:
    """Else the most delicate kills could be gone, and nobody would notice."""
    plan = AwaitPoints(stages=("read", "write"))
    for _ in range(2 * MOST_MISSES):
        which, point = plan.take()
        (plan.missed if which == "write" else plan.stepped)(which, point)
    assert plan.never_stepped_on() == ["write"]


async def test_every_stage_of_the_worker_can_be_trapped(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lead on its way passes a trap in each."""
    sprung: set[str] = set()
    traps = {one: Trap(1, 0, partial(sprung.add, one)) for one in STAGES}
    monkeypatch.setattr(TrappedWorker, "traps", traps)
    async with stage(embedded_kafka, tmp_path, restarts=True, session=10.0) as on:
        await on.worker.__aexit__(None, None, None)
        async with TrappedWorker(on.settings, on.given()) as trapped:
            on.worker = trapped
            lead = on.new_lead()
            await on.until(lambda: lead in on.contacts())
            await on.until_quiet()

    assert sprung == set(STAGES)
