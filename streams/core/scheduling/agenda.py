"""Finds the names to look at next, without looking at all of them: those that have changed, and those whose time has come.

A name's time promises that nothing can happen to it earlier, unless it changes. The time may be too early: then the caller finds
nothing to do and puts a later time. When a time changes, the old entry is not searched in the heap: it becomes stale. Stale entries
are dropped when their turn comes, or all at once when they are the greater part.
"""

from __future__ import annotations

import heapq
from itertools import count
from math import inf

LEAST_STALE = 64
"""So many stale entries are always allowed, however few names there are."""


class Agenda:
    """Times are monotonic seconds, passed in by the caller. Names are returned in the order in which they were added."""

    def __init__(self) -> None:
        self._order: dict[str, int] = {}
        self._numbers = count()
        self._changed: set[str] = set()
        self._at: dict[str, float] = {}
        self._heap: list[tuple[float, int, str]] = []

    def add(self, name: str) -> None:
        """Add a name, as the last one. It counts as changed."""
        self._order[name] = next(self._numbers)
        self._changed.add(name)

    def remove(self, name: str) -> None:
        """Remove a name."""
        del self._order[name]
        self._changed.discard(name)
        self._at.pop(name, None)

    def changed(self, name: str) -> None:
        """Something happened to a name, so its time no longer holds. An unknown name is ignored."""
        if name in self._order:
            self._changed.add(name)

    def due(self, now: float) -> list[str]:
        """The names that have changed or whose time has come. Each is returned once: call `put` for each of them."""
        found, self._changed = self._changed, set()
        while self._heap and self._heap[0][0] <= now:
            at, order, name = heapq.heappop(self._heap)
            if self._is_fresh(at, order, name):
                del self._at[name]
                found.add(name)
        return sorted(found, key=self._order.__getitem__)

    def put(self, name: str, at: float | None) -> None:
        """Set a name's time: nothing can happen to it before `at`. None or infinity: time alone changes nothing."""
        if at is None or at == inf:
            self._at.pop(name, None)
            return
        if self._at.get(name) == at:
            return
        self._at[name] = at
        heapq.heappush(self._heap, (at, self._order[name], name))
        if len(self._heap) > 2 * len(self._order) + LEAST_STALE:
            self._heap = [(at, self._order[name], name) for name, at in self._at.items()]
            heapq.heapify(self._heap)

    def soonest(self) -> float | None:
        """The earliest time; None if there is none. A name that has changed has no time until the next `put`."""
        while self._heap and not self._is_fresh(*self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def _is_fresh(self, at: float, order: int, name: str) -> bool:
        return self._at.get(name) == at and self._order.get(name) == order
