"""Puts together what decides whose a contact is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from streams.messages import Entity
from streams.worker.dispatch.holders import Holders
from streams.worker.dispatch.identities import Identities
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.receipts import Receipts
from streams.worker.dispatch.shared_contacts import SharedContacts
from streams.worker.parts import WorkerParts
from streams.worker.wiring.offers import Offers


def new_identities(
    parts: WorkerParts,
    locations: Mapping[str, Location],
    receipts: Receipts,
    offers: Offers,
    read_hanging: Callable[..., object],
) -> Identities:
    """Those of the writing dispatcher. `read_hanging` is `UnknownContacts.read`."""
    tables = parts.tables
    holders = Holders(locations, tables.links, tables.backlinks)
    shared = SharedContacts(holders, tables.links, receipts)

    def ask_about(lead: Entity, hanging: tuple[str, ...]) -> None:
        offers.request_read(lead, 0, may_be_unknown=True, hanging=hanging)

    return Identities(
        holders,
        shared,
        tables.links,
        tables.outbox,
        tables.backlinks,
        receipts,
        offers.request_read,
        ask_about,
        read_hanging,
    )
