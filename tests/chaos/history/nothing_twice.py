"""P2: nothing is created twice."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from math import inf

from connectors.sandbox.shared.ledger import Entry
from streams.messages import Entity
from tests.chaos.history.case import Case
from tests.chaos.history.finding import Finding, Tally
from tests.chaos.history.history import DELETED_BY_HAND, FORGOT
from tests.chaos.history.names import CREATES, mark_of, standing_on
from tests.chaos.history.told import told


def nothing_twice(case: Case) -> Finding:
    """Each Lofty id is created once as a contact, note, task or appointment, in whatever form, unless the first was deleted in GHL before the second.

    Counted from creates that were applied, answered or not, and from what GHL holds at the end.
    A create without a mark is a violation: nobody could ever tell what it is.
    What moved with a merge may be on both contacts until the first is deleted. So may what was on a contact that two leads had,
    once memory was lost: where the lead that left it was, is found only when the other's contact is looked through.
    A contact that another lead took over, as the one that stays of a couple with one e-mail does, is no longer the first one's.
    Excused: a create by a worker that woke from a freeze (GHL offers no fencing).

    Proves nothing of: contacts that stood before us and were adopted; twins that a person makes.
    """
    tally = Tally(2, "nothing is created twice", "creates or standing entities")
    created: dict[Entity, list[Entry]] = defaultdict(list)
    for entry in case.writes():
        if not (entry.created and entry.operation in CREATES):
            continue
        tally.examined += 1
        entity = case.names.entity_of(entry)
        if entity is None:
            tally.note(entry.budget, "a create has no marker", told(entry))
        else:
            created[_once(entity)].append(entry)
    deletions, moves = _deletions(case), _moves(case)
    twice = set()
    for entity, those in created.items():
        for first, second in pairwise(those):
            if _was_deleted(first, second, deletions) or _has_moved(first, second, deletions, moves.get(entity)):
                continue
            if _was_taken_over(case, entity, first, second) or _was_left(case, first, second, deletions):
                continue
            is_late = case.interruptions.is_sent_on_waking(first) or case.interruptions.is_sent_on_waking(second)
            tally.note(entity.key, "was created again while it stood", told(first, second), is_excused=is_late)
            twice.add(entity)
    for entity, ids in _standing(case).items():
        tally.examined += 1
        if len(ids) > 1 and entity not in twice:
            tally.note(entity.key, f"stands {len(ids)} times: {', '.join(ids)}")
    return tally.finding()


def _once(entity: Entity) -> Entity:
    """What is to be created once. A note is one wherever it hangs: Lofty's ids are a team's, not a lead's."""
    return entity if entity.kind == "contact" else entity._replace(lead="*")


def _deletions(case: Case) -> dict[str, list[float]]:
    """GHL id → when it was deleted."""
    found: dict[str, list[float]] = defaultdict(list)
    for entry in case.writes():
        if entry.operation.startswith("delete-") and entry.entity and entry.applied_at:
            found[entry.entity].append(entry.applied_at)
    for event in case.history.nemesis:
        if event.kind == DELETED_BY_HAND:
            found[event.whom].append(event.at)
    return found


def _was_deleted(first: Entry, second: Entry, deletions: dict[str, list[float]]) -> bool:
    """Whether the first, or its contact, was gone before the second came."""
    gone = (*deletions.get(first.entity or "", ()), *deletions.get(first.parent or "", ()))
    return any((first.applied_at or 0.0) <= at <= (second.applied_at or inf) for at in gone)


def _moves(case: Case) -> dict[Entity, float]:
    """What was deleted where it hung, as a merge does with what moves along, and when that was first."""
    found: dict[Entity, float] = {}
    for one in case.history.edits:
        if not one.version and one.entity.kind != "contact":
            found.setdefault(_once(one.entity), one.at)
    return found


def _has_moved(first: Entry, second: Entry, deletions: dict[str, list[float]], moved_at: float | None) -> bool:
    """Whether the second hangs on another contact because of a merge, and the first was deleted at last."""
    if moved_at is None or first.parent == second.parent or (second.applied_at or 0.0) < moved_at:
        return False
    return any(at >= moved_at for at in deletions.get(first.entity or "", ()))


def _was_left(case: Case, first: Entry, second: Entry, deletions: dict[str, list[float]]) -> bool:
    """Whether memory was lost between the two, the second hangs on another contact, and the first was deleted at last."""
    began, ended = first.applied_at or first.at, second.applied_at or second.at
    lost = [one.at for one in case.history.nemesis if one.kind == FORGOT and began < one.at < ended]
    is_elsewhere = bool(lost) and first.parent != second.parent
    return is_elsewhere and any(at >= ended for at in deletions.get(first.entity or "", ()))


def _was_taken_over(case: Case, entity: Entity, first: Entry, second: Entry) -> bool:
    """Whether the contact that was made first was another lead's when the second came. That it may be is P10's to judge."""
    if entity.kind != "contact":
        return False
    owner = case.names.lead_at(first.budget, first.entity, second.applied_at or second.at)
    return owner is not None and owner != entity.lead


def _standing(case: Case) -> dict[Entity, list[str]]:
    """Every entity that GHL holds at the end, and the GHL ids with its marker."""
    found: dict[Entity, list[str]] = defaultdict(list)
    for connection, location in case.history.contacts.items():
        for contact in location["contacts"]:
            lead = case.names.lead_of_contact(connection, contact)
            if lead is not None:
                found[Entity.contact(connection, lead)].append(contact["id"])
            for form, child in standing_on(contact):
                if mark := mark_of(child, form):
                    found[_once(Entity(connection, "", *mark))].append(child["id"])
    return found
