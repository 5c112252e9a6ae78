"""The two agencies of the demo, and what their agents do on a busy morning. Seeded: each run is the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

POISON_PING = b'{"listId":2,"events":[{"eventType":"LEAD_UPDATED","leadId":1}]}'
"""A shape from an old revision of Lofty's own page: kept in `parked`, answered 200."""

UNREADABLE_PHONE = "ask at the reception"


@dataclass(frozen=True, slots=True)
class Agency:
    """One connection of the demo: a Lofty team and a GHL location."""

    name: str
    team: int
    lofty_key: str
    location: str
    ghl_token: str
    webhook_secret: str


AGENCIES = (
    Agency("harbor", 310001, "demo-key-harbor", "locHarbor0001", "pit-demo-harbor", "demo-webhook-secret-harbor"),
    Agency("valley", 310002, "demo-key-valley", "locValley0002", "pit-demo-valley", "demo-webhook-secret-valley"),
)

Edit = dict[str, Any]


def morning(leads: list[dict[str, Any]], seed: int) -> Iterator[list[Edit]]:
    """Bursts of edits over leads as the seeding returned them (`leadId`, `notes`, `tasks`)."""
    random = Random(seed)
    ids = [one["leadId"] for one in leads]
    tasks = [task for one in leads for task in one.get("tasks", ())]
    notes = [note for one in leads for note in one.get("notes", ())]

    # Somebody works through a list: ten edits of one lead within a moment, again and again.
    for lead in random.sample(ids, 12):
        yield [update("lead", lead, score=step, stage=random.choice(STAGES)) for step in range(10)]
    # Many leads are touched once.
    yield [update("lead", lead, city=random.choice(TOWNS)) for lead in random.sample(ids, len(ids) // 3)]
    yield [update("lead", lead, tags=random.sample(TAGS, 2)) for lead in random.sample(ids, len(ids) // 4)]
    # A touch that changes nothing which the mapping owns.
    yield [update("lead", lead, hiddenFlag=False) for lead in random.sample(ids, len(ids) // 3)]
    # Notes and tasks.
    yield [
        {"edit": "create", "kind": "note", "leadId": lead, "fields": {"content": random.choice(NOTES)}}
        for lead in random.sample(ids, 25)
    ]
    yield [update("note", note, content="Corrected: " + random.choice(NOTES)) for note in random.sample(notes, 10)]
    yield [{"edit": "delete", "kind": "note", "id": note} for note in random.sample(notes, 5)]
    done = random.sample(tasks, min(15, len(tasks)))
    yield [{"edit": "finish", "kind": "task", "id": task} for task in done]
    yield [{"edit": "delete", "kind": "task", "id": task} for task in tasks if task not in done][:5]
    # A phone that nobody can dial, and leads that go to the trash.
    unlucky, *trash = random.sample(ids, 6)
    yield [update("lead", unlucky, phones=[UNREADABLE_PHONE])]
    yield [{"edit": "delete", "kind": "lead", "id": lead} for lead in trash]


def update(kind: str, entity_id: int, **fields: Any) -> Edit:
    """An edit of one thing."""
    return {"edit": "update", "kind": kind, "id": entity_id, "fields": fields}


STAGES = ("New Leads", "Contacted", "Showing", "Offer", "Closed")
TAGS = ("Buyer", "Seller", "Open House", "Relocation", "First Time", "Investor")
TOWNS = ("Austin", "Round Rock", "Georgetown", "Pflugerville", "Cedar Park")
NOTES = (
    "Prefers calls after six.",
    "Pre-approval letter received.",
    "Wants to see the corner lot again.",
    "Asked for the school district map.",
)
