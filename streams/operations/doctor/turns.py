"""The vendors' limits, shared by the checks of an examination: each request in its turn, and half of a limit left to the workers.

A thousand keys of one Lofty app asked at once would use up its 500 requests a minute, and changes would wait.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass, field

PART = 0.5
"""Of a limit, so much is taken: the workers' requests go on."""

AT_ONCE = 20
"""So many requests to a limit are made without waiting, so that a few connections are checked in a moment."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a check asks of a limit: so many requests, of as many `a_second` as it allows.

    Checks that are `about` the same share one turn, as they share its requests.
    """

    limit: str
    about: Hashable = field(repr=False)
    requests: int
    a_second: float

    @property
    def seconds(self) -> float:
        """How long it takes of the part that is ours."""
        return self.requests / (self.a_second * PART)


class Turns:
    """Has each wait for its turn at its limit. Turns are given in the order in which they are asked for."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._taken: dict[str, float] = {}
        """Until when each limit is taken, if its requests were spread evenly."""
        self._given: dict[Turn, float] = {}

    async def wait(self, turn: Turn | None) -> None:
        """Return when its requests may be made. None asks nobody."""
        if turn is None:
            return
        at = self._given.get(turn)
        if at is None:
            at = self._given[turn] = self._next(turn, self._monotonic())
        left = at - self._monotonic()
        if left > 0:
            await self._sleep(left)

    def _next(self, turn: Turn, now: float) -> float:
        """When its requests may be made, if it is asked for now."""
        each = turn.seconds / turn.requests
        ahead = max(turn.requests, min(AT_ONCE, int(turn.a_second * PART * 60))) * each
        begin = now - ahead
        taken = self._taken[turn.limit] = max(self._taken.get(turn.limit, begin), begin) + turn.seconds
        return taken


def least_seconds(turns: Iterable[Turn | None]) -> float:
    """How long they take at least: the limits are used beside each other, so it is the longest of them."""
    seconds = defaultdict[str, float](float)
    for turn in {turn for turn in turns if turn is not None}:
        seconds[turn.limit] += turn.seconds
    return max(seconds.values(), default=0.0)
