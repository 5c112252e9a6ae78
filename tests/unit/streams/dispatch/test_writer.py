"""The writer: what a create in doubt needs before the next plan, whatever goes wrong beside the vendor's answer."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from connectors.auth import StaticAuth
from connectors.ghl import GhlClient
from connectors.request import Response
from streams.appender import Batch
from streams.core.delivery import desire
from streams.core.directory import Directory
from streams.core.planning import Rules
from streams.core.rows import LinkRow, OutboxRow
from streams.dispatch.writer import Location, Writer
from streams.mapping import compile_mapping
from streams.metrics import Metrics
from streams.words import Entity, Snapshot
from tests.unit.streams.dispatch.stage import (
    NOW_MS,
    PARTITION,
    RECEIPTS,
    Kept,
    Log,
    Scripted,
    Stage,
    TakenSlot,
    Vendor,
    answer,
    item_of,
)

NOTE = Entity("acme", "77", "note", "5")
MADE = answer(201, {"note": {"id": "n1", "body": "x"}})


class Desk(Stage):
    """The writer at its desk: a contact that stands in GHL, and a note of it that does not."""

    def __init__(self, *script: Scripted) -> None:
        super().__init__()
        self.ghl = Vendor(list(script))
        location = Location(
            connection="acme",
            location_id="loc",
            budget="loc",
            partition=PARTITION,
            client=GhlClient(self.ghl, StaticAuth("Bearer", "k"), base_url="https://x.test"),
            rules=Rules(compile_mapping(), "US"),
            window_seconds=10.0,
        )
        self.writer = Writer(
            locations={"acme": location},
            outbox=self.outbox,
            links=self.links,
            receipts=self.receipts,
            appender=self.appender,
            parking=self.parking,
            directory=lambda _: Directory(),
            lacks=lambda *_: False,
            ask=lambda *_: None,
            lofty_was_edited=self.never,
            pause=self.pause,
            settled_as=lambda snapshot: f"{snapshot.fingerprint}/mapping",
            now_ms=lambda: self.now_ms,
            jitter=lambda: 0.0,
            metrics=Metrics(),
        )
        self.links.put(PARTITION, NOTE.owner.key, LinkRow(ghl_id="c1", settled="f/mapping"))
        snapshot = Snapshot(
            **NOTE._asdict(),
            state={"noteId": 5, "content": "Said."},
            version_ms=NOW_MS,
            fingerprint="f",
            read_ms=NOW_MS,
            update_time_ms=NOW_MS,
            accepted_ms=NOW_MS,
        )
        self.outbox.put(PARTITION, NOTE.key, OutboxRow(snapshot=snapshot))

    async def never(self, *_: object) -> None:
        """Nothing flows back here."""
        raise AssertionError


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
    """A worker that ends before that leaves the row to its successor, who knows by it what may stand in GHL."""
    on = Desk()
    on.links.put(PARTITION, NOTE.key, LinkRow(ghl_id="n1", refers_to="c1", fields={"body": "another"}))
    row = on.outbox.get(PARTITION, NOTE.key)
    assert row is not None
    seen: list[Snapshot | None] = []

    def replaced() -> Response:
        seen.append(on.writer.under_way.get(NOTE.key))
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
    assert on.writer.under_way == {}
