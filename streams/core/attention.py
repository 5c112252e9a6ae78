"""Which connections and budgets need a look, so that the metrics of all others can be left out. Pure.

Every alert on a single connection or budget has its condition here, in a weaker form: it holds before the alert's does, so that
the series are there when the alert is judged (`tests/unit/streams/core/test_attention.py` has a case of each). What needed a look is
shown for half an hour more: a value that goes down and up again is seen to do so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from streams.messages.worker_status import BudgetStatus, ConnectionStatus, SideStatus, SweepStatus

Key = TypeVar("Key", str, tuple[str, str])

HOLD_MS = 30 * 60_000
LATE_MS = 60_000
"""The objective: a live change is in GHL within a minute."""
MOST_LATE = 50
"""Of the connections that are only late, and the budgets that only pause for a while, so many: a vendor that is away delays all."""
QUOTA_PART = 0.5
"""From here on a day's quota is watched: the forecast of the alert needs the half hour before a quarter is left."""


@dataclass(slots=True)
class Attention:
    """`look` at everything, then ask for `connections` and `budgets` (dispatcher, name): what needs a look, or did lately.

    `in_need` is how many connections needed one at the last look, without those that are only late.
    """

    in_need: int = 0

    _connections: dict[str, int] = field(default_factory=dict)
    _budgets: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def connections(self) -> frozenset[str]:
        """Their names."""
        return frozenset(self._connections)

    @property
    def budgets(self) -> frozenset[tuple[str, str]]:
        """Their dispatchers and names."""
        return frozenset(self._budgets)

    def look(self, budgets: Iterable[BudgetStatus], connections: Iterable[ConnectionStatus], now_ms: int) -> None:
        """Judge all of them as they are now."""
        all_budgets, all_connections = tuple(budgets), tuple(connections)
        in_need = {one.connection for one in all_connections if connection_in_need(one, now_ms)}
        self.in_need = len(in_need)
        late = sorted((since, one.connection) for one in all_connections if (since := _late_since(one, now_ms)))
        in_need |= {name for _, name in late[:MOST_LATE]}
        held = {_of(one) for one in all_budgets if budget_in_need(one)}
        held |= {_of(one) for one in [one for one in all_budgets if one.paused][:MOST_LATE]}
        held |= {_of(one) for one in all_budgets if len(one.connections) == 1 and one.connections[0] in in_need}
        _hold(self._connections, in_need, {one.connection for one in all_connections}, now_ms)
        _hold(self._budgets, held, {_of(one) for one in all_budgets}, now_ms)


def connection_in_need(one: ConnectionStatus, now_ms: int) -> bool:
    """Whether somebody should look at a connection, or soon."""
    sweep = one.reading.sweep if one.reading is not None else None
    return any(_side_in_need(side) for side in (one.reading, one.writing) if side is not None) or (
        sweep is not None and _is_sweep_late(sweep, now_ms)
    )


def budget_in_need(one: BudgetStatus) -> bool:
    """Whether somebody should look at a budget, or soon."""
    if one.paused in ("no access", "uninstalled"):
        return True
    if one.quota_limit is not None and (one.quota_left or 0) < QUOTA_PART * one.quota_limit:
        return True
    return one.waiting.get("live", 0) > 0 and one.window_used == 0


def _side_in_need(side: SideStatus) -> bool:
    return bool(
        side.on_hold
        or side.failing
        or any(side.parked.values())
        or side.oldest_opt_out_ms is not None
        or side.other_deployments
    )


def _is_sweep_late(sweep: SweepStatus, now_ms: int) -> bool:
    """One and a half of its interval, where the alert waits for two; for what hangs on a lead one sweep, where it waits for two."""
    timed = ((sweep.new_interval_ms, sweep.new_ended_ms), (sweep.full_interval_ms, sweep.full_ended_ms))
    if any(every and now_ms - ended > 1.5 * every + 300_000 for every, ended in timed):
        return True
    if sweep.look_interval_ms is None or not sweep.full_interval_ms or not sweep.oldest_look_ms:
        return False
    return now_ms - sweep.oldest_look_ms > sweep.look_interval_ms + sweep.full_interval_ms


def _late_since(one: ConnectionStatus, now_ms: int) -> int:
    """Since when its oldest change waits, if that is long; otherwise 0."""
    sides = (one.reading, one.writing)
    oldest = [side.oldest_accepted_ms for side in sides if side is not None and side.oldest_accepted_ms is not None]
    since = min(oldest, default=now_ms)
    return since if now_ms - since > LATE_MS else 0


def _of(one: BudgetStatus) -> tuple[str, str]:
    return one.dispatcher, one.budget


def _hold(until: dict[Key, int], in_need: set[Key], present: set[Key], now_ms: int) -> None:
    until |= dict.fromkeys(in_need, now_ms + HOLD_MS)
    for key in [key for key, at in until.items() if at <= now_ms or key not in present]:
        del until[key]
