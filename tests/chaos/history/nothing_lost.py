"""P1: nothing is lost, and nothing is different at the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from streams.core.to_ghl.child_kind import ChildKind
from streams.core.to_ghl.compare import FieldDifference, compare_child
from streams.messages import Entity
from streams.settings import Connection
from tests.chaos.history.case import Case
from tests.chaos.history.finding import Finding, Tally
from tests.chaos.history.kept import Kept, compare_but_for_kept, kept
from tests.chaos.history.names import CONTACT_WRITES, mark_of, standing_on
from tests.chaos.history.parked import parked_since
from tests.chaos.history.told import told
from tests.chaos.history.wanted import WantedChild, WantedLead

Wrong = tuple[Entity, str, int | None]
"""An entity, what is wrong with it, and when it last changed in Lofty (epoch ms). None: it is excused, as nobody knows whose it is."""
Standing = tuple[ChildKind, Mapping[str, Any]]
"""What hangs on a contact: its form in GHL, and what is shown of it."""


def nothing_lost(case: Case) -> Finding:
    """Every live lead, note, task and appointment is in GHL as the mapping wants its last state, and nothing else is.

    An appointment is in its calendar or is a task, as a configuration of the run would have made it.

    An e-mail or telephone that another contact has, or that GHL has refused, is right where it is left out.
    A lead without a contact is right where a living lead's contact has its e-mail: what hangs on it hangs there.
    Contacts that GHL had before us, and that belong to no lead, are not ours.

    Excused: a value that Lofty took away while memory was gone, if the product says that it stays because a person may have added
    it (`kept.py`); what is visibly parked since its last change, or hangs on a contact that is; and what a worker last wrote that
    woke from a freeze (no fence reaches it; `verify` repairs it).

    Proves nothing of: how long it took; states between; whether the mapping is right; deleted leads that never stood.
    """
    tally = Tally(1, "nothing is lost, and nothing is different at the end", "leads, notes, tasks or appointments")
    unknown = kept(case)
    parked = parked_since(case.history)
    last_writes = {case.names.entity_of(one): one for one in case.writes()}
    for name in case.history.leads:
        connection, found = case.history.settings.connections[name], case.history.contacts[name]
        leads = case.wanted(name)
        tally.examined += sum(1 + len(one.children) for one in leads)
        for entity, what, changed_ms in _wrong(case, connection, leads, found["contacts"], unknown):
            last = last_writes.get(entity)
            parked_ms = max(parked.get(entity.key, -1), parked.get(entity.owner.key, -1))
            is_parked = changed_ms is not None and parked_ms >= changed_ms
            is_late = last is not None and case.interruptions.is_sent_on_waking(last)
            evidence = told(last) if last else ("GHL was never asked to write it",)
            tally.note(entity.key, what, evidence, is_excused=is_parked or is_late or changed_ms is None)
    return tally.finding()


def _wrong(
    case: Case,
    connection: Connection,
    leads: Iterable[WantedLead],
    contacts: Iterable[Mapping[str, Any]],
    unknown: Kept,
) -> Iterator[Wrong]:
    leads, contacts = list(leads), list(contacts)
    by_lead: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    before = frozenset(case.history.before.get(connection.name, ()))
    for contact in contacts:
        lead_id = case.names.lead_of_contact(connection.name, contact)
        if lead_id or contact["id"] not in before:
            by_lead[lead_id or f"none ({contact['id']})"].append(contact)
    held = {(name, one.get(name)) for one in contacts for name in ("email", "phone")} | _refused(case, connection)
    shared = case.sharers(connection.name)
    by_id = {one.entity.lead: one for one in leads}
    for lead in leads:
        twins = by_lead.pop(lead.entity.lead, [])
        if lead.contact is None:
            yield from _wrong_deleted(connection, lead, twins)
        elif not twins and lead.entity.lead not in shared:
            yield lead.entity, "is lost: no contact has its id", lead.changed_ms
        elif twins:
            names = unknown.get(lead.entity.key, set())
            every = [compare_but_for_kept(lead.contact, one, names) for one in twins]
            parted = [(_without_conflicts(wrong, held), excused) for wrong, excused in every]
            wrong, excused = min(parted, key=lambda one: len(one[0]))
            yield from ((lead.entity, _told(one), lead.changed_ms) for one in wrong)
            yield from ((lead.entity, f"{_told(one)}; whose it is nobody knows", None) for one in excused)
            guests = [by_id[one] for one, owner in shared.items() if owner == lead.entity.lead]
            yield from _wrong_children(lead, guests, twins)
    for stranger, those in by_lead.items():
        yield Entity.contact(connection.name, stranger), f"{len(those)} contacts in GHL belong to no lead", 0


def _refused(case: Case, connection: Connection) -> set[tuple[str, Any]]:
    """The e-mails and telephones that GHL itself did not take."""
    refused = [one for one in case.history.ghl if one.budget == connection.ghl_budget and one.status in (400, 422)]
    # A mangled answer is GHL's own by its status; all other faults are not GHL's word.
    bodies = [one.body for one in refused if one.fault in (None, "mangle") and one.operation in CONTACT_WRITES]
    return {
        (name, one[name]) for one in bodies if isinstance(one, dict) for name in ("email", "phone") if one.get(name)
    }


def _without_conflicts(
    differences: tuple[FieldDifference, ...], held: set[tuple[str, Any]]
) -> tuple[FieldDifference, ...]:
    """Two people with one telephone: the contact of one has it, and the other's has none."""
    return tuple(
        one
        for one in differences
        if one.found or one.field not in ("email", "phone") or (one.field, one.wanted) not in held
    )


def _wrong_deleted(connection: Connection, lead: WantedLead, twins: list[Mapping[str, Any]]) -> Iterator[Wrong]:
    policies = connection.policies
    for contact in twins:
        if policies.lead_deleted == "delete":
            yield lead.entity, "is deleted in Lofty but still in GHL", lead.changed_ms
        elif policies.lead_deleted == "tag" and policies.lead_deleted_tag not in contact["tags"]:
            yield lead.entity, "is deleted in Lofty and has no tag that says so", lead.changed_ms


def _wrong_children(lead: WantedLead, guests: Iterable[WantedLead], twins: list[Mapping[str, Any]]) -> Iterator[Wrong]:
    """What hangs on a lead's contact: its own, and that of leads which share it."""
    standing: dict[tuple[str, str], list[Standing]] = defaultdict(list)
    for contact in twins:
        for form, child in standing_on(contact):
            standing[mark_of(child, form) or (form, f"unmarked {child['id']}")].append((form, child))
    for one in (*lead.children, *(child for guest in guests for child in guest.children)):
        yield from _wrong_child(one, standing.pop((one.entity.kind, one.entity.id), []))
    for kind, lofty_id in standing:
        ghost = lead.entity._replace(kind=kind, id=lofty_id)  # type: ignore[arg-type]  # a kind in a marker
        yield ghost, "is in GHL, but was deleted in Lofty or never was there", 0


def _wrong_child(wanted: WantedChild, found: list[Standing]) -> Iterator[Wrong]:
    if wanted.desired is None:
        return  # what is not carried is left as it stands
    if not found:
        yield wanted.entity, "is lost: nothing has its marker", wanted.changed_ms
        return
    every = [compare_child(wanted.desired[form], one) for form, one in found if form in wanted.desired]
    if not every:
        forms = " and ".join(form for form, _ in found)
        yield wanted.entity, f"stands as {forms}, should be {' or '.join(wanted.desired)}", wanted.changed_ms
        return
    yield from ((wanted.entity, what, wanted.changed_ms) for what in _told_least(every))


def _told_least(every: list[tuple[FieldDifference, ...]]) -> Iterator[str]:
    """Of twins, the one that is right counts here: that there are twins is P2's to say."""
    return map(_told, min(every, key=len))


def _told(one: FieldDifference) -> str:
    return f"{one.field} is {one.found!r}, should be {one.wanted!r}"
