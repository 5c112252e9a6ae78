"""All work on the GHL budgets: writes, directories, inspections and the events of GHL."""

from __future__ import annotations

from collections.abc import Mapping

from streams.core.scheduling.retry import Retry
from streams.messages.topics import RECEIPTS
from streams.worker.dispatch.directories import Directories
from streams.worker.dispatch.ghl_failures import GhlFailures
from streams.worker.dispatch.ghl_sender import GhlSender
from streams.worker.dispatch.ghl_writer import GhlWriter
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.opt_out_writer import OptOutWriter
from streams.worker.dispatch.receipts import Receipts
from streams.worker.parts import WorkerParts
from streams.worker.wiring.event_processing import new_event_processor
from streams.worker.wiring.inspection import new_inspector
from streams.worker.wiring.offers import Offers
from streams.worker.wiring.opt_outs import new_opt_out_search


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
        tables, deps = parts.tables, parts.deps
        retry = Retry(deps.now_ms, deps.jitter)
        self.directories = Directories(loop, locations)
        self.events = new_event_processor(parts, loop, locations, receipts, offers.request_read)
        failures = GhlFailures(
            outbox=tables.outbox,
            links=tables.links,
            receipts=receipts,
            output=parts.output,
            judge=loop.failures,
            retry=retry,
            request_read=offers.request_read,
        )
        self.sender = GhlSender(
            outbox=tables.outbox,
            links=tables.links,
            receipts=receipts,
            failures=failures,
            settled_as=offers.settled_as,
            metrics=deps.metrics,
            held=parts.reporter.held,
        )
        self.writer = GhlWriter(
            locations=locations,
            outbox=tables.outbox,
            links=tables.links,
            receipts=receipts,
            directory=self.directories.get,
            lacks=self.directories.lacks,
            lofty_was_edited=self.events.queue.lofty_was_edited,
            sender=self.sender,
            close_channels=OptOutWriter(self.sender, self.events.effects.close_in_lofty, deps.now_ms).send,
            failures=failures,
        )
        self.inspector = new_inspector(parts, loop, locations, self.directories, receipts, offers)
        self.opt_out_search = new_opt_out_search(parts, loop, locations, self.events.queue)
        self.handlers = (self.inspector, self.events, self.directories, self.opt_out_search, self.writer)
