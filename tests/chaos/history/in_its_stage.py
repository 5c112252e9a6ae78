"""P14: a lead's opportunity is where its stage puts it, and was made once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from connectors.sandbox.shared.ledger import Entry
from streams.core.to_ghl.compare import compare_child
from streams.core.to_ghl.opportunity import PIPELINE, desired_opportunity
from streams.core.to_ghl.plan import DesiredChild
from streams.mapping import StageTable
from streams.messages import Entity
from tests.chaos.history.case import Case
from tests.chaos.history.finding import Finding, Tally
from tests.chaos.history.parked import parked_since
from tests.chaos.history.told import told

CREATE = "create-opportunity"
WRITES = frozenset({CREATE, "update-opportunity"})


def in_its_stage(case: Case) -> Finding:
    """Each living lead whose stage has a pair has an opportunity as the pair wants it, on its contact; none was made twice there.

    Before each create an `intended` receipt of a lead's opportunity was made. A stage without a pair says nothing: the opportunity
    stays where it was. Of leads that share a contact only the one that writes it has one. A connection without pairs has none.

    Excused: what is visibly parked since the lead changed; a write by a worker that woke from a freeze.

    Proves nothing of: how long it took; what happens to opportunities of people.
    """
    tally = Tally(14, "a lead's opportunity is where its stage puts it, and was made once", "leads or creates")
    parked = parked_since(case.history)
    last = {one.parent: one for one in _writes(case)}
    for name in case.history.leads:
        connection = case.history.settings.connections[name]
        table, directory = StageTable(connection.stages), case.directory(name)
        standing, opportunities = _standing(case, name), case.history.contacts[name].get("opportunities", ())
        tally.examined += len(case.history.leads[name]) if connection.stages else 0
        for entity, state, changed_ms in _with_a_pair(name, table, case.history.leads[name]):
            opportunity = entity._replace(kind="opportunity")
            parked_ms = max(parked.get(one.key, -1) for one in (entity, opportunity))
            desired = desired_opportunity(state, table, directory, connection.mapping.users)
            assert desired is not None
            for contact_id, what in _wrong(desired, standing.get(entity.lead, []), opportunities):
                write = last.get(contact_id)
                is_late = write is not None and case.interruptions.is_sent_on_waking(write)
                evidence = told(write) if write else ("GHL was never asked to write it",)
                tally.note(opportunity.key, what, evidence, is_excused=parked_ms >= changed_ms or is_late)
    intended = _first_intended(case)
    for where, creates in _creates(case).items():
        tally.examined += len(creates)
        for first, second in pairwise(creates):
            is_late = any(case.interruptions.is_sent_on_waking(one) for one in (first, second))
            tally.note(
                f"contact {where[0]}", "has its opportunity created twice", told(first, second), is_excused=is_late
            )
        for one in creates:
            intended_ms = intended.get((case.history.connection_at[one.budget].name, case.names.lead_of(one)))
            if intended_ms is None or intended_ms > 1000 * one.at:
                tally.note(f"contact {where[0]}", "its opportunity was created without an intent", told(one))
    return tally.finding()


def _with_a_pair(
    connection: str, table: StageTable, rows: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[Entity, Mapping[str, Any], int]]:
    """The living leads whose stage has a pair, each with when it changed last."""
    for row in rows:
        lead = row["lead"]
        if not row["isDeleted"] and table.pair_of(str(lead.get("stage") or "")) is not None:
            yield Entity.contact(connection, str(lead["leadId"])), lead, int(row["updateTime"])


def _standing(case: Case, connection: str) -> dict[str, list[Mapping[str, Any]]]:
    """The contacts of each lead."""
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for contact in case.history.contacts[connection]["contacts"]:
        if lead := case.names.lead_of_contact(connection, contact):
            found[lead].append(contact)
    return found


def _wrong(
    desired: DesiredChild, contacts: list[Mapping[str, Any]], opportunities: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    """What is wrong with a lead's opportunity, each with its contact. A lead without a contact has none: that is P1's to say."""
    own = [(one["id"], [row for row in opportunities if row["contactId"] == one["id"]]) for one in contacts]
    every = [(contact_id, _differing(desired, those), _surplus(those)) for contact_id, those in own]
    if every:  # of twins the one that is right counts: that there are twins is P2's to say
        contact_id, different, _ = min(every, key=lambda one: len(one[1]))
        yield from ((contact_id, what) for what in different)
    yield from ((contact_id, surplus) for contact_id, _, surplus in every if surplus)


def _differing(desired: DesiredChild, own: Iterable[Mapping[str, Any]]) -> list[str]:
    there = [one for one in own if one[PIPELINE] == desired.fields.get(PIPELINE)]
    if not there:
        return ["is lost: its contact has no opportunity in the pipeline"]
    shown = {name: value for name, value in there[0].items() if value not in ("", None)}
    return [f"{one.field} is {one.found!r}, should be {one.wanted!r}" for one in compare_child(desired, shown)]


def _surplus(own: Iterable[Mapping[str, Any]]) -> str:
    most = max(Counter(one[PIPELINE] for one in own).values(), default=0)
    return f"has {most} opportunities in one pipeline" if most > 1 else ""


def _writes(case: Case) -> Iterator[Entry]:
    """What changed an opportunity, in the order in which it did."""
    applied = [one for one in case.history.ghl if one.applied_at is not None and one.operation in WRITES]
    return iter(sorted(applied, key=lambda one: (one.applied_at or 0.0, one.seq)))


def _creates(case: Case) -> dict[tuple[str | None, str], list[Entry]]:
    """Contact and pipeline → the creates there."""
    found: dict[tuple[str | None, str], list[Entry]] = defaultdict(list)
    for one in _writes(case):
        if one.operation == CREATE and one.created and isinstance(one.body, dict):
            found[one.parent, str(one.body.get(PIPELINE))].append(one)
    return found


def _first_intended(case: Case) -> dict[tuple[str, str | None], int]:
    """Connection and lead → when an opportunity of its was first intended."""
    first: dict[tuple[str, str | None], int] = {}
    for one in (line.receipt for line in case.history.receipts):
        if (one.kind, one.outcome) == ("opportunity", "intended"):
            key = (one.connection, one.lead)
            first[key] = min(one.at_ms, first.get(key, one.at_ms))
    return first
