"""What holds back all work of a connection now, by the status of the workers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streams.core.moments import utc
from streams.messages.worker_status import BudgetStatus, SideStatus
from streams.operations.status.overview import ConnectionView, Overview
from streams.settings.model import DIRECTIONS


@dataclass(frozen=True, slots=True)
class ConnectionHolds:
    """What all reads of Lofty, all writes to GHL and all writes to Lofty of a connection wait for; empty where nothing holds them back."""

    lofty: str = ""
    ghl: str = ""
    commands: str = ""


NO_HOLDS = ConnectionHolds()


def holds_of(found: Overview) -> Mapping[str, ConnectionHolds]:
    """By the connection's name. A budget that no live worker reports holds nothing back, as far as we know."""
    return {one.connection: _holds(one) for one in found.connections}


def _holds(one: ConnectionView) -> ConnectionHolds:
    lofty, ghl = _awaited("Lofty", one.reads, one.reading), _awaited("GHL", one.writes, one.writing)
    words = f"its connection, which a person has paused {one.paused_words}"
    to_ghl, to_lofty = (words if direction in one.paused else "" for direction in DIRECTIONS)
    return ConnectionHolds(to_ghl or lofty, to_ghl or ghl, to_lofty or lofty)


def _awaited(vendor: str, budget: BudgetStatus | None, side: SideStatus | None) -> str:
    if budget is not None and budget.paused:
        until = "until somebody acts" if budget.paused_until_ms is None else f"until {_second(budget.paused_until_ms)}"
        return f"{vendor}'s budget, which pauses {until}: {budget.because or budget.paused}"
    if side is not None and side.on_hold:
        return f"its connection, which {side.on_hold}"
    return ""


def _second(at_ms: int) -> str:
    return f"{utc(at_ms):%Y-%m-%d %H:%M:%S} UTC"
