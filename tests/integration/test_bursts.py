"""Bursts, repetitions and replays cost nothing; one bad value stops nothing."""

from __future__ import annotations

from pathlib import Path

from streams.messages import Change, Snapshot
from streams.messages.topics import CHANGES, SNAPSHOTS
from tests.integration.stage import stage
from tests.kafka.broker import Broker


async def test_ten_edits_while_the_budget_is_busy_cost_two_reads_and_two_writes(broker: Broker, tmp_path: Path) -> None:
    """And the last of them is what GHL holds; replaying all changes and snapshots then writes nothing."""
    async with stage(broker, tmp_path, lofty={"latency_seconds": 0.15}, ghl={"latency_seconds": 0.15}) as on:
        lead = on.new_lead()
        await on.until_quiet()
        others = [on.new_lead() for _ in range(30)]  # the budget is busy with these
        read_before, wrote_before = len(on.requests("lofty", "GET")), len(on.requests("ghl", "PUT"))
        for number in range(10):
            on.edit("update", "lead", id=lead, fields={"lastName": f"Edit {number}"})
        await on.until_quiet()

        reads = [one for one in on.requests("lofty", "GET")[read_before:] if one.path.endswith(f"/{lead}")]
        assert on.contacts()[lead]["lastName"] == "Edit 9"
        assert len(reads) <= 2
        assert len(on.requests("ghl", "PUT")) - wrote_before <= 2
        assert all(one in on.contacts() for one in others)

        asked = len(on.requests("ghl"))
        for raw in await on.records(CHANGES):
            change = Change.from_bytes(raw)
            await on.produce_change(change.model_copy(update={"origin": "replay"}))
        for raw in await on.records(SNAPSHOTS):
            await on.produce(SNAPSHOTS, Snapshot.from_bytes(raw).entity.key.encode(), raw, by="ghl")
        await on.until_quiet()

        assert len(on.requests("ghl")) == asked


async def test_edits_that_settle_cost_two_reads_and_one_list(broker: Broker, tmp_path: Path) -> None:
    """A lead that is edited ten times, and four notes of it: a read at once, one of all that followed, one list, one note that shows what lists hold.

    Where the pings of all edits came before the read at once, nothing followed it.
    """
    async with stage(broker, tmp_path, settle="always") as on:
        lead = on.new_lead()
        await on.until_quiet()
        before = len(on.requests("lofty"))
        for number in range(10):
            on.edit("update", "lead", id=lead, fields={"lastName": f"Edit {number}"})
        notes = [on.edit("create", "note", leadId=lead, fields={"content": f"Note {number}"}) for number in range(4)]
        await on.until_quiet()

        asked = [one.path for one in on.requests("lofty")[before:]]
        assert 3 <= len(asked) <= 4, asked
        assert sum(path.endswith(f"/leads/{lead}") for path in asked) in {1, 2}, asked
        assert sum("/notes" in path for path in asked) == 2, asked
        assert on.contacts()[lead]["lastName"] == "Edit 9"
        assert len(on.contacts()[lead]["notes"]) == len(notes)


async def test_pings_that_come_twice_and_out_of_order_change_nothing(broker: Broker, tmp_path: Path) -> None:
    """Every delivery doubled, half of them overtaken."""
    pings = {"duplicates": 1.0, "reorders": 0.5, "delay_seconds": 0.2}
    async with stage(broker, tmp_path, pings=pings) as on:
        leads = [on.new_lead() for _ in range(5)]
        for number in range(5):
            for lead in leads:
                on.edit("update", "lead", id=lead, fields={"lastName": f"Edit {number}"})
        await on.until_quiet()

        assert [on.contacts()[lead]["lastName"] for lead in leads] == ["Edit 4"] * 5
        assert len(on.ghl.location("loc-acme").contacts) == 5


async def test_one_leads_poison_values_fail_neither_it_nor_others(broker: Broker, tmp_path: Path) -> None:
    """An unreadable phone, a stage nobody knows, a custom field that may not be created: left out and flagged."""
    more = "[connections.acme.policies]\ncreate_custom_fields = false"
    async with stage(broker, tmp_path, more=more) as on:
        on.ghl.location("loc-acme").custom_fields["f1"] = {
            "id": "f1", "name": "Lofty lead id", "fieldKey": "contact.lofty_lead_id", "dataType": "TEXT", "model": "contact"
        }  # fmt: skip
        on.reload_directories()
        poisoned = on.new_lead(phones=["ask at reception"], stage="No Such Stage")
        healthy = on.new_lead()
        await on.until_quiet()

        assert on.contacts()[poisoned]["firstName"] == "Ada"
        assert healthy in on.contacts()
        flags = [flag for one in await on.receipts() if one.lead == poisoned for flag in one.flags]
        assert any("phone" in flag for flag in flags)
        assert any("Lofty stage" in flag for flag in flags)


async def test_a_poison_record_on_a_topic_is_parked_and_the_partition_goes_on(broker: Broker, tmp_path: Path) -> None:
    """Bytes that are no word, on each topic in turn."""
    async with stage(broker, tmp_path) as on:
        for topic in on.topics_read_by_agents:
            await on.produce(topic, b"poison", b"\x00 not a word")
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts())
        await on.until_quiet()

        parked = await on.parked()
        assert sorted(one.stage for one in parked) == ["dedupe", "deliver", "fetch", "record"]
        assert {one.original_bytes() for one in parked} == {b"\x00 not a word"}
