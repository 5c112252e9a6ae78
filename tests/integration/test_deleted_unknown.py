"""Leads that were deleted while nothing knew of them: Lofty is asked about each contact with an id that no memory names.

`verify --repair` asks, and after a full sweep the worker itself.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.sandbox.ghl.seeds import seed
from streams.mapping import LEAD_ID_FIELD
from tests.integration.stage import LOCATION, Stage, stage
from tests.integration.test_lost_memory import NEVER, backfill, move_silently, without_memory
from tests.integration.test_sweep import OFTEN
from tests.integration.test_verify import found_in, verified
from tests.kafka.broker import Broker

STRANGER = "987654321"
"""An id that this team's Lofty does not know: the contact came from elsewhere."""


def lead_of(contact: str) -> str:
    """The key of the lead's contact."""
    return f"acme:{contact}:contact:{contact}"


def add_stranger(on: Stage) -> str:
    """A contact with the id of another team's lead; returns its GHL id."""
    place = on.ghl.location(LOCATION)
    field = next(one["id"] for one in place.custom_fields.values() if one["name"] == LEAD_ID_FIELD)
    body = {"firstName": "Elsewhere", "customFields": [{"id": field, "field_value": STRANGER}]}
    return seed(on.ghl, {"location": LOCATION, "contacts": [body]})["contacts"][0]


@pytest.mark.parametrize("policy", ["tag", "delete", "ignore"])
async def test_who_was_deleted_while_memory_was_gone_is_found_and_treated_by_the_policy(
    real_kafka: Broker, tmp_path: Path, policy: str
) -> None:
    """One was deleted, and tagged, before; one is deleted meanwhile; one was never read; another team's is left, and nothing is parked."""
    more = f'{NEVER}\n[connections.acme.policies]\nlead_deleted = "{policy}"'
    async with stage(real_kafka, tmp_path, restarts=True, more=more) as on:
        stays, early, late, unread = (on.new_lead(tags=["Buyer"]) for _ in range(4))
        await on.until_quiet()
        on.edit("delete", "lead", id=int(early))
        await on.until_quiet()
        stranger = add_stranger(on)
        await on.worker.__aexit__(None, None, None)
        on.edit_silently("delete", "lead", id=int(late))
        async with without_memory(on, real_kafka):
            before = found_in(await verified(on))
            repaired = await verified(on, repair=True)
            await backfill(on, "acme")
            await on.until_quiet()
            after = await verified(on)
            parked = await on.parked()
        held = {lead: set(one["tags"]) for lead, one in on.contacts().items()}

    known = {lead_of(one) for one in (stays, unread)}
    gone = {lead_of(late), lead_of(early)} if policy == "ignore" else {lead_of(late)}
    assert before == {(key, "orphaned") for key in known | gone | {lead_of(STRANGER)}}
    assert [{key for key, _ in found_in(one)} for one in (repaired, after)] == [{lead_of(STRANGER)}] * 2
    assert parked == []
    assert on.ghl.location(LOCATION).contacts[stranger].fields["firstName"] == "Elsewhere"
    tagged = {lead for lead, tags in held.items() if "lofty-deleted" in tags}
    assert tagged == ({early, late} if policy == "tag" else set())
    assert held.keys() == {stays, unread, STRANGER} | (set() if policy == "delete" else {early, late})


async def test_what_hangs_on_another_lead_now_leaves_the_contact_of_the_one_that_is_gone(
    real_kafka: Broker, tmp_path: Path
) -> None:
    """What was deleted with its lead stays on its contact, as it does where nothing was forgotten. Verify finds all right then."""
    async with stage(real_kafka, tmp_path, restarts=True, more=NEVER) as on:
        stays, deleted = (on.new_lead(tags=["Buyer"]) for _ in range(2))
        moves = on.edit("create", "note", leadId=int(deleted), fields={"content": "moves later"})
        on.edit("create", "note", leadId=int(deleted), fields={"content": "stays"})
        on.edit("create", "task", leadId=int(deleted), fields={"content": "call"})
        await on.until_quiet()
        await on.worker.__aexit__(None, None, None)
        move_silently(on, moves.id, int(deleted), int(stays))
        on.edit_silently("delete", "lead", id=int(deleted))
        async with without_memory(on, real_kafka):
            await backfill(on, "acme")
            await on.until_quiet()
            await verified(on, repair=True)
            await on.until_quiet()
            report = await verified(on)
        hang = {lead: (len(one["notes"]), len(one["tasks"])) for lead, one in on.contacts().items()}

    assert hang == {stays: (1, 0), deleted: (1, 1)}
    assert report.exit_code == 0, report.as_dict()


async def test_a_worker_asks_by_itself_after_a_full_sweep(real_kafka: Broker, tmp_path: Path) -> None:
    """Nobody orders anything. The stranger's contact is left."""
    async with stage(real_kafka, tmp_path, restarts=True, more=OFTEN) as on:
        stays, late = (on.new_lead(tags=["Buyer"]) for _ in range(2))
        await on.until_quiet()
        stranger = add_stranger(on)
        await on.worker.__aexit__(None, None, None)
        on.edit_silently("delete", "lead", id=int(late))
        async with without_memory(on, real_kafka):
            await on.until(lambda: tagged(on) == {late})
            assert await on.parked() == []

    assert on.contacts().keys() == {stays, late, STRANGER}
    assert not on.ghl.location(LOCATION).contacts[stranger].tags


def tagged(on: Stage) -> set[str]:
    """The leads whose contacts say that they were deleted."""
    return {lead for lead, one in on.contacts().items() if "lofty-deleted" in one["tags"]}
