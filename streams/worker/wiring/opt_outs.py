"""Puts together what searches GHL for opt-outs."""

from __future__ import annotations

from collections.abc import Mapping

from streams.settings import Connection
from streams.worker.dispatch.ghl_events import GhlEventProcessor
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.opt_out_search import OptOutSearch
from streams.worker.parts import WorkerParts


def new_opt_out_search(
    parts: WorkerParts, loop: DispatchLoop, locations: Mapping[str, Location], events: GhlEventProcessor
) -> OptOutSearch:
    """The handler of searches in the writing dispatcher `loop`."""
    return OptOutSearch(
        loop=loop,
        locations=locations,
        intervals_ms=parts.connections.view(_interval_ms),
        sweeps=parts.tables.sweeps,
        backlinks=parts.tables.backlinks,
        links=parts.tables.links,
        differ=events.queue.opt_outs_differ,
        close_in_lofty=events.effects.close_in_lofty,
        now_ms=parts.deps.now_ms,
    )


def _interval_ms(connection: Connection) -> int | None:
    """Between two searches; None where nothing is searched for."""
    is_searched = connection.opt_outs and "to_lofty" not in connection.paused
    return round(connection.sweep.opt_outs_minutes * 60_000) or None if is_searched else None
