"""What has held changes back: since when a budget pauses, and when the quota or missing access last held something. Pure.

A change that waited for a person or for the end of the day says nothing of how fast the pipeline is: freshness leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Held = Literal["no", "quota", "access", "paused"]
Budget = tuple[str, str]
"""A dispatcher's name and a budget's."""

_BY: dict[str, Held] = {"no access": "access", "uninstalled": "access", "daily quota": "quota"}
"""The kinds of pauses (`core/scheduling/pauses.py`) that no speed of ours would shorten."""


class HoldTimes:
    """Takes each pause when it begins, and the state of the budgets at intervals. Times are epoch milliseconds."""

    def __init__(self) -> None:
        self._paused_since: dict[Budget, int] = {}
        self._held: dict[tuple[str, str, Held], int] = {}
        self._resumed: dict[str, int] = {}

    def paused(self, dispatcher: str, budget: str, kind: str, now_ms: int) -> None:
        """A budget pauses."""
        self._paused_since.setdefault((dispatcher, budget), now_ms)
        if held := _BY.get(kind):
            self._held[dispatcher, budget, held] = now_ms

    def look(self, dispatcher: str, budget: str, kind: str, now_ms: int, *, waits_for_quota: bool) -> int | None:
        """How a budget is now; `kind` is that of its pause, empty for none. Returns since when it pauses."""
        if kind:
            self._paused_since.setdefault((dispatcher, budget), now_ms)
        else:
            self._paused_since.pop((dispatcher, budget), None)
        if held := "quota" if waits_for_quota else _BY.get(kind):
            self._held[dispatcher, budget, held] = now_ms
        return self._paused_since.get((dispatcher, budget))

    def resumed(self, connection: str, now_ms: int) -> None:
        """A connection that a person had paused goes on."""
        self._resumed[connection] = now_ms

    def since(self, budgets: Iterable[Budget], at_ms: int, connection: str = "") -> Held:
        """What has held a connection or one of its budgets back at that time or later: a person, then access, then the quota."""
        if self._resumed.get(connection, 0) >= at_ms > 0:
            return "paused"
        for held in ("access", "quota"):
            if any(self._held.get((*budget, held), 0) >= at_ms for budget in budgets):
                return held
        return "no"
