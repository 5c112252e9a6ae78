"""What may hang on a contact that its lead has left to another one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from streams.core.rows import Intent, LinkRow
from streams.core.scheduling.dispatcher import Verdict
from streams.messages import Entity
from tests.unit.streams.worker.dispatch.stage import PARTITION, RECEIPTS, TakenSlot, answer, item_of
from tests.unit.streams.worker.dispatch.writer_stage import WriterStage

BEN = Entity.contact("acme", "2")
NOTE = BEN._replace(kind="note", id="5")
CONTACT_GONE = answer(400, {"message": "Contact not found for id: c-old"})
CREATED = answer(201, {"note": {"id": "n-6"}})


class Left(WriterStage):
    """Ben has left `c-old` and has `c-new`; the create of his note was sent on the first, and nobody knows whether it was made."""

    def __init__(self) -> None:
        super().__init__()
        self.links.put(PARTITION, BEN.key, LinkRow(ghl_id="c-new", parted_from="c-old", settled="f/mapping"))
        intent = Intent(at_ms=1, step="create note", fields={"body": "h"}, refers_to="c-old")
        self.links.put(PARTITION, NOTE.key, LinkRow(intent=intent))
        self.wants(NOTE, {"noteId": 5, "content": "said"})

    async def work(self) -> None:
        """To its end."""
        for _ in range(9):
            if (await self.writer(item_of(NOTE), TakenSlot())).verdict is Verdict.DONE:
                return
        raise AssertionError(self.story)


@pytest.mark.parametrize("found", ["made", "not made", "the contact is gone"])
async def test_a_create_in_doubt_is_looked_for_on_the_contact_that_was_left(found: str) -> None:
    """What it made goes from there. That this contact is gone says nothing of the one that the lead has."""
    listed = {
        "made": answer(200, {"notes": [{"id": "n-5", "body": "said [lofty-note:5]"}]}),
        "not made": answer(200, {"notes": []}),
        "the contact is gone": CONTACT_GONE,
    }[found]
    on = Left()
    on.ghl.script = [listed, *([answer(200, {})] if found == "made" else []), CREATED]
    await on.work()
    deleted = ["DELETE /contacts/c-old/notes/n-5"] if found == "made" else []
    assert on.ghl.lines == ["GET /contacts/c-old/notes", *deleted, "POST /contacts/c-new/notes"]
    contact, note = on.links.get(PARTITION, BEN.key), on.links.get(PARTITION, NOTE.key)
    assert contact is not None
    assert note is not None
    assert (contact.ghl_id, note.ghl_id, note.refers_to, note.intent) == ("c-new", "n-6", "c-new", None)


ANN = Entity.contact("acme", "1")
HERS, HIS = ANN._replace(kind="note", id="7"), BEN._replace(kind="note", id="7")
SAID = {"noteId": 7, "content": "said"}
NOTES = "/contacts/c-1/notes"


class Moves(WriterStage):
    """Ann's note 7 has moved to Ben, who has the same contact: it is to be deleted as hers, and looked for as his."""

    def __init__(self, *, is_gone: bool = False) -> None:
        super().__init__()
        self.links.put(PARTITION, ANN.key, LinkRow(ghl_id="c-1", settled="f/m", is_gone=is_gone))
        self.links.put(PARTITION, BEN.key, LinkRow(ghl_id="c-1", shares=ANN.key, existed_ms=1, settled="f/m"))
        self.links.put(PARTITION, HERS.key, LinkRow(ghl_id="n-7", refers_to="c-1", settled="x"))
        self.wants(HIS, SAID)
        self.wants(HERS, None)
        row = self.outbox.get(PARTITION, HERS.key)
        assert row is not None
        snapshot = row.snapshot.model_copy(update={"moved_to": BEN.lead})
        self.outbox.put(PARTITION, HERS.key, row.model_copy(update={"snapshot": snapshot}))

    async def work(self, entity: Entity) -> Verdict:
        """Until it is done, or waits."""
        for _ in range(9):
            result = await self.writer(item_of(entity), TakenSlot())
            if result.verdict is not Verdict.AGAIN:
                return result.verdict
        raise AssertionError(self.story)

    def ghl_ids(self) -> list[str | None]:
        """What the two links lead to, without what was deleted."""
        links = [self.links.get(PARTITION, one.key) or LinkRow() for one in (HERS, HIS)]
        return [None if one.is_deleted else one.ghl_id for one in links]


LISTED = answer(200, {"notes": [{"id": "n-7", "body": "said [lofty-note:7]"}]})
MADE, DONE = answer(201, {"note": {"id": "n-8"}}), answer(200, {})


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_what_was_found_before_its_deletion_was_planned_is_not_deleted(is_restarted: bool) -> None:
    """The listing was fresh, and the deletion waited. It is his from then on, also for the next process."""
    on = Moves()
    on.ghl.script = [LISTED, DONE]
    found = await on.work(HIS)
    if is_restarted:
        on.listings._taken = type(on.listings._taken)()
    assert (found, await on.work(HERS)) == (Verdict.DONE, Verdict.DONE)
    assert on.ghl.lines == [f"GET {NOTES}", f"PUT {NOTES}/n-7"]
    assert (on.ghl_ids(), on.outbox.get(PARTITION, HERS.key)) == ([None, "n-7"], None)


async def test_what_is_being_taken_up_is_not_deleted_before_its_link_says_so() -> None:
    """The receipt is still on its way."""
    on = Moves()
    on.ghl.script = [LISTED, DONE]
    reader, hold = on.log.read_by[RECEIPTS], asyncio.Event()

    async def late(messages: list[Any]) -> None:
        await hold.wait()
        await reader(messages)

    on.log.read_by[RECEIPTS] = late
    his, hers = asyncio.ensure_future(on.work(HIS)), None
    while not on.log.records[RECEIPTS]:
        await asyncio.sleep(0)
    hers = asyncio.ensure_future(on.work(HERS))
    for _ in range(9):
        await asyncio.sleep(0)
    hold.set()
    assert [await his, await hers] == [Verdict.DONE] * 2
    assert (on.ghl.lines, on.ghl_ids()) == ([f"GET {NOTES}", f"PUT {NOTES}/n-7"], [None, "n-7"])


async def test_what_is_being_deleted_is_not_found_though_it_is_listed() -> None:
    """GHL did not answer the deletion at once, and lists what it is to delete. It is made for him, and hers goes."""
    on = Moves()
    on.ghl.script = [answer(503), LISTED, MADE, DONE]
    assert await on.work(HERS) is Verdict.RETRY
    assert (await on.work(HIS), await on.work(HERS)) == (Verdict.DONE, Verdict.DONE)
    assert on.ghl.lines == [f"DELETE {NOTES}/n-7", f"GET {NOTES}", f"POST {NOTES}", f"DELETE {NOTES}/n-7"]
    assert on.ghl_ids() == [None, "n-8"]
