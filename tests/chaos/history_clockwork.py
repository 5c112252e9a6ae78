"""Time without waiting: coroutines that sleep and wait for answers, driven in the order of a clock that nobody looks at."""

from __future__ import annotations

import types
from collections.abc import Coroutine, Generator
from heapq import heappop, heappush
from itertools import count
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Work = Coroutine[Any, Any, None]


@types.coroutine
def sleep(seconds: float) -> Generator[float, None, None]:
    """Go on later."""
    yield seconds


class Answer(Generic[T]):
    """Something that comes once. One may wait for it."""

    def __init__(self, clockwork: Clockwork) -> None:
        self._clockwork = clockwork
        self._waiting: tuple[str, Work] | None = None
        self._come: list[T] = []

    def give(self, value: T) -> None:
        """It comes."""
        self._come.append(value)
        if self._waiting is not None:
            self._clockwork.resume(*self._waiting)

    def wait_in(self, owner: str, work: Work) -> None:
        """Who waits."""
        self._waiting = owner, work
        if self._come:
            self._clockwork.resume(owner, work)

    def __await__(self) -> Generator[Answer[T], None, T]:
        yield self
        return self._come[0]


class Clockwork:
    """The clock (`now`, in seconds) and all that is to go on. Work of an owner in `dead` never goes on."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.dead: set[str] = set()
        self._due: list[tuple[float, int, str, Work]] = []
        self._count = count()

    def resume(self, owner: str, work: Work, after_seconds: float = 0.0) -> None:
        """Begin or go on, after a while."""
        heappush(self._due, (self.now + after_seconds, next(self._count), owner, work))

    def run(self) -> None:
        """Until nothing is left to do."""
        while self._due:
            at, _, owner, work = heappop(self._due)
            self.now = at
            if owner in self.dead:
                work.close()
                continue
            try:
                wish = work.send(None)
            except StopIteration:
                continue
            if isinstance(wish, Answer):
                wish.wait_in(owner, work)
            else:
                self.resume(owner, work, wish)
