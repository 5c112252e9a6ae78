"""A backfill takes leads from lists while people edit, delete and merge them: what was listed too early must not stay."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from connectors.sandbox.lofty import agent_activity as desk_work
from streams.messages import BackfillOrder
from streams.messages.topics import SWEEPS
from tests.integration.command import command, config_of
from tests.integration.stage import TEAM, Stage, stage
from tests.integration.test_sweep import NEVER, silent_lead
from tests.integration.test_verify import verified
from tests.kafka.broker import Broker

LEADS = 60
EDITS = 120


@dataclass
class Office:
    """Agents at work. `leads`: those that live; `notes`: lead by note; `tasks`: lead by task that is open."""

    on: Stage
    random: Random
    leads: list[str]
    notes: dict[int, str] = field(default_factory=dict)
    tasks: dict[int, str] = field(default_factory=dict)

    def add(self, lead: str) -> None:
        """A note and a task without a webhook."""
        note = self.on.edit_silently("create", "note", leadId=lead, fields={"content": f"Note of {lead}"})
        task = self.on.edit_silently("create", "task", leadId=lead, fields={"content": f"Call {lead}"})
        self.notes[note.id], self.tasks[task.id] = lead, lead

    def edit(self, number: int) -> None:
        """One edit, reported by a webhook."""
        kind = self.random.choices(
            ["rename", "add note", "edit note", "cut note", "finish task", "delete", "merge"], [8, 4, 5, 2, 3, 1, 1]
        )[0]
        lead = self.random.choice(self.leads)
        match kind:
            case "rename":
                self.on.edit("update", "lead", id=lead, fields={"lastName": f"Name{number}"})
            case "add note":
                self.notes[self.on.edit("create", "note", leadId=lead, fields={"content": f"New {number}"}).id] = lead
            case "edit note":
                self.on.edit(
                    "update", "note", id=self.random.choice([*self.notes]), fields={"content": f"Met {number}"}
                )
            case "cut note":
                note = self.random.choice([*self.notes])
                del self.notes[note]
                self.on.edit("delete", "note", id=note)
            case "finish task":
                self.on.edit("update", "task", id=self.random.choice([*self.tasks]), fields={"finishFlag": True})
            case "delete":
                self._leave(lead)
                self.on.edit("delete", "lead", id=int(lead))
            case "merge":
                self._leave(lead)
                stays = self.random.choice(self.leads)
                self.on.edit("merge", "lead", id=int(lead), into=int(stays))

    def _leave(self, lead: str) -> None:
        self.leads.remove(lead)
        for things in (self.notes, self.tasks):
            for one in [one for one, owner in things.items() if owner == lead]:
                del things[one]


@pytest.mark.parametrize("seed", [1, 2])
async def test_verify_finds_nothing_after_a_backfill_that_people_worked_through(
    broker: Broker, tmp_path: Path, seed: int
) -> None:
    """Every lead that lives has one contact as Lofty has it now, with its notes; nothing is missing, stale or double."""
    async with stage(broker, tmp_path, more=NEVER, given={"visibility_ms": 300}) as on:
        office = Office(on, Random(seed), [silent_lead(on, f"Lead{number}") for number in range(LEADS)])
        for lead in [*office.leads]:
            office.add(lead)
        await on.produce(SWEEPS, b"acme", BackfillOrder(connection="acme", id="first", at_ms=0).to_bytes(), by="lofty")
        await on.until(lambda: len(on.contacts()) > 3)
        worked_through = len(on.contacts())
        for number in range(EDITS):
            office.edit(number)
            if number % 4 == 0:
                await asyncio.sleep(0.01)
        assert worked_through < LEADS, "people began after all was there already"
        await on.until(lambda: set(office.leads) <= on.contacts().keys())
        await on.until_quiet()

        report = await verified(on)
        assert report.exit_code == 0, report.as_dict()
        assert "nothing is parked" in (await command("parked list", config_of(on, tmp_path)))[1]
        records = desk_work.team_of(on.lofty, TEAM).records
        contacts = on.contacts()
        for lead in office.leads:
            assert contacts[lead].get("lastName", "") == records["lead"][int(lead)].fields["lastName"]
            mine = [
                str(records["note"][note].fields["content"]) for note, owner in office.notes.items() if owner == lead
            ]
            there = str(contacts[lead]["notes"])
            assert [one for one in mine if one not in there] == [], (lead, mine, there)
