"""Verify finds what somebody spoiled in GHL, repairs it through the pipeline, and then finds nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from connectors.sandbox.ghl.seeds import seed
from connectors.sandbox.ghl.state import ContactState
from streams.mapping import LEAD_ID_FIELD
from streams.operations.verify.report import Report
from streams.operations.verify.run import OPEN_QUESTIONS, verify
from streams.operations.worker_queries.client import Timeouts
from tests.integration.stage import LOCATION, Stage, stage
from tests.kafka.broker import Broker

QUICK = Timeouts(retry=2.0, silence=20.0, confirm=0.7, repaired=30.0)
"""Longer than the stage's search lag, shorter than a test's patience."""


async def verified(on: Stage, **options: Any) -> Report:
    """One run of verify against the stage."""
    return await verify(on.settings, timeouts=QUICK, **options)


async def test_what_is_right_is_found_right(broker: Broker, tmp_path: Path) -> None:
    """Contacts, notes and tasks are each compared with their snapshots."""
    async with stage(broker, tmp_path) as on:
        lead = on.new_lead()
        on.edit("create", "note", leadId=lead, fields={"content": "likes gardens"})
        on.edit("create", "task", leadId=lead, fields={"content": "call her"})
        on.new_lead()
        await on.until_quiet()

        report = await verified(on)

        assert report.exit_code == 0, report.as_dict()
        assert report.counts == {"ok": 4}
        assert report.connections[0].requests == 7  # one search, and three for each lead


class Vandal:
    """Somebody who spoils in GHL what we wrote. `wrong` is what verify must find, as (entity, state)."""

    def __init__(self, on: Stage) -> None:
        self._on = on
        self.place = on.ghl.location(LOCATION)
        self.wrong: set[tuple[str, str]] = set()

    def contact(self, lead: str) -> ContactState:
        """The contact of a lead."""
        return self.place.contacts[self._on.contacts()[lead]["id"]]

    async def delete_contact(self, lead: str, *hanging: str) -> None:
        """With all that hangs on it."""
        url = f"{self._on.settings.connections['acme'].ghl.base_url}/_sandbox/contacts/{self.contact(lead).id}"
        async with self._on.http.delete(url) as answer:
            assert answer.status == 200
        self.wrong |= {(key, "missing") for key in (f"acme:{lead}:contact:{lead}", *hanging)}

    def rename(self, lead: str) -> None:
        """Type over a name."""
        self.contact(lead).fields["firstName"] = "Eve"
        self.wrong.add((f"acme:{lead}:contact:{lead}", "different"))

    def untag(self, lead: str) -> None:
        """Take all tags off."""
        self.contact(lead).tags.clear()
        self.wrong.add((f"acme:{lead}:contact:{lead}", "different"))

    def copy_note(self, lead: str, note: str) -> None:
        """Paste a note once more."""
        self._add_note(lead, dict(next(iter(self.contact(lead).notes.values()))))
        self.wrong.add((f"acme:{lead}:note:{note}", "double"))

    def complete_task(self, lead: str, task: str) -> None:
        """Tick a task off."""
        next(iter(self.contact(lead).tasks.values()))["completed"] = True
        self.wrong.add((f"acme:{lead}:task:{task}", "different"))

    def delete_notes(self, lead: str, note: str) -> None:
        """Throw a note away."""
        self.contact(lead).notes.clear()
        self.wrong.add((f"acme:{lead}:note:{note}", "missing"))

    def write_marked(self, lead: str, note: str) -> None:
        """Write a note with a marker."""
        self._add_note(lead, {"body": f"back from the past\n\n[lofty-note:{note}]"})
        self.wrong.add((f"acme:{lead}:note:{note}", "orphaned"))

    def clone(self, lead: str) -> str:
        """Make a second contact with the lead's id; returns its GHL id."""
        field = next(one["id"] for one in self.place.custom_fields.values() if one["name"] == LEAD_ID_FIELD)
        body = {"firstName": "Twin", "customFields": [{"id": field, "field_value": lead}]}
        self.wrong.add((f"acme:{lead}:contact:{lead}", "double"))
        return seed(self._on.ghl, {"location": LOCATION, "contacts": [body]})["contacts"][0]

    def remove(self, contact_id: str) -> None:
        """What a person does about a contact that is one too many."""
        self.place.remove(self.place.contacts[contact_id])
        self.place.index.change(contact_id, None, self._on.ghl.now())

    def _add_note(self, lead: str, note: dict[str, Any]) -> None:
        contact = self.contact(lead)
        note["id"] = self.place.new_id()
        contact.notes[note["id"]] = note


def found_in(report: Report) -> set[tuple[str, str]]:
    """What a report says is wrong."""
    return {(one.entity, one.state) for one in report.connections[0].findings if one.is_wrong}


def writes(on: Stage) -> int:
    """How many requests changed something in GHL."""
    return sum(1 for one in on.requests("ghl") if one.applied)


async def test_what_was_spoiled_in_ghl_is_found_mended_and_then_right(broker: Broker, tmp_path: Path) -> None:
    """Exactly that, and nothing that was not; what only a person may decide is reported again until a person did."""
    async with stage(broker, tmp_path) as on:
        leads = [on.new_lead(tags=["VIP"]) for _ in range(8)]
        deleted, renamed, untagged, copied, ticked, cleared, haunted, cloned = leads
        with_note = (deleted, copied, cleared)
        notes = {one: str(on.edit("create", "note", leadId=one, fields={"content": "hello"}).id) for one in with_note}
        task = str(on.edit("create", "task", leadId=ticked, fields={"content": "call back"}).id)
        gone = str(on.edit("create", "note", leadId=haunted, fields={"content": "typed in the wrong place"}).id)
        await on.until_quiet()
        on.edit("delete", "note", id=gone)
        await on.until_quiet()

        vandal = Vandal(on)
        await vandal.delete_contact(deleted, f"acme:{deleted}:note:{notes[deleted]}")
        vandal.rename(renamed)
        vandal.untag(untagged)
        vandal.copy_note(copied, notes[copied])
        vandal.complete_task(ticked, task)
        vandal.delete_notes(cleared, notes[cleared])
        vandal.write_marked(haunted, gone)
        mendable = set(vandal.wrong)
        vandal.write_marked(haunted, "999")
        twin = vandal.clone(cloned)
        before = writes(on)
        await on.until(lambda: any(one["id"] == twin for one in vandal.place.index.documents(on.ghl.now())))

        report = await verified(on)
        assert found_in(report) == vandal.wrong
        assert report.exit_code == 1
        assert writes(on) == before

        report = await verified(on, repair=True)
        assert {(one.entity, one.state) for one in report.connections[0].mended} == mendable
        assert found_in(report) == vandal.wrong - mendable
        assert report.exit_code == 1

        vandal.remove(twin)
        contact = vandal.contact(haunted)
        contact.notes.clear()
        await on.until(lambda: all(one["id"] != twin for one in vandal.place.index.documents(on.ghl.now())))
        before = writes(on)
        report = await verified(on, repair=True)
        assert report.exit_code == 0, report.as_dict()
        assert writes(on) == before
        assert len(on.contacts()) == 8
        assert on.contacts()[renamed]["firstName"] == "Ada"
        assert [len(on.contacts()[one]["notes"]) for one in with_note] == [1, 1, 1]


async def test_what_stands_in_ghl_under_another_id_is_adopted_and_not_created_again(
    broker: Broker, tmp_path: Path
) -> None:
    """A note was cut and pasted, a contact deleted and restored from elsewhere: both have our markers."""
    async with stage(broker, tmp_path) as on:
        pasted, restored = on.new_lead(), on.new_lead()
        on.edit("create", "note", leadId=pasted, fields={"content": "hello"})
        await on.until_quiet()
        vandal = Vandal(on)
        contact = vandal.contact(pasted)
        note = contact.notes.pop(next(iter(contact.notes)))
        contact.notes["pasted"] = {**note, "id": "pasted"}
        await vandal.delete_contact(restored)
        twin = vandal.clone(restored)
        await on.until(lambda: any(one["id"] == twin for one in vandal.place.index.documents(on.ghl.now())))
        asked = len(on.requests("ghl"))

        report = await verified(on, repair=True)

        creates = [one for one in on.requests("ghl")[asked:] if one.created]
        assert report.exit_code == 0, report.as_dict()
        assert len(report.connections[0].mended) == 2
        assert creates == []
        assert [one["id"] for one in on.contacts()[pasted]["notes"]] == ["pasted"]
        assert (on.contacts()[restored]["id"], on.contacts()[restored]["firstName"]) == (twin, "Ada")


async def test_live_changes_go_before_verify_and_both_keep_the_limit(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Edits made in the middle of a run overtake the questions that wait already; no 429, ever."""
    window = {"window_limit": 20, "window_seconds": 2.0}
    async with stage(embedded_kafka, tmp_path, ghl=window, ghl_limit=20, ghl_window=2.0) as on:
        leads = [on.new_lead() for _ in range(34)]
        await on.until_quiet()
        running = asyncio.create_task(verified(on))
        seen = len(on.requests("ghl"))
        await on.until(lambda: len(on.requests("ghl")) > seen + 15)
        edited = len(on.requests("ghl"))
        for lead in leads[-10:]:  # their own turn is still far away
            on.edit("update", "lead", id=lead, fields={"lastName": "Lovelace"})
        report = await running
        await on.until_quiet()

        methods = [one.method for one in on.requests("ghl")[edited:]]
        last_write = len(methods) - methods[::-1].index("PUT")
        assert report.exit_code == 0, report.as_dict()
        assert methods.count("PUT") == 10
        assert methods[:last_write].count("GET") < OPEN_QUESTIONS / 2
        assert on.ghl.ledger.stats()["throttled"] == 0


async def test_a_lead_can_be_verified_alone(broker: Broker, tmp_path: Path) -> None:
    """With what it costs, and nothing of the others."""
    async with stage(broker, tmp_path) as on:
        lead, other = on.new_lead(), on.new_lead()
        await on.until_quiet()
        vandal = Vandal(on)
        vandal.rename(lead)
        vandal.rename(other)

        report = await verified(on, lead=lead)

        assert found_in(report) == {(f"acme:{lead}:contact:{lead}", "different")}
        assert report.connections[0].requests == 7  # one search, and two looks


async def test_without_a_worker_verify_says_who_does_not_answer(embedded_kafka: Broker, tmp_path: Path) -> None:
    """It ends by itself, with the connection's name."""
    async with stage(embedded_kafka, tmp_path) as on:
        await on.worker.__aexit__()
        report = await verify(on.settings, timeouts=Timeouts(retry=0.5, silence=2.0))

        assert report.exit_code == 3
        assert "acme: no worker answered" in report.connections[0].unfinished[0]
