"""A lead beside its contact, field by field: what both hold, and whose value the contact has after the import. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from streams.core.to_ghl.compare import is_same
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.simulated_import import SimulatedLead, snapshot_of_lead
from streams.mapping import LEAD_ID_FIELD
from streams.operations.mapping_preview.preview import Row, lead_name, preview, shortened
from streams.operations.rehearsal.report import FieldSide, LeadSides, Winner
from streams.settings import Connection

MOST_SIDES = 20
_ORDER = ("conflicting", "shared", "refused", "matching", "new")
_AT_MOST = {"conflicting": 4, "shared": 3, "refused": 3}
"""So many of these at most: the rest shows what most leads become."""


def worth_showing(simulated: Iterable[SimulatedLead]) -> list[SimulatedLead]:
    """Twenty leads: some of each kind, those with a question first, and then as many that match as are new."""
    by_kind: dict[str, list[SimulatedLead]] = {kind: [] for kind in _ORDER}
    for one in simulated:
        if len(by_kind[one.became]) < MOST_SIDES:
            by_kind[one.became].append(one)
    chosen = [one for kind, most in _AT_MOST.items() for one in by_kind[kind][:most]]
    left = MOST_SIDES - len(chosen)
    news = by_kind["new"][: max(left // 2, left - len(by_kind["matching"]))]
    matching = by_kind["matching"][: left - len(news)]
    return [*chosen, *matching, *news]


def sides_of(
    connection: Connection,
    state: Mapping[str, Any],
    lead: SimulatedLead,
    directory: Directory,
    contact: Mapping[str, Any] | None,
    now_ms: int,
) -> LeadSides:
    """One lead. `directory` is the location's as it is, `contact` the one that becomes the lead's, as GHL holds it now."""
    seen = preview(connection, snapshot_of_lead(connection.name, state, now_ms), directory, lead.link, contact)
    seen = shortened(seen)
    rows: Sequence[Row] = () if lead.became in ("shared", "refused") else seen.rows
    tags = tuple(one for one in seen.tags.wanted if contact is None or one not in (contact.get("tags") or ()))
    return LeadSides(
        lead=lead.lead,
        name=lead_name(state),
        became=lead.became,
        by=lead.by,
        contact_id=lead.contact_id,
        because=lead.because
        or (f"its contact is that of lead {lead.shares.rpartition(':')[2]}" if lead.shares else ""),
        fields=tuple(_side(row, lead) for row in rows if row.value not in (None, "", []) or row.found),
        tags=() if lead.became in ("shared", "refused") else tags,
    )


def _side(row: Row, lead: SimulatedLead) -> FieldSide:
    side = FieldSide(row.label, row.value, row.found, _winner(row), row.note)
    if row.target in lead.conflicts:
        return replace(side, winner="nobody", why="another contact has it, so it goes into a custom field of its own")
    if row.target == f"custom:{LEAD_ID_FIELD}":
        return replace(side, why="by this id the lead is found again")
    if row.change == "new field":
        return replace(side, why="the custom field is made first")
    if side.winner == "GoHighLevel":
        return replace(
            side, why=row.note or ("Lofty has none" if row.value in (None, "", []) else "GoHighLevel owns it")
        )
    return side


def _winner(row: Row) -> Winner:
    if row.change == "left out":
        return "GoHighLevel" if row.found else "nobody"
    if row.change in ("kept", "empty"):
        return "GoHighLevel" if row.found else "nobody"
    return "same" if row.is_found_known and is_same(row.value, row.found) else "Lofty"
