"""A receipt says whose it is and what it is about, and settling one returns when the tables hold it."""

from __future__ import annotations

import asyncio

from streams.core.rows import OutboxRow
from streams.messages import Entity, Receipt, Snapshot
from tests.unit.streams.worker.dispatch.stage import NOW_MS, PARTITION, RECEIPTS, Stage

ENTITY = Entity.contact("acme", "77")
ROW = OutboxRow(
    snapshot=Snapshot(
        **ENTITY._asdict(),
        state={},
        version_ms=50,
        fingerprint="f",
        read_ms=51,
        update_time_ms=40,
        accepted_ms=41,
    ),
    attempts=2,
)


def test_a_receipt_bears_the_state_it_is_about_and_its_owners_epoch() -> None:
    """So a late one is recognised, and freshness is measured, from the receipt alone."""
    receipt = Stage().receipts.make(ROW, "applied", "update contact", ghl_id="c-1")
    assert receipt.entity == ENTITY
    assert (receipt.version_ms, receipt.fingerprint, receipt.attempt, receipt.epoch) == (50, "f", 3, 7)
    assert (receipt.update_time_ms, receipt.accepted_ms, receipt.at_ms) == (40, 41, NOW_MS)
    assert (receipt.outcome, receipt.step, receipt.ghl_id) == ("applied", "update contact", "c-1")


def test_a_receipt_about_an_entity_as_such_satisfies_no_state() -> None:
    """Its version is the oldest, so that no row is taken for done."""
    receipt = Stage().receipts.about(ENTITY, "failed", "create note", is_forgotten=True)
    assert (receipt.entity, receipt.version_ms, receipt.is_forgotten, receipt.epoch) == (ENTITY, 0, True, 7)


async def test_settling_returns_when_the_receipt_is_in_the_tables() -> None:
    """By its own agent's reading it back, not by the producer's word."""
    on = Stage()
    await on.receipts.settle(PARTITION, on.receipts.make(ROW, "applied", "create contact", ghl_id="c-1"))
    link = on.links.get(PARTITION, ENTITY.key)
    assert link is not None
    assert link.ghl_id == "c-1"


async def test_a_receipt_that_stands_in_kafka_alone_is_not_settled() -> None:
    """Its lane stays taken until the agent has read it."""
    on = Stage()
    reader = on.log.read_by.pop(RECEIPTS)
    settling = asyncio.create_task(on.receipts.settle(PARTITION, on.receipts.make(ROW, "failed", "create contact")))
    while not on.log.records[RECEIPTS]:
        await asyncio.sleep(0)
    assert not settling.done()
    await reader(list(on.log.records[RECEIPTS]))
    await settling


async def test_writing_gives_the_offset_that_is_then_waited_for() -> None:
    """Two receipts of one partition stand one behind the other, under their entity's key."""
    on = Stage()
    offsets = [await on.receipts.write(PARTITION, on.receipts.make(ROW, "failed", "x")) for _ in range(2)]
    await on.applied_offsets.wait(PARTITION, offsets[1])
    assert offsets == [0, 1]
    assert {one.key for one in on.log.records[RECEIPTS]} == {ENTITY.key.encode()}
    assert Receipt.from_bytes(on.log.records[RECEIPTS][0].value) == on.written[0]
