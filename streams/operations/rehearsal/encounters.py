"""Leads that may be somebody else: by an e-mail or telephone that another contact has, or by their name. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.core.to_ghl.simulated_import import TO_BE_MADE, SimulatedLead
from streams.operations.mapping_preview.preview import lead_name
from streams.operations.rehearsal.report import Encounter


@dataclass(slots=True)
class Encounters:
    """Of one rehearsal. `contacts` are those of the location and those that the import would make, by id; `names` those of the leads."""

    contacts: Mapping[str, Mapping[str, Any]]
    names: dict[str, str] = field(default_factory=dict)
    _seen: list[SimulatedLead] = field(default_factory=list)

    def add(self, state: Mapping[str, Any], lead: SimulatedLead) -> None:
        """A lead, in the order of the import."""
        self.names[lead.lead] = lead_name(state)
        if lead.became in ("new", "conflicting") or lead.conflicts:
            self._seen.append(lead)

    def conflicts(self) -> Iterator[Encounter]:
        """Leads without an e-mail or telephone that another contact has."""
        for lead in self._seen:
            for name, conflict in lead.conflicts.items():
                other = self.contacts.get(conflict.contact_id, {})
                yield self._encounter(lead.lead, name, str(other.get(name) or ""), conflict.contact_id, conflict.lead)

    def alike(self) -> Iterator[Encounter]:
        """New contacts with the name of another one, with whom they have neither e-mail nor telephone in common."""
        by_name: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for contact_id, contact in self.contacts.items():
            if not contact_id.startswith(TO_BE_MADE) and (name := _folded(contact_name(contact))):
                by_name[name].append(("", contact_id))
        for lead in self._seen:
            name = _folded(self.names[lead.lead])
            if not name or lead.became not in ("new", "conflicting"):
                continue
            in_conflict = {one.contact_id for one in lead.conflicts.values()}
            for other_lead, contact_id in by_name[name][:1]:
                if contact_id not in in_conflict:
                    yield self._encounter(lead.lead, "name", self.names[lead.lead], contact_id, other_lead)
            by_name[name].append((lead.lead, f"{TO_BE_MADE}{lead.lead}"))

    def _encounter(self, lead: str, field_name: str, value: str, contact_id: str, other: str) -> Encounter:
        other_lead = other.rpartition(":")[2]
        contact = self.contacts.get(contact_id, {})
        return Encounter(
            lead=lead,
            name=self.names.get(lead, ""),
            field=field_name,
            value=value,
            other_name=self.names.get(other_lead, "") or contact_name(contact),
            other_lead=other_lead,
            other_contact="" if contact_id.startswith(TO_BE_MADE) else contact_id,
        )


def contact_name(contact: Mapping[str, Any]) -> str:
    """A contact's name as GHL shows it."""
    parts = [str(contact.get(one) or "") for one in ("firstName", "lastName")]
    return " ".join(part for part in parts if part) or str(contact.get("name") or "")


def new_tags(wanted: Iterable[str], contacts: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The tags that no contact of the location has."""
    missing = set(wanted)
    for contact in contacts:
        missing.difference_update(contact.get("tags") or ())
    return tuple(sorted(missing))


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()
