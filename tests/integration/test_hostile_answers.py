"""One bad thing among many: all others arrive, and the bad one is written with replaced characters and a flag, or parked."""

from __future__ import annotations

import base64
import uuid
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.ghl.sandbox.mailer import signing_key
from connectors.json_reader import REPLACED_CHARACTERS, REPLACED_NUMBERS
from connectors.sandbox.faults import parse_fault
from streams.core.repeats import FAILS_EVERY_TIME, Repeats
from streams.dispatch import reader, writer
from streams.topics import CHANGES, FETCHES, PARKED, SNAPSHOTS, SWEEPS
from streams.words import Change, Snapshot, SweepOrder
from tests.integration.stage import LOCATION, Stage, stage
from tests.kafka.broker import Broker

NEVER = "[connections.acme.sweep]\nnew_minutes = 0\nfull_hours = 0"
QUICK = {"repeats": lambda: Repeats(pace=300.0), "visibility_ms": 0}
"""A failure is final within seconds: the times of the policy are tested in `core`."""

OTHERS = 19


def mangle(on: Stage, how: str, operation: str, text: str, vendor: str = "lofty") -> None:
    """From now on a vendor's answers with this text in it come so."""
    box = on.lofty if vendor == "lofty" else on.ghl
    box.faults.add(parse_fault({"kind": "mangle", "how": how, "operation": operation, "text": text}))


def silent_leads(on: Stage, bad_at: int) -> tuple[str, list[str]]:
    """Twenty leads that nobody tells of; the bad one has the last name Badger."""
    ids = []
    for number in range(OTHERS + 1):
        name = "Badger" if number == bad_at else f"Good{number}"
        fields = {"firstName": "Ada", "lastName": name, "emails": [f"{uuid.uuid4().hex[:8]}@example.com"]}
        ids.append(str(on.edit_silently("create", "lead", fields=fields).id))
    return ids.pop(bad_at), ids


async def backfill(on: Stage) -> None:
    order = SweepOrder(connection="acme", id=uuid.uuid4().hex, at_ms=0)
    await on.produce(SWEEPS, b"acme", order.to_bytes(), by="lofty")


@pytest.mark.parametrize(
    ("how", "flag"),
    [
        ("surrogate", REPLACED_CHARACTERS),
        ("bytes", REPLACED_CHARACTERS),
        ("number", REPLACED_NUMBERS),
        ("control", None),
        ("mark", None),
    ],
)
async def test_an_odd_lead_among_twenty_is_written_and_flagged(
    broker: Broker, tmp_path: Path, how: str, flag: str | None
) -> None:
    """In a page of the list, and when it is read: half an emoji, a byte that is no character, NaN, a vertical tab, a mark."""
    async with stage(broker, tmp_path, more=NEVER, given=QUICK) as on:
        mangle(on, how, "*", "Badger")
        bad, good = silent_leads(on, 7)
        await backfill(on)
        await on.until(lambda: {bad, *good} <= on.contacts().keys(), 60)
        await on.until_quiet()
        assert await on.parked() == []
        flags = [one.flags for one in await on.receipts() if one.lead == bad and one.outcome == "applied"]
        assert [flag in one for one in flags] == [flag is not None] * len(flags)
        assert all(not one.flags for one in await on.receipts() if one.lead in good)
        last_name = on.contacts()[bad].get("lastName")
        assert last_name == {"surrogate": "Badger\ufffd", "bytes": "Badger\ufffd", "number": None}.get(how, last_name)


@pytest.mark.parametrize("how", ["deep", "html", "huge", "bomb", "cut"])
@pytest.mark.parametrize("bad_at", [0, 7, 19])
async def test_an_unreadable_lead_among_twenty_is_parked(broker: Broker, tmp_path: Path, how: str, bad_at: int) -> None:
    """In a page of the list: its good leads arrive, and the run ends."""
    if how == "cut" and bad_at != 7:
        pytest.skip("an answer that ends too early says nothing of what is in it: one place is enough")
    async with stage(broker, tmp_path, more=NEVER + "\nchildren = false", given=QUICK) as on:
        if how != "cut":
            mangle(on, how, "list-leads", "Badger")
        mangle(on, how, "get-lead", "Badger")
        bad, good = silent_leads(on, bad_at)
        await backfill(on)
        await on.until(lambda: set(good) <= on.contacts().keys(), 60)
        if how == "cut":
            assert bad not in on.contacts()
            return
        parked = [one for one in await on.parked() if one.stage == "sweep"]
        assert [(one.source, one.reason) for one in parked] == [
            (f"list-leads@{bad_at}", "answer too large" if how in ("huge", "bomb") else "malformed answer")
        ]
        await on.until(lambda: [row.served for _, row in on.worker.state.sweeps.items(0)] != [""])


async def test_a_list_that_is_wholly_unreadable_parks_nothing(broker: Broker, tmp_path: Path) -> None:
    """A firewall's page in place of all answers: it is tried again, and when it is over all arrive."""
    async with stage(broker, tmp_path, more=NEVER, given=QUICK) as on:
        mangle(on, "html", "list-leads", "")
        bad, good = silent_leads(on, 3)
        await backfill(on)
        await on.until(lambda: sum(one.operation == "list-leads" for one in on.requests("lofty")) >= 15, 60)
        on.lofty.faults.clear()
        await on.until(lambda: {bad, *good} <= on.contacts().keys(), 60)
        assert await on.parked() == []


@pytest.mark.parametrize("how", ["deep", "html"])
async def test_a_lead_that_cannot_be_read_is_parked_beside_others_that_can(
    broker: Broker, tmp_path: Path, how: str
) -> None:
    """Told of by webhooks, one after another."""
    async with stage(broker, tmp_path, more=NEVER, given=QUICK) as on:
        mangle(on, how, "get-lead", "Badger")
        bad = on.new_lead(lastName="Badger")

        async def is_parked() -> bool:
            on.new_lead()
            return any(one.stage == "fetch" and one.entity == f"acme:{bad}:contact:{bad}" for one in await on.parked())

        await on.until(is_parked, 60)
        assert bad not in on.contacts()
        on.lofty.faults.clear()
        on.edit("update", "lead", id=bad, fields={"firstName": "Bo"})
        await on.until(lambda: bad in on.contacts())


@pytest.mark.parametrize("topic", [CHANGES, FETCHES, SNAPSHOTS])
@pytest.mark.parametrize("lead", ["a:b", "", " ", "a b", "a\nb", "\u202eabc", "x" * 200, "a:contact:b"])
async def test_an_id_that_makes_no_key_is_parked_at_the_door(
    broker: Broker, tmp_path: Path, topic: str, lead: str
) -> None:
    """On each topic that brings ids; those beside it go on."""
    if lead not in ("a:b", "a\nb") and topic != CHANGES:
        pytest.skip("one rule reads all topics: two of the ids are enough here")
    async with stage(broker, tmp_path, more=NEVER, given=QUICK) as on:
        facts: dict[str, Any] = {"connection": "acme", "lead": lead, "kind": "contact", "id": "7"}
        change = Change(**facts, operation="updated", update_time_ms=1, accepted_ms=1)
        times = {"version_ms": 1, "read_ms": 1, "update_time_ms": 1, "accepted_ms": 1}
        snapshot = Snapshot(**facts, state={"leadId": 7}, fingerprint="f", **times)
        word = snapshot if topic == SNAPSHOTS else change
        by = {CHANGES: "", FETCHES: "lofty", SNAPSHOTS: "ghl"}[topic]
        await on.produce(topic, b"k", word.to_bytes(), by=by)
        good = on.new_lead()
        await on.until(lambda: good in on.contacts())

        async def reasons() -> list[str]:
            return [one.reason for one in await on.parked()]

        async def is_parked() -> bool:
            return await reasons() == ["unreadable"]

        await on.until(is_parked)


@pytest.mark.parametrize("body", [b"[" * 200_000 + b"]" * 200_000, b'{"a":' * 3000 + b"1" + b"}" * 3000])
@pytest.mark.parametrize("topic", [CHANGES, SNAPSHOTS])
async def test_a_record_that_is_nested_deep_is_parked(broker: Broker, tmp_path: Path, topic: str, body: bytes) -> None:
    """And those beside it go on."""
    async with stage(broker, tmp_path, more=NEVER, given=QUICK) as on:
        await on.produce(topic, b"k", body, by="ghl" if topic == SNAPSHOTS else "")
        good = on.new_lead()
        await on.until(lambda: good in on.contacts())
        assert [one.reason for one in await on.parked()] == ["unreadable"]


@pytest.mark.parametrize("where", ["reading", "writing"])
@pytest.mark.parametrize("kind", [RecursionError, KeyError, MemoryError])
async def test_a_defect_that_one_thing_brings_out_parks_that_thing(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, kind: type[Exception]
) -> None:
    """A mapping that recurses while it is read, for example. The others arrive; a retry after it is mended brings it."""

    def failing(real: Any, is_bad: Any) -> Any:
        def called(*args: Any, **named: Any) -> Any:
            if is_bad(*args):
                raise kind("planted")
            return real(*args, **named)

        return called

    async with stage(broker, tmp_path, more=NEVER, given=QUICK) as on:
        monkeypatch.setattr("streams.dispatch.loop.DEFECT_SECONDS", 0.2)
        if where == "writing":
            bad_name = failing(writer.prepare, lambda row, *_: (row.snapshot.state or {}).get("lastName") == "Badger")
            monkeypatch.setattr(writer, "prepare", bad_name)
        else:
            bad_name = failing(reader.snapshot_of, lambda row, state, **_: (state or {}).get("lastName") == "Badger")
            monkeypatch.setattr(reader, "snapshot_of", bad_name)
        bad = on.new_lead(lastName="Badger")
        good = [on.new_lead() for _ in range(5)]
        await on.until(lambda: set(good) <= on.contacts().keys())

        async def is_parked() -> bool:
            return [one.reason for one in await on.parked()] == [FAILS_EVERY_TIME]

        await on.until(is_parked, 60)
        (parked,) = await on.parked()
        assert parked.entity == f"acme:{bad}:contact:{bad}"
        assert f"{kind.__name__}: " in parked.message
        monkeypatch.undo()
        on.edit("update", "lead", id=bad, fields={"firstName": "Bo"})
        await on.until(lambda: bad in on.contacts())


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"NoteCreate","locationId":"LOC","id":"n","contactId":"c","body":"\\ud83c"}',
        b'{"type":"NoteCreate","locationId":"LOC","id":"n","contactId":"c","body":"a\x0bb"}',
        b'\xef\xbb\xbf{"type":"NoteCreate","locationId":"LOC","id":"n","contactId":"c","body":"\xff"}',
    ],
)
async def test_a_signed_event_with_odd_characters_is_accepted(broker: Broker, tmp_path: Path, body: bytes) -> None:
    """GHL does not send it again after a 400."""
    async with stage(broker, tmp_path, more=NEVER) as on:
        assert await hook(on, body.replace(b"LOC", LOCATION.encode())) == (200, "accepted")
        assert await on.records(PARKED) == []


@pytest.mark.parametrize("body", [b"{", b"", b"\x00", b"[" * 200_000, b'{"type":"NoteCreate"} x', b"<html>", b"[]"])
async def test_a_signed_event_that_is_unreadable_is_parked_and_answered_200(
    broker: Broker, tmp_path: Path, body: bytes
) -> None:
    """With its bytes as they were signed."""
    async with stage(broker, tmp_path, more=NEVER) as on:
        assert await hook(on, body) == (200, "parked")
        (parked,) = await on.parked()
        assert (parked.stage, parked.reason, parked.original_bytes()) == ("ghl intake", "not json", body)


async def hook(on: Stage, body: bytes) -> tuple[int, str]:
    signature = base64.b64encode(signing_key(on.ghl.settings).sign(body)).decode()
    headers = {"X-GHL-Signature": signature, "Content-Type": "application/json"}
    async with on.http.post(f"{on.gateway.url}/ghl/webhooks", data=body, headers=headers) as answer:
        return answer.status, orjson.loads(await answer.read())["result"]
