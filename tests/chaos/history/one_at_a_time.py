"""P4: a contact has at most one request in flight, and comes before its notes, tasks and appointments."""

from __future__ import annotations

from collections import defaultdict
from math import inf

from connectors.sandbox.shared.ledger import Entry
from tests.chaos.history.case import Case
from tests.chaos.history.finding import Finding, Tally
from tests.chaos.history.names import CHILD_CREATES, CONTACT_CREATES
from tests.chaos.history.told import told, worker_of

Lane = tuple[str, str]


def one_at_a_time(case: Case) -> Finding:
    """Requests about one contact, reads and searches included, never overlap; nothing that hangs on it is created before it.

    A request is in flight from its arrival at GHL until its answer is ready.
    Excused: another worker's request while one is in flight whose client was killed or frozen; and what a worker sent as
    it woke from a freeze.

    Left out: the read of a contact that GHL named as a duplicate; another lead's lane asks whose it is. So does the lane of a
    lead that shares a contact, by a receipt: its notes are written beside what the contact's own lead writes.

    Proves nothing of: requests that name no contact (searches by e-mail or phone, lists of a calendar); what the network reorders.
    """
    tally = Tally(4, "a contact has one request at a time, and comes before what hangs on it", "requests of contacts")
    lanes: dict[Lane, list[Entry]] = defaultdict(list)
    for entry in case.history.ghl:
        if lane := _lane(case, entry):
            lanes[lane].append(entry)
    shared = {(one.receipt.connection, one.receipt.ghl_id) for one in case.history.receipts if one.receipt.shares}
    for lane, entries in lanes.items():
        tally.examined += len(entries)
        alone = (one for one in entries if (_connection(case, one), case.names.contact_of(one)) not in shared)
        _judge_overlaps(case, tally, lane, sorted(alone, key=lambda one: (one.at, one.seq)))
        _judge_order(tally, lane, entries)
    return tally.finding()


def _connection(case: Case, entry: Entry) -> str:
    connection = case.history.connection_at.get(entry.budget)
    return connection.name if connection else ""


def _lane(case: Case, entry: Entry) -> Lane | None:
    """Whose request it is: the lead's where it is known, else the GHL contact's."""
    if entry.operation == "get-contact":
        return None
    name = case.names.lead_of(entry) or case.names.contact_of(entry)
    return (entry.budget, name) if name else None


def _judge_overlaps(case: Case, tally: Tally, lane: Lane, entries: list[Entry]) -> None:
    in_flight: list[Entry] = []
    for entry in entries:
        in_flight = [one for one in in_flight if (inf if one.ended is None else one.ended) > entry.at]
        for other in in_flight:
            is_excused = worker_of(other) != worker_of(entry) and (
                case.interruptions.watched_until(other) <= entry.at
                or case.interruptions.is_sent_on_waking(other)
                or case.interruptions.is_sent_on_waking(entry)
            )
            tally.note(" ".join(lane), "two requests at once", told(other, entry), is_excused=is_excused)
        in_flight.append(entry)


def _judge_order(tally: Tally, lane: Lane, entries: list[Entry]) -> None:
    """A contact that no request of ours wrote stood before us: nothing can come before it."""
    contacts: dict[str | None, float] = {}
    for entry in entries:
        if entry.applied_at is not None and entry.operation in CONTACT_CREATES:
            contacts[entry.entity] = min(entry.applied_at, contacts.get(entry.entity, inf))
    for entry in entries:
        if entry.operation in CHILD_CREATES and entry.at < contacts.get(entry.parent, 0.0):
            tally.note(" ".join(lane), "a note, task or appointment was created before its contact", told(entry))
