"""Leads that were merged into others while nothing knew of it: nowhere in Lofty, they are known by what hangs on their contacts.

`verify --repair` has Lofty asked, and after a full sweep the worker does it itself.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.stage import LOCATION, Stage, stage
from tests.integration.test_deleted_unknown import STRANGER, add_stranger, lead_of, tagged
from tests.integration.test_lost_memory import NEVER, backfill, without_memory
from tests.integration.test_sweep import OFTEN
from tests.integration.test_verify import found_in, verified
from tests.kafka.broker import Broker


def merge_silently(on: Stage, absorbed: str, into: str) -> None:
    """Two leads become one in Lofty; no webhook says so."""
    on.edit_silently("merge", "lead", id=int(absorbed), into=int(into))


def with_children(on: Stage, **fields: object) -> str:
    """A lead with a note, a task and an appointment."""
    lead = on.new_lead(tags=["Buyer"], **fields)
    on.edit("create", "note", leadId=int(lead), fields={"content": "said"})
    on.edit("create", "task", leadId=int(lead), fields={"content": "call"})
    on.edit("create", "appointment", leadId=int(lead), fields={"descr": "visit", "deadline": "2026-06-01T16:00:00Z"})
    return lead


def hang(on: Stage) -> dict[str, tuple[int, int]]:
    """How many notes and tasks each contact has, by its lead."""
    return {lead: (len(one["notes"]), len(one["tasks"])) for lead, one in on.contacts().items()}


@pytest.mark.parametrize("policy", ["tag", "delete", "ignore"])
async def test_who_was_merged_while_memory_was_gone_is_found_and_treated_by_the_policy(
    real_kafka: Broker, tmp_path: Path, policy: str
) -> None:
    """What hung on it hangs once, on the other contact. One of whom nothing tells is left and listed, as is another team's."""
    more = f'{NEVER}\n[connections.acme.policies]\nlead_deleted = "{policy}"'
    async with stage(real_kafka, tmp_path, restarts=True, more=more) as on:
        stays, merged = with_children(on), with_children(on)
        childless = on.new_lead()
        await on.until_quiet()
        assert hang(on) == {stays: (1, 2), merged: (1, 2), childless: (0, 0)}
        stranger = add_stranger(on)
        await on.worker.__aexit__(None, None, None)
        for one in (merged, childless):
            merge_silently(on, one, stays)
        async with without_memory(on, real_kafka):
            await backfill(on, "acme")
            await on.until_quiet()
            before = found_in(await verified(on))
            repaired = await verified(on, repair=True)
            await on.until_quiet()
            after = await verified(on)
            parked = await on.parked()
        held = hang(on)

    left = {lead_of(childless), lead_of(STRANGER)}
    assert before == {(key, "orphaned") for key in left | {lead_of(merged)}}
    assert [{key for key, _ in found_in(one)} for one in (repaired, after)] == [left] * 2
    assert parked == []
    assert on.ghl.location(LOCATION).contacts[stranger].fields["firstName"] == "Elsewhere"
    assert tagged(on) == ({merged} if policy == "tag" else set())
    kept = {} if policy == "delete" else {merged: (0, 0)}
    assert held == {stays: (2, 4), childless: (0, 0), STRANGER: (0, 0), **kept}


async def test_a_worker_finds_who_was_merged_by_itself_after_a_full_sweep(real_kafka: Broker, tmp_path: Path) -> None:
    """Nobody orders anything."""
    async with stage(real_kafka, tmp_path, restarts=True, more=OFTEN) as on:
        stays, merged = with_children(on), with_children(on)
        await on.until(lambda: hang(on) == {stays: (1, 2), merged: (1, 2)})
        add_stranger(on)
        await on.worker.__aexit__(None, None, None)
        merge_silently(on, merged, stays)
        async with without_memory(on, real_kafka):
            await on.until(lambda: tagged(on) == {merged} and hang(on)[merged] == (0, 0) and hang(on)[stays] == (2, 4))
            assert await on.parked() == []


async def test_who_was_merged_leaves_its_contact_to_the_lead_that_stays_and_had_none(
    real_kafka: Broker, tmp_path: Path
) -> None:
    """That one is new: GHL names the other's contact as its duplicate, and what hangs there tells that it is free."""
    same = {"emails": ["ada@example.com"], "phones": []}
    async with stage(real_kafka, tmp_path, restarts=True, more=NEVER) as on:
        merged = with_children(on, **same)
        await on.until_quiet()
        [contact_id] = on.ghl.location(LOCATION).contacts
        await on.worker.__aexit__(None, None, None)
        stays = str(on.edit_silently("create", "lead", fields={"firstName": "Ada", "lastName": "New", **same}).id)
        merge_silently(on, merged, stays)
        async with without_memory(on, real_kafka):
            await backfill(on, "acme")
            await on.until_quiet()
            report = await verified(on)
            parked = await on.parked()

    assert (hang(on), parked) == ({stays: (1, 2)}, [])
    assert [*on.ghl.location(LOCATION).contacts] == [contact_id]
    assert on.contacts()[stays]["lastName"] == "New"
    assert report.exit_code == 0, report.as_dict()
