"""What the pipeline really writes is what the contract says: every record of a busy day, on every topic, by its schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator

from connectors.sandbox.shared.faults import parse_fault
from streams.contract.contracts import CONTRACTS
from streams.contract.form import TopicContract
from streams.contract.schemas import record_schema
from streams.kafka.topic_reader import read_topic
from streams.messages import topics
from tests.integration.command import command, config_of
from tests.integration.stage import SECRET, Stage, stage
from tests.integration.test_way_back import BACK, contact_of, do, of_lead
from tests.kafka.broker import Broker

SILENT = frozenset(
    {
        *(topics.TOKENS, topics.MAPPINGS, topics.CONNECTIONS, topics.PEOPLE, topics.AUDIT, topics.NOTIFICATIONS),
        topics.REPLAYS,
        *("growth", topics.TopicNames().changelog(topics.TOKENS_TABLE)),
    }
)
"""What only people's edits, OAuth, or a replay under another mapping write: `tests/contract/topics` checks their records."""


@pytest.mark.in_make_test
async def test_every_record_of_a_busy_day_is_valid_by_the_schema_of_its_topic(broker: Broker, tmp_path: Path) -> None:
    """Leads, notes, tasks both ways, what is parked and retried, a backfill, a replay, a comparison, and statuses."""
    async with stage(broker, tmp_path, more=BACK) as on:
        config = config_of(on, tmp_path)
        await work_both_ways(on)
        await park_and_retry(on, config)
        assert (await command("backfill", config, "acme"))[0] == 0
        assert (await command("replay", config, "lofty.snapshots", "--yes", "--anew"))[0] == 0
        assert (await command("verify", config))[0] in (0, 1)
        await on.until_quiet()

        found = {one.topic: await faults_on(on, one) for one in CONTRACTS if one.topic != "growth"}
        assert {topic: faults for topic, (_, faults) in found.items() if faults} == {}
        silent = {topic for topic, (number, _) in found.items() if not number}
        assert sorted(silent - SILENT) == []


async def work_both_ways(on: Stage) -> None:
    """A lead with a note and a task goes to GHL; a note, a task and a tag of GHL go back; the note in Lofty is deleted."""
    lead = on.new_lead(phones=["5125550100"], tags=["buyer"])
    await on.until(lambda: lead in on.contacts())
    note = on.edit("create", "note", leadId=lead, fields={"content": "Likes gardens."})
    task = {"content": "Call back", "type": "Call", "endAt": "2027-01-05T09:00:00+00:00"}
    on.edit("create", "task", leadId=lead, fields=task)
    await on.until_quiet()
    contact = contact_of(on, lead)
    do(on, "create-note", {"body": "likes big gardens"}, contactId=contact)
    do(
        on,
        "create-task",
        {"title": "Send papers", "dueDate": "2027-01-05T09:00:00Z", "completed": False},
        contactId=contact,
    )
    do(on, "add-tags", {"tags": ["hot"]}, contactId=contact)
    await on.until(lambda: len(of_lead(on, "note", lead)) == 2 and len(of_lead(on, "task", lead)) == 3)
    on.edit("delete", "note", id=note.id)
    await on.until_quiet()


async def park_and_retry(on: Stage, config: Path) -> None:
    """GHL refuses a contact, which a person has tried again; a delivery of an unknown shape stays."""
    on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422, "times": 1}))
    on.new_lead()
    async with on.http.post(f"{on.gateway.url}/lofty/{SECRET}", data=b'{"listId": 99, "teamId": 123456}') as answer:
        assert answer.status == 200
    await on.until_quiet()
    assert (await command("parked retry", config, "--stage", "deliver", "--yes"))[0] == 0
    await on.until_quiet()


async def faults_on(on: Stage, contract: TopicContract) -> tuple[int, list[str]]:
    """How many records a topic has, and what its schema says against them."""
    validator = OAS31Validator(record_schema(contract))
    records = await read_topic(on.settings, on.names.of(contract.topic))
    faults = []
    for one in records:
        value: Any = None if one.value is None else json.loads(one.value)
        record = {"key": one.key.decode(), "value": value}
        faults += [f"{record['key']}: {reason(error)}" for error in validator.iter_errors(record)]
    return len(records), faults[:3]


def reason(error: Any) -> str:
    """The deepest of what a validator found."""
    inner = sorted(error.context, key=lambda one: len(one.absolute_path))
    return reason(inner[-1]) if inner else f"{error.json_path}: {error.message}"[:300]
