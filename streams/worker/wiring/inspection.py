"""Puts together what answers verify, and what answers questions that only read the location."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from streams.core.scheduling.retry import Backoff, Retry
from streams.messages.topics import OBSERVATIONS
from streams.worker.dispatch.decisions import Decisions
from streams.worker.dispatch.deployments import Deployments
from streams.worker.dispatch.directories import Directories
from streams.worker.dispatch.inspection_reads import InspectionReads
from streams.worker.dispatch.inspector import Inspector
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.receipts import Receipts
from streams.worker.dispatch.repair import Repair
from streams.worker.dispatch.unknown_leads import UnknownLeads
from streams.worker.dispatch.vendor_reads import VendorReads
from streams.worker.dispatch.vendor_subjects import OF_GHL
from streams.worker.parts import WorkerParts
from streams.worker.wiring.offers import Offers


def new_inspector(
    parts: WorkerParts,
    loop: DispatchLoop,
    locations: Mapping[str, Location],
    directories: Directories,
    receipts: Receipts,
    offers: Offers,
    deployments: Deployments,
) -> Inspector:
    """The handler of verify's questions in the writing dispatcher `loop`."""
    tables, deps = parts.tables, parts.deps
    return Inspector(
        loop=loop,
        locations=locations,
        reads=InspectionReads(tables.links, tables.outbox),
        directories=directories,
        repair=Repair(tables.links, tables.outbox, receipts, offers.offer_write),
        decisions=Decisions(tables.links, receipts, lambda entity, at_ms: offers.request_read(entity, at_ms, "replay")),
        unknown_leads=UnknownLeads(
            tables.links,
            tables.outbox,
            tables.backlinks,
            receipts,
            partial(offers.request_read, origin="replay", may_be_unknown=True),
        ),
        output=parts.output,
        observations_topic=parts.names.of(OBSERVATIONS),
        retry=Retry(deps.now_ms, deps.jitter, Backoff(first_seconds=2.0, most_seconds=60.0)),
        flows=lambda connection: parts.connections.flows(connection, "to_ghl"),
        take_over=deployments.take_over,
    )


def new_location_reads(
    parts: WorkerParts, loop: DispatchLoop, locations: Mapping[str, Location]
) -> VendorReads[Location]:
    """The handler of the questions `read` about GHL."""
    return VendorReads(
        loop=loop,
        sides=locations,
        reads=OF_GHL,
        window_seconds=lambda location: location.window_seconds,
        output=parts.output,
        observations_topic=parts.names.of(OBSERVATIONS),
        retry=Retry(parts.deps.now_ms, parts.deps.jitter),
    )
