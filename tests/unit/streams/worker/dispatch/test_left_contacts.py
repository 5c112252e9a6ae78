"""What may hang on a contact that its lead has left to another one."""

from __future__ import annotations

import pytest

from streams.core.rows import Intent, LinkRow
from streams.core.scheduling.dispatcher import Verdict
from streams.messages import Entity
from tests.unit.streams.worker.dispatch.stage import PARTITION, TakenSlot, answer, item_of
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
