"""Which connections a periodic piece of work has here, and the timer of each until it is due next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class DueTimers:
    """One timer at most for each connection that is owned."""

    _owned: set[str] = field(default_factory=set)
    _timers: dict[str, asyncio.TimerHandle] = field(default_factory=dict)

    def acquire(self, connection: str) -> None:
        """This worker has the connection's work now."""
        self._owned.add(connection)

    def release(self, connection: str) -> None:
        """Another worker has it from now on."""
        self._owned.discard(connection)
        self._cancel(connection)

    def begins(self, connection: str) -> bool:
        """Whether the work may begin here now. Its timer, if there is one, is over."""
        self._cancel(connection)
        return connection in self._owned

    def later(self, connection: str, seconds: float, offer: Callable[[str], None]) -> None:
        """Call `offer` with the connection once it is due."""
        self._timers[connection] = asyncio.get_running_loop().call_later(seconds, offer, connection)

    def _cancel(self, connection: str) -> None:
        if timer := self._timers.pop(connection, None):
            timer.cancel()
