"""Puts together what judges the events of GHL."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from streams.core.scheduling.retry import Retry
from streams.messages import Entity
from streams.messages.topics import LOFTY_WRITES
from streams.worker.dispatch.directories import Directories
from streams.worker.dispatch.ghl_event_contexts import GhlEventContexts
from streams.worker.dispatch.ghl_event_effects import GhlEventEffects
from streams.worker.dispatch.ghl_event_queue import GhlEventQueue
from streams.worker.dispatch.ghl_events import GhlEventProcessor
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.receipts import Receipts
from streams.worker.parts import WorkerParts


def new_event_processor(
    parts: WorkerParts,
    loop: DispatchLoop,
    locations: Mapping[str, Location],
    receipts: Receipts,
    request_read: Callable[[Entity, int], object],
    directories: Directories,
) -> GhlEventProcessor:
    """The handler of events in the writing dispatcher `loop`."""
    tables, deps = parts.tables, parts.deps
    connections = parts.connections
    contexts = GhlEventContexts(
        locations=locations,
        backs=connections.view(lambda c: c.back),
        backlinks=tables.backlinks,
        links=tables.links,
        external_edits=tables.heard,
        now_ms=deps.now_ms,
        flows=lambda connection: connections.flows(connection, "to_lofty"),
        directory=directories.get,
    )
    effects = GhlEventEffects(
        links=tables.links,
        backlinks=tables.backlinks,
        external_edits=tables.heard,
        receipts=receipts,
        output=parts.output,
        writes_topic=parts.names.of(LOFTY_WRITES),
        lofty_partitions=connections.view(connections.lofty),
        request_read=request_read,
    )
    queue = GhlEventQueue(
        events=tables.events,
        loop=loop,
        contexts=contexts,
        output=parts.output,
        retry=Retry(deps.now_ms, deps.jitter),
        count=lambda type_, result: deps.metrics.events.labels(type_, result).inc(),
    )
    return GhlEventProcessor(queue, contexts, effects, loop.failures, directories.reads_stages_again)
