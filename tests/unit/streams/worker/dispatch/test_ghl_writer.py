"""The writer: what a create in doubt needs before the next plan, whatever goes wrong beside the vendor's answer."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from connectors.errors import Unanswered
from connectors.http.request import Response
from streams.core.rows import LinkRow, OutboxRow
from streams.core.scheduling.dispatcher import Verdict
from streams.core.scheduling.pauses import PAUSE_SECONDS
from streams.core.to_ghl.delivery import desire
from streams.kafka.batching_producer import Batch
from streams.messages import Entity, Snapshot
from tests.unit.streams.worker.dispatch.stage import (
    NOW_MS,
    PARTITION,
    RECEIPTS,
    Kept,
    Log,
    Scripted,
    TakenSlot,
    answer,
    item_of,
)
from tests.unit.streams.worker.dispatch.writer_stage import WriterStage

NOTE = Entity("acme", "77", "note", "5")
MADE = answer(201, {"note": {"id": "n1", "body": "x"}})


class Desk(WriterStage):
    """A contact that is in GHL, and a note of it that is not."""

    def __init__(self, *script: Scripted) -> None:
        super().__init__(*script)
        self.links.put(PARTITION, NOTE.owner.key, LinkRow(ghl_id="c1", settled="f/mapping"))
        self.wants(NOTE, {"noteId": 5, "content": "Said."})


class Forgetful(Log):
    """A Kafka that takes each receipt but those that say `applied`."""

    async def send_batch(
        self, batch: Batch, topic: str, *, partition: int, within: float
    ) -> asyncio.Future[RecordMetadata]:
        assert isinstance(batch, Kept)
        if any(b'"applied"' in (value or b"") for _, value in batch.rows):
            raise KafkaError("the broker went away")
        return await super().send_batch(batch, topic, partition=partition, within=within)


async def test_a_create_whose_receipt_cannot_be_written_is_in_doubt_before_anything_else_is_planned() -> None:
    """The lane stays taken until its intent was read back: planned on a link without it, the note would be made again."""
    on = Desk(MADE)
    on.log.__class__ = Forgetful
    reader = on.log.read_by.pop(RECEIPTS)
    writing = asyncio.create_task(on.writer(item_of(NOTE), TakenSlot()))
    for _ in range(100):
        await asyncio.sleep(0)
    ended_early = writing.done()
    await reader(list(on.log.records[RECEIPTS]))
    with suppress(KafkaError):
        await writing

    assert not ended_early
    link = on.links.get(PARTITION, NOTE.key)
    assert link is not None
    assert link.intent is not None
    assert on.story == ["intended create note"]


@pytest.mark.parametrize("is_answered", [True, False])
async def test_what_was_under_way_when_it_was_replaced_is_in_doubt_until_its_answer_is_recorded(
    is_answered: bool,
) -> None:
    """A worker that ends before that leaves the row to its successor, who knows by it what may be in GHL."""
    on = Desk()
    on.links.put(PARTITION, NOTE.key, LinkRow(ghl_id="n1", refers_to="c1", fields={"body": "another"}))
    row = on.outbox.get(PARTITION, NOTE.key)
    assert row is not None
    seen: list[Snapshot | None] = []

    def replaced() -> Response:
        seen.append(on.sender.under_way.get(NOTE.key))
        newer = row.snapshot.model_copy(update={"fingerprint": "g", "version_ms": NOW_MS + 1})
        on.outbox.put(PARTITION, NOTE.key, desire(row, newer, under_way=seen[-1]))
        return answer(200, {"note": {"id": "n1"}})

    on.ghl.script = [replaced]
    if not is_answered:
        on.log.__class__ = Forgetful
    with suppress(KafkaError):
        await on.writer(item_of(NOTE), TakenSlot())

    left = on.outbox.get(PARTITION, NOTE.key)
    assert left is not None
    assert seen == [row.snapshot]
    assert left.before == (() if is_answered else (row.snapshot,))
    assert on.sender.under_way == {}


def other_note(number: int) -> Entity:
    """Another note of the same contact."""
    return Entity("acme", "77", "note", str(number))


class Notes(Desk):
    """The writer with its parts, and several notes that GHL lacks."""

    def __init__(self, *script: Scripted) -> None:
        super().__init__(*script)
        row = self.outbox.get(PARTITION, NOTE.key)
        assert row is not None
        for number in range(6, 10):
            entity = other_note(number)
            state = {"noteId": number, "content": "Said."}
            snapshot = row.snapshot.model_copy(update={**entity._asdict(), "state": state})
            self.outbox.put(PARTITION, entity.key, OutboxRow(snapshot=snapshot))

    async def write(self, entity: Entity) -> Verdict:
        """One turn."""
        return (await self.writer(item_of(entity), TakenSlot())).verdict


FORBIDDEN = answer(403, {"message": "You do not have permission to access this resource"})


async def test_a_note_that_this_user_may_not_write_is_parked_and_the_location_goes_on() -> None:
    """Another note is made between its tries. Its create was refused, so it is in no doubt."""
    on = Notes(FORBIDDEN, MADE, FORBIDDEN, FORBIDDEN)
    verdicts = [await on.write(note) for note in (NOTE, other_note(6), NOTE, NOTE)]
    assert verdicts == [Verdict.RETRY, Verdict.DONE, Verdict.RETRY, Verdict.PARKED]
    assert on.pauses == []
    assert [(one.reason, one.status, one.entity) for one in on.parked] == [("forbidden", 403, NOTE.key)]
    link = on.links.get(PARTITION, NOTE.key)
    assert link is None or link.intent is None


async def test_a_step_that_is_refused_to_several_in_a_row_pauses_the_location() -> None:
    """As before: nothing of the third is parked, and each is written once access is back."""
    on = Notes(*[FORBIDDEN] * 3, *[MADE] * 3)
    notes = [NOTE, other_note(6), other_note(7)]
    assert [await on.write(note) for note in notes] == [Verdict.RETRY, Verdict.RETRY, Verdict.AGAIN]
    assert [(budget, wait) for budget, wait, _ in on.pauses] == [("loc", PAUSE_SECONDS)]
    assert on.parked == []
    on.now_ms += 60_000
    assert [await on.write(note) for note in notes] == [Verdict.DONE] * 3


async def test_a_create_in_doubt_that_is_forbidden_stays_in_doubt() -> None:
    """The look for it is refused three times while others are written: it is parked, and its intent stands."""
    on = Notes(Unanswered("POST", "https://x.test", "gone"), FORBIDDEN, FORBIDDEN, MADE, FORBIDDEN)
    assert await on.write(NOTE) is Verdict.RETRY
    on.now_ms += 600_000
    verdicts = [await on.write(note) for note in (NOTE, NOTE, other_note(6), NOTE)]
    assert verdicts == [Verdict.RETRY, Verdict.RETRY, Verdict.DONE, Verdict.PARKED]
    assert on.ghl.lines[-1] == "GET /contacts/c1/notes"
    link = on.links.get(PARTITION, NOTE.key)
    assert link is not None
    assert link.intent is not None


HELD = answer(200, {"notes": [{"id": "n5", "body": "old\n\n[lofty-note:5]"}, {"id": "n7", "body": "[lofty-note:7]"}]})
WRITTEN = answer(200, {"note": {"id": "n5"}})


def existed(on: Desk) -> None:
    """GHL had the contact before us."""
    on.links.put(PARTITION, NOTE.owner.key, LinkRow(ghl_id="c1", settled="f/mapping", existed_ms=NOW_MS))


async def test_one_listing_serves_all_notes_of_a_contact_that_was_there_before() -> None:
    """Two are adopted and brought up to date, the others created; also one that comes later needs no further listing."""
    on = Notes(HELD, WRITTEN, WRITTEN, *[MADE] * 3)
    existed(on)
    late = on.outbox.get(PARTITION, other_note(9).key)
    assert late is not None
    on.outbox.delete(PARTITION, other_note(9).key)
    assert await on.write(NOTE) is Verdict.AGAIN
    assert [await on.write(other_note(number)) for number in (5, 6, 7, 8)] == [Verdict.DONE] * 4
    on.outbox.put(PARTITION, other_note(9).key, late)
    assert [await on.write(other_note(9)) for _ in range(2)] == [Verdict.AGAIN, Verdict.DONE]
    lines = ["GET /contacts/c1/notes", "PUT /contacts/c1/notes/n5", "POST /contacts/c1/notes"]
    lines += ["PUT /contacts/c1/notes/n7", "POST /contacts/c1/notes", "POST /contacts/c1/notes"]
    assert on.ghl.lines == lines


async def test_a_listed_note_that_is_gone_since_is_created_and_not_looked_for_again() -> None:
    """GHL says that it is gone: the link starts again."""
    gone = answer(400, {"message": "Note not found", "statusCode": 400})
    on = Notes(HELD, gone, MADE)
    existed(on)
    verdicts = [await on.write(NOTE) for _ in range(4)]
    assert verdicts == [Verdict.AGAIN, Verdict.AGAIN, Verdict.AGAIN, Verdict.DONE], (verdicts, on.story)
    assert on.ghl.lines[-1] == "POST /contacts/c1/notes"


async def test_a_listing_that_fails_is_tried_again_before_anything_is_created() -> None:
    """Nothing is in doubt by it."""
    on = Notes(Unanswered("GET", "https://x.test", "gone"), HELD, WRITTEN)
    existed(on)
    assert await on.write(NOTE) is Verdict.RETRY
    on.now_ms += 600_000
    assert [await on.write(NOTE) for _ in range(2)] == [Verdict.AGAIN, Verdict.DONE]
    assert on.ghl.lines == ["GET /contacts/c1/notes"] * 2 + ["PUT /contacts/c1/notes/n5"]
