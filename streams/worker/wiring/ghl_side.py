"""All work on the GHL budgets: writes, directories, inspections and the events of GHL."""

from __future__ import annotations

from collections.abc import Mapping

from streams.core.scheduling.retry import Backoff, Retry
from streams.messages.topics import OBSERVATIONS, RECEIPTS
from streams.worker.dispatch.inspection_reads import InspectionReads
from streams.worker.dispatch.inspector import Inspector
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.receipts import Receipts
from streams.worker.dispatch.repair import Repair
from streams.worker.parts import WorkerParts
from streams.worker.wiring.directories import new_directories
from streams.worker.wiring.event_processing import new_event_processor
from streams.worker.wiring.ghl_writing import new_ghl_writer
from streams.worker.wiring.offers import Offers


class GhlSide:
    """The handlers of the writing dispatcher `loop`."""

    def __init__(
        self,
        parts: WorkerParts,
        loop: DispatchLoop,
        locations: Mapping[str, Location],
        offers: Offers,
    ) -> None:
        receipts = Receipts(
            parts.names.of(RECEIPTS),
            parts.output.batching_producer,
            parts.applied_offsets,
            parts.deps.now_ms,
            lambda connection: parts.ownership.epoch(parts.connection_partitions.ghl_of(connection)),
        )
        tables, deps, names = parts.tables, parts.deps, parts.names
        self.directories, self.outdated = new_directories(parts, loop, locations, offers)
        self.events = new_event_processor(parts, loop, locations, receipts, offers.request_read)
        self.writer = new_ghl_writer(parts, loop, locations, receipts, offers, self.directories, self.events.queue)
        self.inspector = Inspector(
            loop=loop,
            locations=locations,
            reads=InspectionReads(tables.links, tables.outbox),
            directories=self.directories,
            repair=Repair(tables.links, tables.outbox, receipts, offers.offer_write),
            output=parts.output,
            observations_topic=names.of(OBSERVATIONS),
            retry=Retry(deps.now_ms, deps.jitter, Backoff(first_seconds=2.0, most_seconds=60.0)),
        )
        self.handlers = (self.inspector, self.events, self.directories, self.writer)
