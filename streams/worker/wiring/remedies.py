"""Puts together what applies the remedies of verify, and what people decided."""

from __future__ import annotations

from streams.worker.dispatch.decisions import Decisions
from streams.worker.dispatch.receipts import Receipts
from streams.worker.dispatch.remedies import Remedies
from streams.worker.dispatch.repair import Repair
from streams.worker.dispatch.unknown_leads import UnknownLeads
from streams.worker.parts import WorkerParts
from streams.worker.wiring.offers import Offers


def new_remedies(parts: WorkerParts, receipts: Receipts, offers: Offers, unknown_leads: UnknownLeads) -> Remedies:
    """Those of the writing dispatcher."""
    tables = parts.tables
    return Remedies(
        Repair(tables.links, tables.outbox, receipts, offers.offer_write),
        Decisions(tables.links, receipts, lambda entity, at_ms: offers.request_read(entity, at_ms, "replay")),
        unknown_leads,
    )
