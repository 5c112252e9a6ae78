"""Which leads have their notes on another lead's contact: two with one e-mail are one person, by Lofty's own rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tests.chaos.history.names import Names
from tests.chaos.history.wanted import WantedLead


def sharers(
    names: Names, connection: str, leads: Iterable[WantedLead], contacts: Iterable[Mapping[str, Any]]
) -> dict[str, str]:
    """Living lead without a contact of its own → the living lead whose contact has its e-mail."""
    living = {one.entity.lead: one.contact for one in leads if one.contact is not None}
    owners: dict[str, str] = {}
    own: set[str] = set()
    for contact in contacts:
        lead = names.lead_of_contact(connection, contact)
        if lead in living:
            own.add(lead)
            owners[_plain(contact.get("email"))] = lead
    found = {lead: owners.get(_plain(one.fields.get("email"))) for lead, one in living.items() if lead not in own}
    return {lead: owner for lead, owner in found.items() if owner and living[lead].fields.get("email")}


def _plain(email: object) -> str:
    return str(email or "").strip().casefold()
