"""P10: nobody is mixed with another person, and nobody who lives is deleted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.sandbox.shared.ledger import Entry
from streams.messages import Entity
from tests.chaos.history.case import Case
from tests.chaos.history.finding import Finding, Tally
from tests.chaos.history.names import CONTACT_WRITES, mark_of, standing_on
from tests.chaos.history.told import told


def one_person(case: Case) -> Finding:
    """What is written on a contact is its own lead's; and only a lead that was deleted in Lofty has its contact deleted or tagged.

    A lead is known by its names: each first name is one lead's, and a last name may repeat it after its
    version (`v000012 Ada77`). A contact is the lead's whose Lofty id was written on it last.
    At the end the names of each contact are those of the lead whose id it has, and its notes are that lead's, or those of a
    lead that shares it: one without a contact, whose e-mail it has.

    Left out at the end: contacts that GHL had before us, and on which nothing of ours was written.

    Proves nothing of: fields that several people may have in common (towns, tags, telephones).
    """
    tally = Tally(10, "nobody is mixed with another, and nobody who lives is deleted", "writes and standing contacts")
    people = _people(row for rows in case.history.leads.values() for row in rows)
    deleted: dict[Entity, float] = {}
    for edit in case.history.edits:
        if not edit.version and edit.entity.kind == "contact":
            deleted.setdefault(edit.entity, edit.at)
    owners: dict[tuple[str, str], str] = {}
    for entry in case.writes():
        connection = case.history.connection_at.get(entry.budget)
        if connection is None or not entry.applied or not isinstance(entry.body, dict):
            continue
        contact = (entry.budget, case.names.contact_of(entry) or "")
        if entry.operation in CONTACT_WRITES:
            tally.examined += 1
            if lead := case.names.lead_in_body(entry):
                owners[contact] = lead
            if (owner := owners.get(contact)) is None:
                continue
            for person in _named(entry.body, people) - {owner}:
                what = f"was written on the contact of lead {owner}"
                tally.note(Entity.contact(connection.name, person).key, what, told(entry))
        elif _deletes(entry, connection.policies.lead_deleted_tag) and contact in owners:
            tally.examined += 1
            entity = Entity.contact(connection.name, owners[contact])
            if deleted.get(entity, entry.at + 1) > entry.at:
                tally.note(entity.key, "was deleted or tagged as deleted in GHL while it lived in Lofty", told(entry))
    written = {case.names.contact_of(one) for one in case.writes()}
    for name, found in case.history.contacts.items():
        strangers = frozenset(case.history.before.get(name, ())) - written
        shared = case.sharers(name)
        for contact_in_ghl in found["contacts"]:
            if contact_in_ghl["id"] in strangers:
                continue
            tally.examined += 1
            for what in _mixed(case, name, contact_in_ghl, people, shared):
                tally.note(f"{name} {contact_in_ghl['id']}", what)
    return tally.finding()


def _people(rows: Any) -> dict[str, str]:
    """First name → the one lead that has it; a name that several have tells nothing."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        found[str(row["lead"].get("firstName"))].append(str(row["lead"]["leadId"]))
    return {name: leads[0] for name, leads in found.items() if len(leads) == 1}


def _named(fields: Mapping[str, Any], people: Mapping[str, str]) -> set[str]:
    """The leads that the names of a contact name."""
    last = str(fields.get("lastName") or "").split()
    names = {fields.get("firstName"), last[-1] if last else None}
    return {people[name] for name in names if name in people}


def _deletes(entry: Entry, tag: str) -> bool:
    tags = entry.body.get("tags") if isinstance(entry.body, dict) else None
    return entry.operation == "delete-contact" or (entry.operation == "add-tags" and tag in (tags or ()))


def _mixed(
    case: Case, connection: str, contact: Mapping[str, Any], people: Mapping[str, str], shared: Mapping[str, str]
) -> Iterator[str]:
    lead = case.names.lead_of_contact(connection, contact)
    for person in _named(contact, people) - {lead}:
        yield f"has the id of lead {lead}, and the names of lead {person}"
    own = {
        (kind, str(child.get("noteId") or child.get("id")))
        for row in case.history.leads[connection]
        if lead not in (str(row["lead"]["leadId"]), shared.get(str(row["lead"]["leadId"])))
        for kind in ("note", "task", "appointment")
        for child in row[f"{kind}s"]
    }
    for form, child in standing_on(contact):
        if (mark := mark_of(child, form)) in own:
            yield f"the contact of lead {lead} has {mark[0]} {mark[1]} of another lead"
