"""Odd characters wherever a vendor's answer may have them: nothing waits for ever, and who compares comes to an end."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from connectors.http.json_reader import REPLACED_CHARACTERS, REPLACED_NUMBERS
from connectors.sandbox.shared.faults import parse_fault
from streams.core.progress.repeats import RepeatedFailures
from streams.worker.dispatch import ghl_writer as writer
from tests.integration.command import command, config_of
from tests.integration.stage import Stage, stage
from tests.integration.test_hostile_answers import NEVER, QUICK, backfill, mangle
from tests.integration.test_verify import verified
from tests.integration.test_way_back import BACK, do, of_lead, settled_lead
from tests.kafka.broker import Broker

DEADLINE_SECONDS = 120.0

FIELDS: tuple[dict[str, Any], ...] = (
    {"firstName": "Badger"},
    {"lastName": "Badger"},
    {"source": "Badger"},
    {"stage": "Badger"},
    {"background": "Badger"},
    {"streetAddress": "Badger"},
    {"city": "Badger"},
    {"state": "Badger"},
    {"zipCode": "Badger"},
    {"tags": ["Badger"]},
    {"tags": [{"tagName": "Badger"}]},
    {"leadTypes": ["Badger"]},
    {"segments": ["Badger"]},
    {"phones": ["Badger"]},
    {"emails": ["Badger@example.com"]},
    {"customAttributes": [{"attributeName": "Badger", "value": "Badger"}]},
    {"familyMembers": [{"firstName": "Badger"}]},
    {"whatever": {"a": [{"b": "Badger"}]}},
)
"""A field of a lead each, those that are mapped and those that are not; under a name of the sandbox's or one that it keeps."""


@pytest.mark.parametrize(("how", "flag"), [("surrogate", REPLACED_CHARACTERS), ("number", REPLACED_NUMBERS)])
async def test_any_field_of_a_lead_may_be_odd(embedded_kafka: Broker, tmp_path: Path, how: str, flag: str) -> None:
    """In a page of the list, and when the lead is read: each is written, and those that are mapped wrongly are flagged."""
    async with stage(embedded_kafka, tmp_path, more=NEVER, given=QUICK) as on:
        mangle(on, how, "*", "Badger")
        leads = []
        for odd in FIELDS:
            person = {"firstName": "Ada", "lastName": "Odd", "emails": [f"{uuid.uuid4().hex[:8]}@example.com"]}
            leads.append(str(on.edit_silently("create", "lead", fields={**person, **odd}).id))
        good = str(on.edit_silently("create", "lead", fields={"firstName": "Bo", "emails": ["bo@example.com"]}).id)
        await backfill(on)
        await on.until(lambda: {good, *leads} <= on.contacts().keys(), DEADLINE_SECONDS)
        await on.until_quiet(DEADLINE_SECONDS)
        assert await on.parked() == []
        written = [one for one in await on.receipts() if one.outcome == "applied"]
        assert not [one.flags for one in written if one.lead == good and flag in one.flags]
        assert {flag} <= {text for one in written if one.lead == leads[1] for text in one.flags}


@pytest.mark.parametrize("how", ["surrogate", "control", "bytes", "number", "mark"])
async def test_verify_ends_whatever_a_note_of_ghl_holds(embedded_kafka: Broker, tmp_path: Path, how: str) -> None:
    """With the Lofty sync: the note is copied to Lofty, and the comparison says what it thinks of it."""
    async with stage(embedded_kafka, tmp_path, more=BACK, given={"visibility_ms": 300, **QUICK}) as on:
        lead, contact = await settled_lead(on)
        mangle(on, how, "*", "Weasel", vendor="ghl")
        do(on, "create-note", {"body": "Weasel"}, contactId=contact)
        do(
            on,
            "create-task",
            {"title": "Weasel", "dueDate": "2030-01-02T10:00:00Z", "completed": False},
            contactId=contact,
        )
        await on.until(lambda: of_lead(on, "note", lead) or how == "number", DEADLINE_SECONDS)
        report = await verified(on)
        assert report.counts.get("ok", 0) >= 1, report.as_dict()


async def test_one_403_of_ghl_pauses_nothing(embedded_kafka: Broker, tmp_path: Path) -> None:
    """For a create, an update, a note and a search: the location goes on, and so does what was refused once."""
    async with stage(embedded_kafka, tmp_path) as on:
        first, _ = await settled_lead(on)
        for operation in ("update-contact", "create-note", "create-contact", "create-task"):
            on.ghl.faults.add(parse_fault({"kind": "status", "operation": operation, "status": 403, "times": 1}))
        on.edit("update", "lead", id=first, fields={"lastName": "Later"})
        on.edit("create", "note", leadId=first, fields={"content": "A note"})
        on.edit("create", "task", leadId=first, fields={"content": "A task"})
        others = [on.new_lead() for _ in range(4)]
        await on.until(lambda: set(others) <= on.contacts().keys())
        await on.until(lambda: on.contacts()[first]["lastName"] == "Later" and on.contacts()[first]["notes"])
        await on.until_quiet()
        assert await on.parked() == []
        assert sum(one.status == 403 for one in on.requests("ghl")) == 4
        assert not paused(on)


def paused(on: Stage) -> list[str]:
    return [one.pause_cause for one in on.worker.writing.core.view(on.worker._deps.monotonic()) if one.pause_cause]


async def test_a_connection_whose_work_mostly_fails_pauses_and_says_so(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not all of its work is parked: after some it pauses with that reason, and goes on once the cause is fixed."""

    def failing(*_: Any) -> Any:
        raise RecursionError("planted")

    monkeypatch.setattr("streams.worker.dispatch.loop.DEFECT_SECONDS", 0.2)
    monkeypatch.setattr("streams.worker.dispatch.loop.REPEATS_PAUSE_SECONDS", 0.5)
    real = writer.prepare
    given = {"repeats": lambda: RepeatedFailures(pace=300.0)}
    async with stage(embedded_kafka, tmp_path, given=given) as on:
        monkeypatch.setattr(writer, "prepare", failing)
        leads = [on.new_lead() for _ in range(12)]
        await on.until(lambda: any("would be parked" in one for one in paused(on)), DEADLINE_SECONDS)
        (cause,) = [one for one in paused(on) if "would be parked" in one]
        assert "connection acme" in cause
        assert "RecursionError" in cause
        parked = {one.entity for one in await on.parked()}
        assert 1 <= len(parked) <= 3
        monkeypatch.setattr(writer, "prepare", real)
        waiting = [lead for lead in leads if f"acme:{lead}:contact:{lead}" not in parked]
        await on.until(lambda: len(set(waiting) & on.contacts().keys()) == len(waiting), DEADLINE_SECONDS)


async def test_a_pause_for_what_would_be_parked_is_shown(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `status`, which is not well then."""

    def failing(*_: Any) -> Any:
        raise RecursionError("planted")

    monkeypatch.setattr("streams.worker.dispatch.loop.DEFECT_SECONDS", 0.2)
    async with stage(embedded_kafka, tmp_path, given={"repeats": lambda: RepeatedFailures(pace=300.0)}) as on:
        monkeypatch.setattr(writer, "prepare", failing)
        for _ in range(8):
            on.new_lead()
        await on.until(lambda: any("would be parked" in one for one in paused(on)), DEADLINE_SECONDS)
        config = config_of(on, tmp_path)

        async def status_tells() -> bool:
            code, said, complaint = await command("status", config)
            return code == 1 and "would be parked" in " ".join((said + complaint).split())

        await on.until(status_tells, DEADLINE_SECONDS)
