"""Puts together what answers verify, and what answers questions that only read the location."""

from __future__ import annotations

from collections.abc import Mapping

from streams.core.scheduling.retry import Backoff, Retry
from streams.messages.topics import OBSERVATIONS
from streams.worker.dispatch.deployments import Deployments
from streams.worker.dispatch.directories import Directories
from streams.worker.dispatch.inspection_reads import InspectionReads
from streams.worker.dispatch.inspector import Inspector
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.remedies import Remedies
from streams.worker.dispatch.vendor_reads import VendorReads
from streams.worker.dispatch.vendor_subjects import OF_GHL
from streams.worker.parts import WorkerParts


def new_inspector(
    parts: WorkerParts,
    loop: DispatchLoop,
    locations: Mapping[str, Location],
    directories: Directories,
    deployments: Deployments,
    remedies: Remedies,
) -> Inspector:
    """The handler of verify's questions in the writing dispatcher `loop`."""
    tables, deps = parts.tables, parts.deps
    return Inspector(
        loop=loop,
        locations=locations,
        reads=InspectionReads(tables.links, tables.outbox),
        directories=directories,
        remedies=remedies,
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
