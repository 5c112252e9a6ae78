"""Puts together what searches GHL for opt-outs."""

from __future__ import annotations

from collections.abc import Mapping

from streams.worker.dispatch.ghl_event_queue import GhlEventQueue
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.opt_out_search import OptOutSearch
from streams.worker.parts import WorkerParts


def new_opt_out_search(
    parts: WorkerParts, loop: DispatchLoop, locations: Mapping[str, Location], queue: GhlEventQueue
) -> OptOutSearch:
    """The handler of searches in the writing dispatcher `loop`."""
    connections = parts.settings.connections.values()
    return OptOutSearch(
        loop=loop,
        locations=locations,
        intervals_ms={
            c.name: round(c.sweep.opt_outs_minutes * 60_000)
            for c in connections
            if c.opt_outs and c.sweep.opt_outs_minutes
        },
        sweeps=parts.tables.sweeps,
        backlinks=parts.tables.backlinks,
        links=parts.tables.links,
        differ=queue.opt_outs_differ,
        now_ms=parts.deps.now_ms,
    )
