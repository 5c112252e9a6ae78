"""A check of a thousand connections leaves half of each vendor's limit to the workers, and takes no longer than that."""

from __future__ import annotations

import asyncio

import pytest

from streams.operations.doctor.turns import AT_ONCE, PART, Turn, Turns, least_seconds
from tests.deadlines import within

LOFTY_A_SECOND = 500 / 60


class Clock:
    """Time that passes as somebody sleeps, for all of them alike."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Note until when somebody waits."""
        self.slept.append(self.now + seconds)


def turn(about: str, limit: str = "app", a_second: float = LOFTY_A_SECOND) -> Turn:
    """Two requests of a limit."""
    return Turn(limit, about, 2, a_second)


async def times_of(turns: list[Turn]) -> list[float]:
    """When each has its turn, in seconds after all began to wait at once."""
    clock = Clock()
    limits = Turns(lambda: clock.now, clock.sleep)
    found = []
    for one in turns:
        before = len(clock.slept)
        await limits.wait(one)
        found.append(clock.slept[-1] - 1000.0 if len(clock.slept) > before else 0.0)
    return found


async def test_no_minute_has_more_than_half_of_the_limit_and_the_few_of_the_start() -> None:
    """With a thousand keys of one Lofty app: 500 requests a minute are allowed."""
    times = await times_of([turn(f"key {number}") for number in range(1000)])
    ended = times[-1]
    most = max(2 * sum(at <= one < at + 60 for one in times) for at in times)
    assert most <= 500 * PART + AT_ONCE + 2
    assert ended == pytest.approx(least_seconds(turn(f"key {number}") for number in range(1000)), abs=10)
    assert 460 < ended < 480
    assert times == sorted(times)


async def test_a_few_connections_do_not_wait() -> None:
    """Nor do many, each with a limit of its own."""
    assert await times_of([turn(f"key {number}") for number in range(AT_ONCE // 2)]) == pytest.approx(
        [0.0] * (AT_ONCE // 2), abs=1e-6
    )
    assert await times_of([turn("key", limit=f"app {number}") for number in range(300)]) == [0.0] * 300


async def test_a_limit_that_is_very_low_still_lets_each_be_asked() -> None:
    """One request a minute: the first at once, the others later."""
    first, second = await times_of([turn("a", a_second=1 / 60), turn("b", a_second=1 / 60)])
    assert (first, second) == (0.0, pytest.approx(240.0))


async def test_what_is_asked_once_for_several_connections_is_one_turn() -> None:
    """None of them goes before it has come."""
    keys = [turn(f"key {number % 50}") for number in range(150)]
    times = await times_of(keys)
    assert times[50:100] == times[100:] == pytest.approx(times[:50])
    assert least_seconds(keys) == least_seconds(keys[:50])


async def test_what_asks_nobody_does_not_wait() -> None:
    """Checks of the deployment, and a side by OAuth."""
    async with asyncio.timeout(within(1)):
        await Turns().wait(None)
    assert least_seconds([None]) == 0.0
