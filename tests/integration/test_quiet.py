"""That a stage is quiet is a claim of its own: all that was wanted is done by then, and each thing that moves is named."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from connectors.sandbox.shared.faults import parse_fault
from streams.messages.topics import RECEIPTS
from tests.integration.stage import Stage, stage
from tests.kafka.broker import Broker

ROUNDS = (6, pytest.param(25, marks=pytest.mark.thorough))
ROUGH = {"duplicates": 0.2, "reorders": 0.3, "delay_seconds": 0.05}


def one_round(on: Stage, dice: Random, wanted: dict[str, list[str]]) -> None:
    """Some edits, and what GHL should hold of each lead after them: its last name, and its notes."""
    for number in range(dice.randint(1, 3)):
        if wanted and dice.random() < 0.5:
            lead = dice.choice(sorted(wanted))
            wanted[lead][0] = f"Name{dice.random()}"
            on.edit("update", "lead", id=int(lead), fields={"lastName": wanted[lead][0]})
        else:
            lead = on.new_lead(lastName="New")
            wanted[lead] = ["New"]
        if dice.random() < 0.5:
            on.edit("create", "note", leadId=lead, fields={"content": f"note {number}"})
            wanted[lead].append(f"note {number}")


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_what_was_wanted_is_done_when_a_stage_is_quiet(
    embedded_kafka: Broker, tmp_path: Path, rounds: int
) -> None:
    """Round after round, with pings that come late, twice and in disorder: never one edit too early."""
    dice = Random(12)
    async with stage(embedded_kafka, tmp_path, pings=ROUGH, hooks=ROUGH, ghl={"latency_seconds": 0.002}) as on:
        wanted: dict[str, list[str]] = {}
        for number in range(rounds):
            one_round(on, dice, wanted)
            await on.until_quiet()
            found = {lead: (one["lastName"], len(one["notes"])) for lead, one in on.contacts().items()}
            assert found == {lead: (name, len(notes)) for lead, (name, *notes) in wanted.items()}, number
            applied = {one.entity.key for one in await on.receipts() if one.outcome == "applied"}
            assert len(applied) == len(wanted) + sum(len(notes) for _, *notes in wanted.values()), number


async def test_what_still_moves_is_named(embedded_kafka: Broker, tmp_path: Path) -> None:
    """A ping on its way; an entity in a dispatcher; a record that nobody has read."""
    async with stage(embedded_kafka, tmp_path, pings={"delay_seconds": 30.0}) as on:
        on.new_lead()
        assert "pings and webhooks are on their way" in await on.quiet.look(on)
    async with stage(embedded_kafka, tmp_path) as on:
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 503}))
        on.new_lead()
        await on.until(lambda: on.requests("ghl", "POST"))
        await on.until(lambda: not on.worker.writing.core.is_idle)
        assert "the dispatchers ['write'] are not idle" in await on.quiet.look(on)
    async with stage(embedded_kafka, tmp_path) as on:
        await on.until_quiet()
        await on.worker.__aexit__(None, None, None)
        await on.produce(RECEIPTS, b"x", b"x", at=0)
        assert f"'{on.names.of(RECEIPTS)}/0'" in await on.quiet.look(on)
