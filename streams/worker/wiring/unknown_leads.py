"""Puts together what asks Lofty about leads that only contacts in GHL name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from streams.core.sweep import schedule_of
from streams.settings import Connection
from streams.worker.dispatch.inspection_reads import InspectionReads
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.receipts import Receipts
from streams.worker.dispatch.unknown_contacts import UnknownContacts
from streams.worker.dispatch.unknown_leads import SWEEPS, UnknownLeads
from streams.worker.parts import WorkerParts
from streams.worker.wiring.offers import Offers


def new_unknown_contacts(parts: WorkerParts, loop: DispatchLoop, locations: Mapping[str, Location]) -> UnknownContacts:
    """Those of all locations of the writing dispatcher `loop`."""
    return UnknownContacts(loop, locations, InspectionReads(parts.tables.links, parts.tables.outbox))


def new_unknown_leads(
    parts: WorkerParts,
    locations: Mapping[str, Location],
    receipts: Receipts,
    offers: Offers,
    contacts: UnknownContacts,
) -> UnknownLeads:
    """Those of the locations of `contacts`."""
    tables = parts.tables
    return UnknownLeads(
        locations,
        parts.connections.view(_age_ms),
        tables.links,
        tables.outbox,
        tables.backlinks,
        receipts,
        partial(offers.request_read, origin="replay", may_be_unknown=True),
        contacts,
    )


def _age_ms(connection: Connection) -> int | None:
    """By when a full sweep has read every lead; None where there is none, or nothing is read."""
    full_ms = schedule_of(connection.sweep).full_ms
    return None if full_ms is None or "to_ghl" in connection.paused else round(SWEEPS * full_ms)
