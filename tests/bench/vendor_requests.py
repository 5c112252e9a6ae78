"""What the vendors are asked for: requests for each new lead, and for each edit, counted by the sandboxes.

A location has ten thousand contacts of its own. A backfill brings a thousand leads, of which some are there already, by e-mail
or by telephone and name, and some have the telephone of somebody else. Then each tenth lead is edited.
After that, in an empty location, a backfill of leads with a note and a task each.

    python -m tests.bench.vendor_requests LEADS CONTACTS LEADS_WITH_NOTES
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from connectors.sandbox.ghl.seeds import seed
from streams.messages import BackfillOrder
from streams.messages.partitioning import lofty_budget, partition_of
from streams.messages.topics import SWEEPS
from tests.integration.stage import LOCATION, PARTITIONS, Stage, stage
from tests.kafka.broker import embedded_broker

NEVER = "[connections.acme.sweep]\nnew_minutes = 0\nfull_hours = 0\nchildren = false"
THERE_BY_EMAIL, THERE_BY_NAME, COUPLES = 0.05, 0.02, 0.05
"""Which part of the leads GHL has already, and which part has the telephone of another person there."""


def people(leads: int, contacts: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The location's own contacts, and the leads."""
    own = [
        {"email": f"own{n}@example.com", "phone": f"+1530{2000000 + n}", "firstName": f"Own{n}", "lastName": "Roe"}
        for n in range(contacts)
    ]
    found = []
    for n in range(leads):
        lead = {
            "firstName": f"Lead{n}",
            "lastName": "Vale",
            "emails": [f"lead{n}@example.com"],
            "phones": [f"1531{2000000 + n}"],
            "tags": ["Buyer"],
        }
        place = n / leads
        if place < THERE_BY_EMAIL:
            lead["emails"] = [own[n]["email"]]
        elif place < THERE_BY_EMAIL + THERE_BY_NAME:
            lead |= {"firstName": own[n]["firstName"], "lastName": "Roe", "phones": [own[n]["phone"].removeprefix("+")]}
        elif place < THERE_BY_EMAIL + THERE_BY_NAME + COUPLES:
            lead["phones"] = [own[n]["phone"].removeprefix("+")]
        found.append(lead)
    return own, found


async def measure(leads: int, contacts: int) -> dict[str, Any]:
    """A backfill, and an edit of each tenth lead; requests by vendor and operation."""
    own, wanted = people(leads, contacts)
    with tempfile.TemporaryDirectory(prefix="lofty-ghl-bench-") as folder, embedded_broker() as broker:
        async with stage(broker, Path(folder), more=NEVER) as on:
            seed(on.ghl, {"location": LOCATION, "contacts": own})
            made = [str(on.edit_silently("create", "lead", fields=one).id) for one in wanted]
            begun = {vendor: len(on.requests(vendor)) for vendor in ("ghl", "lofty")}
            order: Any = BackfillOrder(connection="acme", id="first", at_ms=0)
            await on.produce(SWEEPS, b"acme", order.to_bytes(), at=partition_of(lofty_budget("acme"), PARTITIONS))
            await on.until(lambda: _served(on), seconds=900)
            await on.until_quiet(900)
            first = {vendor: _counted(on, vendor, begun[vendor]) for vendor in begun}
            edited = {vendor: len(on.requests(vendor)) for vendor in begun}
            for lead in made[::10]:
                on.edit("update", "lead", id=int(lead), fields={"city": "Austin", "streetAddress": "1 Main St"})
            await on.until_quiet(900)
            then = {vendor: _counted(on, vendor, edited[vendor]) for vendor in begun}
            standing = len(on.ghl.location(LOCATION).contacts)
    edits = len(made[::10])
    return {
        "contacts_in_ghl": standing,
        "ghl_requests_per_new_lead": sum(first["ghl"].values()) / leads,
        "lofty_requests_per_new_lead": sum(first["lofty"].values()) / leads,
        "ghl_requests_per_edit": sum(then["ghl"].values()) / edits,
        "ghl_by_operation": dict(first["ghl"].most_common()),
    }


async def with_notes(leads: int) -> dict[str, Any]:
    """Requests to Lofty of a backfill of leads with a note and a task each."""
    with tempfile.TemporaryDirectory(prefix="lofty-ghl-bench-") as folder, embedded_broker() as broker:
        never = NEVER.replace("children = false", "children = true")
        async with stage(broker, Path(folder), more=never) as on:
            for number in range(leads):
                fields = {"firstName": f"Lead{number}", "lastName": "Vale", "emails": [f"lead{number}@example.com"]}
                lead = str(on.edit_silently("create", "lead", fields=fields).id)
                on.edit_silently("create", "note", leadId=lead, fields={"content": "Met at the open house."})
                on.edit_silently("create", "task", leadId=lead, fields={"content": "Call back"})
            begun = len(on.requests("lofty"))
            order: Any = BackfillOrder(connection="acme", id="first", at_ms=0)
            await on.produce(SWEEPS, b"acme", order.to_bytes(), at=partition_of(lofty_budget("acme"), PARTITIONS))
            await on.until(lambda: _served(on), seconds=900)
            await on.until_quiet(900)
            asked = _counted(on, "lofty", begun)
            contacts = on.contacts().values()
            whole = sum(len(one["notes"]) == 1 and len(one["tasks"]) == 1 for one in contacts)
    return {
        "leads_with_a_note_and_a_task": leads,
        "whole_in_ghl": whole,
        "lofty_requests_per_lead_with_both": sum(asked.values()) / leads,
        "lofty_by_operation": dict(asked.most_common()),
    }


def _served(on: Stage) -> bool:
    rows = on.worker.tables.sweeps
    return any(row.served == "first" for number in range(PARTITIONS) for _, row in rows.items(number))


def _counted(on: Stage, vendor: str, since: int) -> Counter[str]:
    return Counter(one.operation for one in on.requests(vendor)[since:])


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    found = asyncio.run(measure(int(sys.argv[1]), int(sys.argv[2])))
    print(json.dumps(found | asyncio.run(with_notes(int(sys.argv[3])))))
