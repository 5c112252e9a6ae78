"""A trap in a process: SIGKILL at an exact await point of a piece of work.

A piece of work is a coroutine; each time it is suspended, two points are passed: the suspension itself, when what was asked
for is on its way, and the resumption, when it has come back.
Point 1 is the first suspension, point 2 its resumption, point 3 the second suspension, and so on.
So counting up from 1 visits every await point of a delivery from both sides, until no delivery has so many.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

log = logging.getLogger("chaos.trap")

EVERY = 30
"""Pieces of work that must pass a trap without stepping on it before it is said that none is so long."""
TOO_FAR = "trap: too far"

T = TypeVar("T")


def die() -> None:
    """As the kernel would: no cleaning up."""
    os.kill(os.getpid(), signal.SIGKILL)


class Trap:
    """Lets `after` pieces of work pass; whichever comes to `point` after that calls `spring`.

    Once `EVERY` pieces have ended before that point, it says so in the log, with `TOO_FAR` and the longest of them.
    """

    def __init__(self, point: int, after: int, spring: Callable[[], None] = die) -> None:
        self._point = point
        self._after = after
        self._spring = spring
        self._begun = 0
        self._ended = 0
        self._longest = 0

    def watch(self, work: Awaitable[T]) -> Awaitable[T]:
        """Let a piece of work run."""
        self._begun += 1
        return work if self._begun <= self._after else _Watched(work, self)

    def passed(self, point: int) -> None:
        """A piece of work is at a point."""
        self._longest = max(self._longest, point)
        if point == self._point:
            self._spring()

    def ended(self) -> None:
        """A piece of work came to its end."""
        self._ended += 1
        if self._ended == EVERY:
            log.info("%s: %d pieces of work, the longest has %d points", TOO_FAR, self._ended, self._longest)


class _Watched(Awaitable[T]):
    def __init__(self, work: Awaitable[T], trap: Trap) -> None:
        self._work = work
        self._trap = trap

    def __await__(self) -> Generator[Any, Any, T]:
        inner = self._work.__await__()
        point = 0
        error: BaseException | None = None
        while True:
            try:
                waits_for = inner.send(None) if error is None else inner.throw(error)
            except StopIteration as end:
                self._trap.ended()
                return end.value  # type: ignore[no-any-return]  # whatever the work returns
            self._trap.passed(point := point + 1)
            error = None
            try:
                yield waits_for
            except BaseException as thrown:
                error = thrown
            self._trap.passed(point := point + 1)
