"""One bad thing among many: all others arrive, and the bad one is written with replaced characters and a flag, or parked."""

from __future__ import annotations

import base64
import uuid
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.http.json_reader import REPLACED_CHARACTERS
from connectors.sandbox.ghl.mailer import signing_key
from connectors.sandbox.shared.faults import parse_fault
from streams.core.progress.repeats import FAILS_EVERY_TIME, RepeatedFailures
from streams.messages import BackfillOrder, Change, Receipt, Snapshot
from streams.messages.topics import CHANGES, FETCHES, RECEIPTS, SNAPSHOTS, SWEEPS
from streams.worker.dispatch import ghl_writer as writer
from streams.worker.dispatch import read_records as reader
from tests.integration.stage import LOCATION, Stage, stage
from tests.kafka.broker import Broker

NEVER = "[connections.acme.sweep]\nnew_minutes = 0\nfull_hours = 0"
QUICK = {"repeats": lambda: RepeatedFailures(pace=300.0), "visibility_ms": 0}
"""A failure is final within seconds: the times of the policy are tested in `core`."""

OTHERS = 19
DEADLINE_SECONDS = 120.0


def mangle(on: Stage, how: str, operation: str, text: str, vendor: str = "lofty") -> None:
    """From now on a vendor's answers with this text in it come so."""
    box = on.lofty if vendor == "lofty" else on.ghl
    box.faults.add(parse_fault({"kind": "mangle", "how": how, "operation": operation, "text": text}))


def silent_leads(on: Stage, bad_at: int) -> tuple[str, list[str]]:
    """Twenty leads without a webhook; the bad one has the last name Badger."""
    ids = []
    for number in range(OTHERS + 1):
        name = "Badger" if number == bad_at else f"Good{number}"
        fields = {"firstName": "Ada", "lastName": name, "emails": [f"{uuid.uuid4().hex[:8]}@example.com"]}
        ids.append(str(on.edit_silently("create", "lead", fields=fields).id))
    return ids.pop(bad_at), ids


async def backfill(on: Stage) -> None:
    order = BackfillOrder(connection="acme", id=uuid.uuid4().hex, at_ms=0)
    await on.produce(SWEEPS, b"acme", order.to_bytes(), by="lofty")


@pytest.mark.parametrize(("how", "flag"), [("surrogate", REPLACED_CHARACTERS), ("control", None)])
async def test_an_odd_lead_among_twenty_is_written_and_flagged(
    embedded_kafka: Broker, tmp_path: Path, how: str, flag: str | None
) -> None:
    """In a page of the list, and when it is read: half an emoji, a vertical tab. More of them: the tests of the reader."""
    async with stage(embedded_kafka, tmp_path, more=NEVER, given=QUICK) as on:
        mangle(on, how, "*", "Badger")
        bad, good = silent_leads(on, 7)
        on.edit_silently("create", "note", leadId=bad, fields={"content": "Badger"})
        await backfill(on)
        await on.until(lambda: {bad, *good} <= on.contacts().keys() and on.contacts()[bad]["notes"], DEADLINE_SECONDS)
        await on.until_quiet(DEADLINE_SECONDS)
        assert await on.parked() == []
        written = [one for one in await on.receipts() if one.outcome == "applied"]
        assert {flag in one.flags for one in written if one.lead == bad} == {flag is not None}
        assert all(not one.flags for one in written if one.lead in good)
        assert on.contacts()[bad]["lastName"] == ("Badger\ufffd" if how == "surrogate" else "Badger")
        assert ("Badger\ufffd" in str(on.contacts()[bad]["notes"])) == (how == "surrogate")


async def test_an_unreadable_lead_among_twenty_is_parked(embedded_kafka: Broker, tmp_path: Path) -> None:
    """In a page of the list: its good leads arrive, and the run ends. The same with a webhook for the bad lead. Once fixed, it arrives."""
    async with stage(embedded_kafka, tmp_path, more=NEVER, given=QUICK) as on:
        mangle(on, "deep", "*", "Badger")
        bad, good = silent_leads(on, 7)
        await backfill(on)
        await on.until(lambda: set(good) <= on.contacts().keys(), DEADLINE_SECONDS)
        assert [(one.stage, one.source, one.reason) for one in await on.parked()] == [
            ("sweep", "list-leads@7", "malformed answer")
        ]
        on.edit("update", "lead", id=bad, fields={"firstName": "Bo"})

        async def is_parked() -> bool:
            on.new_lead()
            return any(one.stage == "fetch" and one.entity == f"acme:{bad}:contact:{bad}" for one in await on.parked())

        await on.until(is_parked, DEADLINE_SECONDS)
        assert bad not in on.contacts()
        on.lofty.faults.clear()
        on.edit("update", "lead", id=bad, fields={"firstName": "Cy"})
        await on.until(lambda: bad in on.contacts(), DEADLINE_SECONDS)


IDS = ("a:b", "", " ", "a b", "a\nb", "\u202eabc", "x" * 200, "a:contact:b")
DEEP = (b"[" * 200_000 + b"]" * 200_000, b'{"a":' * 3000 + b"1" + b"}" * 3000, b"[" * 200_000)


async def test_what_makes_no_key_or_is_nested_deep_is_parked_at_the_door(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """On each topic that brings ids; the other records of the batch go on."""
    async with stage(embedded_kafka, tmp_path, more=NEVER, given=QUICK) as on:
        times = {"version_ms": 1, "read_ms": 1, "update_time_ms": 1, "accepted_ms": 1}
        for lead in IDS:
            facts: dict[str, Any] = {"connection": "acme", "lead": lead, "kind": "contact", "id": "7"}
            change = Change(**facts, operation="updated", update_time_ms=1, accepted_ms=1)
            snapshot = Snapshot(**facts, state={"leadId": 7}, fingerprint="f", **times)
            receipt = Receipt(**facts, outcome="applied", step="create contact", at_ms=1, version_ms=1)
            await on.produce(CHANGES, b"k", change.to_bytes())
            await on.produce(FETCHES, b"k", change.to_bytes(), by="lofty")
            await on.produce(SNAPSHOTS, b"k", snapshot.to_bytes(), by="ghl")
            await on.produce(RECEIPTS, b"k", receipt.to_bytes(), by="ghl")
        for body in DEEP:
            await on.produce(CHANGES, b"k", body)
            await on.produce(SNAPSHOTS, b"k", body, by="ghl")
        good = on.new_lead()
        await on.until(lambda: good in on.contacts(), DEADLINE_SECONDS)
        expected = 4 * len(IDS) + 2 * len(DEEP)

        async def all_are_parked() -> bool:
            return len(await on.parked()) == expected

        await on.until(all_are_parked, DEADLINE_SECONDS)
        assert {one.reason for one in await on.parked()} == {"unreadable"}


@pytest.mark.parametrize("where", ["reading", "writing"])
async def test_a_defect_that_one_thing_brings_out_parks_that_thing(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """A mapping that recurses while it is read, for example. The others arrive; it arrives by a retry, after it is fixed."""

    def failing(real: Any, is_bad: Any) -> Any:
        def called(*args: Any, **named: Any) -> Any:
            if is_bad(*args):
                raise RecursionError("planted")
            return real(*args, **named)

        return called

    async with stage(embedded_kafka, tmp_path, more=NEVER, given=QUICK) as on:
        monkeypatch.setattr("streams.worker.dispatch.loop.DEFECT_SECONDS", 0.2)
        if where == "writing":
            bad_name = failing(writer.prepare, lambda row, *_: (row.snapshot.state or {}).get("lastName") == "Badger")
            monkeypatch.setattr(writer, "prepare", bad_name)
        else:
            bad_name = failing(reader.snapshot_of, lambda row, state, **_: (state or {}).get("lastName") == "Badger")
            monkeypatch.setattr(reader, "snapshot_of", bad_name)
        bad = on.new_lead(lastName="Badger")
        good = [on.new_lead() for _ in range(5)]
        await on.until(lambda: set(good) <= on.contacts().keys(), DEADLINE_SECONDS)

        async def is_parked() -> bool:
            return [one.reason for one in await on.parked()] == [FAILS_EVERY_TIME]

        await on.until(is_parked, DEADLINE_SECONDS)
        (parked,) = await on.parked()
        assert parked.entity == f"acme:{bad}:contact:{bad}"
        assert "RecursionError: planted" in parked.message
        monkeypatch.undo()
        on.edit("update", "lead", id=bad, fields={"firstName": "Bo"})
        await on.until(lambda: bad in on.contacts(), DEADLINE_SECONDS)


ACCEPTED = (
    b'{"type":"NoteCreate","locationId":"LOC","id":"n","contactId":"c","body":"\\ud83c"}',
    b'{"type":"NoteCreate","locationId":"LOC","id":"n","contactId":"c","body":"a\x0bb"}',
    b'\xef\xbb\xbf{"type":"NoteCreate","locationId":"LOC","id":"n","contactId":"c","body":"\xff"}',
)
UNREADABLE = (b"{", b"", b"\x00", b"[" * 200_000, b'{"type":"NoteCreate"} x', b"<html>", b"[]")


async def test_a_signed_event_is_never_lost_whatever_is_in_it(embedded_kafka: Broker, tmp_path: Path) -> None:
    """GHL does not send it again after a 400: odd characters are taken, what cannot be read is kept with its bytes."""
    async with stage(embedded_kafka, tmp_path, more=NEVER) as on:
        for body in ACCEPTED:
            assert await hook(on, body.replace(b"LOC", LOCATION.encode())) == (200, "accepted")
        assert await on.parked() == []
        for body in UNREADABLE:
            assert await hook(on, body) == (200, "parked")
        parked = await on.parked()
        assert sorted(one.original_bytes() for one in parked) == sorted(UNREADABLE)
        assert {(one.stage, one.reason) for one in parked} == {("ghl intake", "not json")}


async def hook(on: Stage, body: bytes) -> tuple[int, str]:
    signature = base64.b64encode(signing_key(on.ghl.settings).sign(body)).decode()
    headers = {"X-GHL-Signature": signature, "Content-Type": "application/json"}
    async with on.http.post(f"{on.gateway.url}/ghl/webhooks", data=body, headers=headers) as answer:
        return answer.status, orjson.loads(await answer.read())["result"]


PAGE = "<!doctype html><html><title>Attention Required!</title></html>"
WRITES = ("create-contact", "update-contact", "add-tags", "create-note", "update-note", "delete-note", "create-task")


@pytest.mark.parametrize("applies", [False, True], ids=["before the vendor", "behind the vendor"])
async def test_a_firewalls_page_with_a_200_is_no_success(embedded_kafka: Broker, tmp_path: Path, applies: bool) -> None:
    """Whether the vendor did what was asked, the page does not say: all of it is there in the end, and once."""
    async with stage(embedded_kafka, tmp_path, more=NEVER, given={"visibility_ms": 0}) as on:
        page = {"kind": "status", "status": 200, "text": PAGE, "times": 1, "applies": applies}
        for operation in WRITES:
            on.ghl.faults.add(parse_fault({**page, "operation": operation}))
        for operation in ("get-lead", "list-notes"):
            on.lofty.faults.add(parse_fault({**page, "operation": operation}))
        lead = on.new_lead(tags=["Buyer"])
        notes = [on.edit("create", "note", leadId=lead, fields={"content": f"Note {number}"}).id for number in (1, 2)]
        on.edit("create", "task", leadId=lead, fields={"content": "Call her", "type": "Call"})
        await on.until(lambda: lead in on.contacts() and len(on.contacts()[lead]["notes"]) == 2, DEADLINE_SECONDS)
        await on.until_quiet(DEADLINE_SECONDS)
        on.edit("update", "lead", id=lead, fields={"lastName": "Later"})
        on.edit("update", "note", id=notes[0], fields={"content": "Better"})
        on.edit("delete", "note", id=notes[1])
        await on.until_quiet(DEADLINE_SECONDS)

        (contact,) = on.contacts().values()
        assert (contact["lastName"], contact["tags"], len(contact["tasks"])) == ("Later", ["buyer"], 1)
        assert [("Better" in one["body"]) for one in contact["notes"]] == [True]
        assert on.ghl.faults.faults == []
        assert await on.parked() == []
