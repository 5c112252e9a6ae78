"""The snapshot of a lead's opportunity: a part of the lead's own, so that Lofty is asked for nothing.

It is made where a lead's snapshot is delivered, written to the same topic, and an entity like the others from there on: replayed,
verified and explained by its own key. It is made only if it is news: a lead whose stage has no pair, and never had, has none, and an
edit of something else makes none.
"""

from __future__ import annotations

from streams.core.fingerprint import fingerprint
from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_ghl.delivery import settled_as
from streams.mapping import StageTable
from streams.mapping.opportunity import STATE
from streams.messages import Entity, Snapshot


def opportunity_of(lead: Entity) -> Entity:
    """The opportunity of a lead."""
    return lead._replace(kind="opportunity", id=lead.lead)


def as_opportunity(lead: Snapshot) -> Snapshot:
    """The part of a lead's snapshot that its opportunity is made of."""
    state = None if lead.state is None else {name: lead.state[name] for name in STATE if name in lead.state}
    said = {"kind": "opportunity", "id": lead.lead, "state": state, "fingerprint": fingerprint(state)}
    return lead.model_copy(update=said)


def news_of_opportunity(
    lead: Snapshot, table: StageTable, row: OutboxRow | None, link: LinkRow | None, mapping_fingerprint: str
) -> Snapshot | None:
    """The opportunity's snapshot, if the lead's says something new of it. `row` and `link` are the opportunity's.

    What is parked is tried again with each change of the lead.
    """
    stage = (lead.state or {}).get("stage")
    is_carried = isinstance(stage, str) and table.pair_of(stage) is not None
    if row is None and link is None and not is_carried:
        return None
    found = as_opportunity(lead)
    if row is not None:
        is_known = row.snapshot.fingerprint == found.fingerprint and not row.parked
    else:
        is_known = link is not None and link.settled == settled_as(found.fingerprint, mapping_fingerprint)
    return None if is_known else found
