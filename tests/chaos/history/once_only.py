"""P11: nobody and nothing is made twice, also by a deployment that has lost its memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from connectors.sandbox.shared.ledger import Entry
from streams.core.to_ghl.identity import Person, person_of
from streams.messages import Entity
from tests.chaos.history.case import Case
from tests.chaos.history.finding import Finding, Tally
from tests.chaos.history.names import CREATES
from tests.chaos.history.told import told


def once_only(case: Case) -> Finding:
    """At GHL no living lead has two contacts, and what was never deleted in Lofty was made once on each contact.

    A contact without a Lofty id that GHL had before us is a lead's second one if it has its e-mail, or its name and telephone.
    What was deleted in GHL and made again counts here, too: a deployment that has lost its memory may do so, and P2 does not mind.
    Excused: a create by a worker that woke from a freeze.

    Proves nothing of: two contacts of one person who has neither e-mail nor name and telephone in common with itself.
    """
    tally = Tally(11, "nobody and nothing is made twice, also without memory", "living leads and creates")
    for name, found in case.history.contacts.items():
        before = frozenset(case.history.before.get(name, ()))
        strangers = [
            one for one in found["contacts"] if one["id"] in before and not case.names.lead_of_contact(name, one)
        ]
        for lead, own in _own_contacts(case, name).items():
            tally.examined += 1
            for stranger in strangers:
                if own and _is_same(own[0], stranger):
                    what = f"has contact {own[0]['id']}, and is {stranger['id']}, too, who was there before us"
                    tally.note(Entity.contact(name, lead).key, what)
    for where, creates in _creates(case).items():
        tally.examined += len(creates)
        for first, second in pairwise(creates):
            is_late = case.interruptions.is_sent_on_waking(first) or case.interruptions.is_sent_on_waking(second)
            what = "was deleted and made again in GHL, though it lived in Lofty all along"
            tally.note(where.key, what, told(first, second), is_excused=is_late)
    return tally.finding()


def _own_contacts(case: Case, connection: str) -> dict[str, list[Mapping[str, Any]]]:
    """Living lead → the contacts that have its id."""
    own: dict[str, list[Mapping[str, Any]]] = {
        str(row["lead"]["leadId"]): [] for row in case.history.leads[connection] if not row["isDeleted"]
    }
    for contact in case.history.contacts[connection]["contacts"]:
        lead = case.names.lead_of_contact(connection, contact)
        if lead in own:
            own[lead].append(contact)
    return own


def _is_same(own: Mapping[str, Any], stranger: Mapping[str, Any]) -> bool:
    mine, other = _person(own), _person(stranger)
    by_email = bool(mine.email) and mine.email == other.email
    return by_email or (bool(mine.phone and mine.name) and (mine.phone, mine.name) == (other.phone, other.name))


def _person(contact: Mapping[str, Any]) -> Person:
    return person_of(contact, "")


def _creates(case: Case) -> dict[Entity, list[Entry]]:
    """What lived in Lofty all along, and was created more than once on one contact, with a deletion in between.

    What hangs on a contact that two leads have is named by the one that writes it: it goes and comes with its own lead.
    """
    living = dict(_living(case))
    deleted = {one.entity for one in case.history.edits if not one.version}
    deleted_leads = {(one.connection, one.lead) for one in deleted if one.kind == "contact"}
    gone = {one.entity for one in case.writes() if one.operation.startswith("delete-")}
    created: dict[tuple[Entity, str | None], list[Entry]] = defaultdict(list)
    for entry in case.writes():
        entity = case.names.entity_of(entry) if entry.created and entry.operation in CREATES else None
        lead = living.get((entity.connection, entity.kind, entity.id)) if entity is not None else None
        if entity is None or lead is None:
            continue
        named = {entity, entity._replace(lead=lead)}
        if not named.isdisjoint(deleted) or any((one.connection, one.lead) in deleted_leads for one in named):
            continue
        created[entity, None if entity.kind == "contact" else entry.parent].append(entry)
    return {entity: those for (entity, _), those in created.items() if len(those) == 1 or those[0].entity in gone}


def _living(case: Case) -> Iterator[tuple[tuple[str, str, str], str]]:
    """Connection, kind and id of all that Lofty holds at the end, each with the lead on which it hangs."""
    for name, rows in case.history.leads.items():
        for row in rows:
            if not row["isDeleted"]:
                lead = str(row["lead"]["leadId"])
                yield (name, "contact", lead), lead
                for kind in ("note", "task", "appointment"):
                    yield from (
                        ((name, kind, str(one.get("noteId") or one.get("id"))), lead) for one in row[f"{kind}s"]
                    )
