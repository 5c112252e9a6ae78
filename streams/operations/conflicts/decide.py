"""Brings a person's decision about a conflict to the worker that owns the location, which records it in the lead's lane."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from streams.messages import Entity, IdentityDecision, Remedy
from streams.operations.conflicts.open_conflicts import ConflictItem
from streams.operations.worker_queries.client import Timeouts, WorkerQueryClient
from streams.settings import Settings
from streams.settings.partitions import ConnectionPartitions

TIMEOUTS = Timeouts(retry=4.0, silence=15.0, expires=60.0)


@dataclass(frozen=True, slots=True)
class ConflictOutcome:
    """What came of a decision about one conflict. `problem` is empty when the worker recorded it; `next` is what a person does."""

    connection: str
    lead: str
    other_contact_id: str
    decision: IdentityDecision
    problem: str
    next: str


def after_deciding(item: ConflictItem, decision: IdentityDecision) -> str:
    """What follows a decision, in words."""
    if decision == "same" and item.contact_id:
        own, other = item.contact_id, item.other_contact_id
        return f"merge the contacts {own} and {other} in GHL (its API cannot); the merge is then followed by itself"
    if decision == "same":
        return "both stay one contact" if item.state == "shared" else "they become one contact"
    if item.state == "shared":
        return f"the lead gets a contact of its own, without this {item.field}; its notes move there"
    return f"each keeps a contact; this one goes without the {item.field} until it is free"


async def decide(
    settings: Settings, items: list[ConflictItem], decision: IdentityDecision, by: str
) -> list[ConflictOutcome]:
    """Have a decision about these conflicts recorded, once for each contact. Raises `CannotFinish` when no worker answers, and Kafka's errors."""
    partitions = {
        name: ConnectionPartitions(settings).ghl(settings.connections[name])
        for name in {item.person.connection for item in items}
    }
    run = f"decide-{uuid.uuid4().hex[:8]}"
    results: list[ConflictOutcome] = []
    async with WorkerQueryClient(settings, partitions, run, timeouts=TIMEOUTS, most=1) as client:
        for item in {(item.person.lead, item.other_contact_id): item for item in items}.values():
            connection, lead = item.person.connection, item.person.lead
            answer = await client.query(
                connection,
                "mend",
                lead=lead,
                entity=Entity.contact(connection, lead).key,
                remedy=Remedy(cure=decision, contact_id=item.other_contact_id, by=by),
            )
            problem = "" if answer.answer == "mended" else answer.message
            follows = "" if problem else after_deciding(item, decision)
            results.append(ConflictOutcome(connection, lead, item.other_contact_id, decision, problem, follows))
    return results
