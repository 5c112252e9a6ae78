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
NO_WORKER = "the sync engine: no worker that runs syncs this connection"
_LOST = {
    "no access": "access to {}, which was lost: {}. Connect it again, or correct its key",
    "uninstalled": "access to {}, which was lost: {}. Install the app there again",
}
"""What a person must repair; a pause of any other kind ends by itself."""


def holds_of(found: Overview) -> Mapping[str, ConnectionHolds]:
    """By the connection's name. A side that no live worker reports waits for a worker."""
    return {one.connection: _holds(one) for one in found.connections}


def _holds(one: ConnectionView) -> ConnectionHolds:
    lofty, ghl = _awaited("Lofty", one.reads, one.reading), _awaited("GHL", one.writes, one.writing)
    words = f"its connection, which a person has paused {one.paused_words}"
    to_ghl, to_lofty = (words if direction in one.paused else "" for direction in DIRECTIONS)
    return ConnectionHolds(to_ghl or lofty, to_ghl or ghl, to_lofty or lofty)


def _awaited(vendor: str, budget: BudgetStatus | None, side: SideStatus | None) -> str:
    if side is None:
        return NO_WORKER
    if budget is not None and budget.paused:
        because = budget.because or budget.paused
        if lost := _LOST.get(budget.paused):
            return lost.format(vendor, because)
        until = "until somebody acts" if budget.paused_until_ms is None else f"until {_second(budget.paused_until_ms)}"
        return f"the end of a pause of all calls to {vendor}, {until}: {because}"
    return f"its connection, which {side.on_hold}" if side.on_hold else ""


def _second(at_ms: int) -> str:
    return f"{utc(at_ms):%Y-%m-%d %H:%M:%S} UTC"
