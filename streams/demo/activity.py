"""What happens at an agency on any day: decided from the content of both sandboxes, so that they do not grow for ever.

Edits are those of Lofty's sandbox (`agent_activity`), acts those of GHL's (`people`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from connectors.sandbox.lofty.people import make_leads
from streams.demo.dataset import NOTES, STAGES, TAGS, TOWNS, Edit, update

ROUNDS = 10
"""How many bursts an hour has."""

MOST_CHILDREN = 6
"""So many notes, and as many tasks, a lead may have before the oldest go."""

TAG_OF_A_VISITOR = "hot"
"""The tag that somebody in GHL adds to a contact: the demo's rule makes a task in Lofty for it."""

Act = dict[str, Any]


def hour_of_edits(rows: Sequence[dict[str, Any]], seed: int) -> Iterator[list[Edit]]:
    """Bursts of edits for a team as `GET /_sandbox/leads` shows it. Most change one lead several times within a moment.

    The last burst keeps the team's size: a lead goes to the trash, another comes, and of many notes and tasks the oldest go.
    """
    random = Random(seed)
    for _ in range(ROUNDS - 1):
        yield _burst(random, random.choice(rows))
    yield _tidied(random, rows, seed)


def _burst(random: Random, row: dict[str, Any]) -> list[Edit]:
    lead = row["lead"]["leadId"]
    edits = [update("lead", lead, score=random.randrange(101), stage=random.choice(STAGES)) for _ in range(3)]
    edits.append(update("lead", lead, city=random.choice(TOWNS), tags=random.sample(TAGS, 2)))
    match random.randrange(4):
        case 0:
            edits.append(_new("note", lead, content=random.choice(NOTES)))
        case 1:
            edits.append(_new("task", lead, type="Call", content="Call back", assignedRole="Agent"))
        case 2 if row["notes"]:
            edits.append(update("note", row["notes"][-1]["noteId"], content="Corrected: " + random.choice(NOTES)))
        case _ if row["tasks"]:
            edits.append({"edit": "finish", "kind": "task", "id": row["tasks"][-1]["id"]})
    return edits


def _tidied(random: Random, rows: Sequence[dict[str, Any]], seed: int) -> list[Edit]:
    gone = random.choice(rows)["lead"]["leadId"]
    edits: list[Edit] = [{"edit": "delete", "kind": "lead", "id": gone}]
    person = make_leads(1, seed)[0] | {"emails": [f"newcomer.{seed}@example.com"], "phones": []}
    edits.append({"edit": "create", "kind": "lead", "fields": {k: v for k, v in person.items() if k != "tasks"}})
    for row in rows:
        if row["lead"]["leadId"] == gone:
            continue
        for kind, key in (("note", "noteId"), ("task", "id"), ("appointment", "id")):
            edits += [{"edit": "delete", "kind": kind, "id": one[key]} for one in row[f"{kind}s"][:-MOST_CHILDREN]]
    return edits


def visit(contacts: Sequence[dict[str, Any]], location: str, seed: int, now: float) -> list[Act]:
    """What somebody at the agency does with one contact in GHL, as `GET /_sandbox/contacts` shows them. `now` in seconds.

    Nothing where there is no contact yet.
    """
    if not contacts:
        return []
    random = Random(seed)
    contact = random.choice(contacts)
    act = _act(random, contact, datetime.fromtimestamp(now, UTC) + timedelta(days=1))
    tidy = [
        {"do": f"delete-{kind}", "ids": {name: one["id"]}}
        for kind, name in (("note", "id"), ("task", "taskId"))
        for one in _by_hand(contact[f"{kind}s"])[:-MOST_CHILDREN]
    ]
    return [
        {**one, "location": location, "ids": {"contactId": contact["id"], **one.get("ids", {})}} for one in [act, *tidy]
    ]


def _act(random: Random, contact: dict[str, Any], tomorrow: datetime) -> Act:
    at = tomorrow.isoformat(timespec="seconds")
    done = "add-tags" if TAG_OF_A_VISITOR not in contact["tags"] else "remove-tags"
    acts: list[Act] = [
        {"do": done, "body": {"tags": [TAG_OF_A_VISITOR]}},
        {"do": "create-note", "body": {"body": random.choice(NOTES)}},
        {"do": "create-task", "body": {"title": "Send the brochure", "dueDate": at, "completed": False}},
        {"do": "update-contact", "body": {"website": f"https://example.com/{random.randrange(100)}"}},
    ]
    if not contact["appointments"]:
        end = (tomorrow + timedelta(minutes=30)).isoformat(timespec="seconds")
        acts.append({"do": "book-appointment", "body": {"title": "Viewing", "startTime": at, "endTime": end}})
    return random.choice(acts)


def _by_hand(children: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those without a marker: a person made them."""
    return [one for one in children if "[lofty-" not in str(one.get("body") or "")]


def _new(kind: str, lead: int, **fields: Any) -> Edit:
    return {"edit": "create", "kind": kind, "leadId": lead, "fields": fields}
