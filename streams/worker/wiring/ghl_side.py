"""All work on the GHL budgets: writes, directories, inspections and the events of GHL."""

from __future__ import annotations

from collections.abc import Mapping

from streams.messages.topics import RECEIPTS
from streams.worker.dispatch.conflict_rows import ConflictRows
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.receipts import Receipts
from streams.worker.parts import WorkerParts
from streams.worker.wiring.deployments import new_deployments
from streams.worker.wiring.directories import new_directories
from streams.worker.wiring.event_processing import new_event_processor
from streams.worker.wiring.ghl_writing import new_ghl_writer
from streams.worker.wiring.inspection import new_inspector, new_location_reads
from streams.worker.wiring.offers import Offers
from streams.worker.wiring.opt_outs import new_opt_out_search
from streams.worker.wiring.remedies import new_remedies
from streams.worker.wiring.unknown_leads import new_unknown_contacts, new_unknown_leads


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
            lambda connection: parts.ownership.epoch(parts.connections.ghl_of(connection)),
        )
        self.directories, self.outdated = new_directories(parts, loop, locations, offers)
        self.events = new_event_processor(parts, loop, locations, receipts, offers.request_read, self.directories)
        contacts = new_unknown_contacts(parts, loop, locations)
        self.writer = new_ghl_writer(
            parts, loop, locations, receipts, offers, self.directories, self.events, contacts.read
        )
        self.deployments = new_deployments(parts, loop, locations)
        self.unknown_leads = new_unknown_leads(parts, locations, receipts, offers, contacts)
        remedies = new_remedies(parts, receipts, offers, self.unknown_leads)
        self.inspector = new_inspector(parts, loop, locations, self.directories, self.deployments, remedies)
        self.reads = new_location_reads(parts, loop, locations)
        self.opt_out_search = new_opt_out_search(parts, loop, locations, self.events)
        self.conflicts = ConflictRows(parts.tables.conflicts)
        self.handlers = (
            *(self.inspector, self.reads, self.events, self.directories, self.opt_out_search, self.deployments),
            contacts,
            self.writer,
        )
