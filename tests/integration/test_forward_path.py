"""A change made in Lofty arrives in GHL: the pipeline's sentences, on the embedded broker and on a real Kafka."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.stage import LOCATION, TEAM, stage
from tests.kafka.broker import Broker


@pytest.mark.in_make_test
async def test_a_lead_its_notes_and_its_tasks_live_through_all_they_can(broker: Broker, tmp_path: Path) -> None:
    """Created, updated, completed and deleted in Lofty, and each time GHL follows."""
    async with stage(broker, tmp_path) as on:
        lead = on.new_lead(phones=["(212) 555-0123"], tags=["Buyer", "VIP"], stage="New Leads")
        note = on.edit("create", "note", leadId=lead, fields={"content": "Prefers calls after six."})
        task = on.edit("create", "task", leadId=lead, fields={"content": "Call back", "type": "Call"})
        gone = on.edit("create", "note", leadId=lead, fields={"content": "Typed in the wrong place."})
        await on.until_quiet()

        contact = on.contacts()[lead]
        assert contact["firstName"] == "Ada"
        assert contact["phone"] == "+12125550123"
        assert sorted(contact["tags"]) == ["buyer", "vip"]
        assert contact["custom"]["Lofty stage"] == "New Leads"
        assert sorted(f"[lofty-note:{one.id}]" in str(contact["notes"]) for one in (note, gone)) == [True, True]
        assert [one["completed"] for one in contact["tasks"]] == [False]

        on.ghl.location("loc-acme").contacts[contact["id"]].tags.append("by-hand")
        on.edit("update", "lead", id=lead, fields={"lastName": "Lovelace", "tags": ["VIP"]})
        on.edit("update", "note", id=note.id, fields={"content": "Prefers calls after seven."})
        on.edit("finish", "task", id=task.id)
        on.edit("delete", "note", id=gone.id)
        await on.until_quiet()

        contact = on.contacts()[lead]
        assert contact["lastName"] == "Lovelace"
        assert sorted(contact["tags"]) == ["by-hand", "vip"]
        assert [
            ("after seven" in one["body"], f"[lofty-note:{note.id}]" in one["body"]) for one in contact["notes"]
        ] == [(True, True)]
        assert [one["completed"] for one in contact["tasks"]] == [True]
        puts = [one.body for one in on.requests("ghl", "PUT") if one.operation == "update-contact"]
        assert [sorted(body) for body in puts] == [["lastName"]]

        on.edit("delete", "task", id=task.id)
        on.edit("delete", "lead", id=lead)
        await on.until_quiet()

        contact = on.contacts()[lead]
        assert contact["tasks"] == []
        assert "lofty-deleted" in contact["tags"]


async def test_a_note_of_a_lead_that_ghl_lacks_brings_its_contact_first(broker: Broker, tmp_path: Path) -> None:
    """No webhook reported the lead itself: the note asks for it."""
    async with stage(broker, tmp_path) as on:
        lead = str(on.edit_silently("create", "lead", fields={"firstName": "Bo", "emails": ["bo@example.com"]}).id)
        on.edit("create", "note", leadId=lead, fields={"content": "Met at the open house."})
        await on.until_quiet()

        assert len(on.contacts()[lead]["notes"]) == 1


async def test_a_deleted_lead_is_deleted_or_ignored_when_the_policy_says_so(broker: Broker, tmp_path: Path) -> None:
    """`policies.lead_deleted` decides."""
    for policy, remains in (("delete", False), ("ignore", True)):
        more = f'[connections.acme.policies]\nlead_deleted = "{policy}"'
        async with stage(broker, tmp_path / policy, more=more) as on:
            lead = on.new_lead()
            await on.until_quiet()
            on.edit("delete", "lead", id=lead)
            await on.until_quiet()

            assert (lead in on.contacts()) is remains
            assert not remains or on.contacts()[lead]["tags"] == []


async def test_what_hangs_on_a_contact_comes_back_with_it(broker: Broker, tmp_path: Path) -> None:
    """Somebody deleted the contact in GHL, notes and tasks with it; the lead's next edit creates all of it again, once."""
    async with stage(broker, tmp_path) as on:
        lead = on.new_lead()
        on.edit("create", "note", leadId=lead, fields={"content": "Met at the open house."})
        on.edit("create", "task", leadId=lead, fields={"content": "Call back"})
        await on.until_quiet()
        lost = on.contacts()[lead]["id"]
        place = on.ghl.location(LOCATION)
        place.remove(place.contacts[lost])
        on.edit("update", "lead", id=lead, fields={"lastName": "Lovelace"})
        await on.until_quiet()

        found = on.contacts()[lead]
        assert found["id"] != lost
        assert [len(found[kind]) for kind in ("notes", "tasks")] == [1, 1]


async def test_a_note_that_was_settled_before_its_lead_was_restored_is_written(broker: Broker, tmp_path: Path) -> None:
    """The lead went to the trash before GHL ever had it; the note was seen first when both came back."""
    async with stage(broker, tmp_path) as on:
        lead = str(on.edit_silently("create", "lead", fields={"firstName": "Bo", "emails": ["bo@example.com"]}).id)
        note = on.edit_silently("create", "note", leadId=lead, fields={"content": "Met at the open house."}).id
        on.edit("delete", "lead", id=lead)
        await on.until_quiet()
        on.lofty.teams[TEAM].records["lead"][int(lead)].is_deleted = False
        on.edit("update", "note", id=note, fields={"content": "Met at the open house, twice."})
        await on.until_quiet()
        assert lead not in on.contacts()
        on.edit("update", "lead", id=lead, fields={"lastName": "Lovelace"})
        await on.until_quiet()

        assert len(on.contacts()[lead]["notes"]) == 1


async def test_a_lead_that_is_not_visible_yet_is_asked_for_again(broker: Broker, tmp_path: Path) -> None:
    """A 404 right after the creation is no deletion."""
    async with stage(broker, tmp_path, lofty={"visibility_lag_seconds": 0.7}) as on:
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts())

        assert "lofty-deleted" not in on.contacts()[lead]["tags"]
