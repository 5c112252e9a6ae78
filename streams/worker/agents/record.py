"""`record`: receipts become links. `ghl.receipts` → tables `links` and `outbox`; then the lane is free for its next request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_ghl.apply_receipt import (
    comes_back,
    comes_late,
    has_won_back,
    is_overtaken,
    is_restored,
    leaves_children,
    record_link,
    record_outbox,
    stays_on_left,
    unsettle,
    writes_contact_again,
)
from streams.core.to_ghl.lead_opportunity import opportunity_of
from streams.core.to_ghl.left_out import LeftOut, newly_left_out
from streams.kafka.batching_producer import Record
from streams.kafka.tables import Table
from streams.messages import FENCE_KEY, Entity, InvalidMessage, Receipt, Snapshot
from streams.worker.agents.batches import Process
from streams.worker.output import Output
from streams.worker.partitions.applied_offsets import AppliedOffsets


class RequestRead(Protocol):
    """Asks Lofty for an entity.

    `only_moved`: only for whether it hangs on another lead now. `is_known_gone`: it or its lead was deleted.
    """

    def __call__(
        self, entity: Entity, update_time_ms: int, *, only_moved: bool = False, is_known_gone: bool = False
    ) -> asyncio.Future[int]:
        """Done once Kafka has the request."""


class LinkFollower(Protocol):
    """Keeps rows that are made from links: GHL ids lead back to a link by them."""

    def linked(self, partition: int, entity: Entity, link: LinkRow) -> None:
        """A receipt was recorded, after which the link is this one."""

    async def flush_linked(self) -> None:
        """Wait until Kafka has the rows that `linked` has written."""


class Sharing(Protocol):
    """Says of leads that have one contact who is to write it."""

    def heirs(self, partition: int, entity: Entity, before: LinkRow | None, after: LinkRow) -> list[Entity]:
        """Who shares a contact that this lead wrote and does not write from now on: one of them is to write it."""

    def is_unwritten(self, partition: int, entity: Entity, link: LinkRow) -> bool:
        """Whether a lead shares a contact that nobody writes, and is to take it over."""


def record(
    *,
    links: Table[LinkRow],
    outbox: Table[OutboxRow],
    output: Output,
    settled_as: Callable[[Snapshot], str],
    request_read: RequestRead,
    applied_offsets: AppliedOffsets,
    follower: LinkFollower,
    sharing: Sharing,
    count_left_out: Callable[[str, LeftOut], None],
) -> Process:
    """The agent's process.

    `settled_as` is what a receipt reads when it satisfies a snapshot under the mapping in force.
    `follower` writes rows of its own, which are with Kafka before a receipt counts as read.
    `count_left_out(connection, what)` is called with each value that is left out from now on.
    `request_read` asks Lofty for the notes and tasks of a contact that has come back, for what was found unchanged and has become
    unknown since, for what hung on a lead that is gone, for who is to write a contact that was another's, and for what a receipt
    says is to be read again.
    """

    recorder = _Recorder(links, outbox, settled_as, request_read, follower, sharing, count_left_out)

    async def process(messages: list[Any]) -> None:
        parked: list[Record] = []
        newest: dict[int, int] = {}
        for message in messages:
            newest[message.partition] = message.offset
            if message.key == FENCE_KEY:
                continue
            try:
                receipt = Receipt.from_bytes(message.value)
            except InvalidMessage as error:
                parked.append(output.parking.unreadable("record", message, error, output.now_ms()))
                continue
            await recorder.record(message.partition, receipt)
        await output.produce(parked)
        await links.flush()
        await outbox.flush()
        await follower.flush_linked()
        for partition, offset in newest.items():
            applied_offsets.advance(partition, offset)

    return process


@dataclass(frozen=True, slots=True)
class _Recorder:
    """What one receipt does. The arguments are those of `record`."""

    links: Table[LinkRow]
    outbox: Table[OutboxRow]
    settled_as: Callable[[Snapshot], str]
    request_read: RequestRead
    follower: LinkFollower
    sharing: Sharing
    count_left_out: Callable[[str, LeftOut], None]

    async def record(self, partition: int, receipt: Receipt) -> None:
        key = receipt.entity.key
        before = self.links.get(partition, key)
        after = record_link(before, receipt)
        if is_open := self._stays_open(partition, receipt, before, after):
            after = after.model_copy(update={"settled": ""})
        if after.ghl_id is not None and (comes_back(before, receipt) or is_restored(before, receipt)):
            await self._unsettle_children(partition, receipt.entity, after.ghl_id)
        if writes_contact_again(before, after, receipt):
            await self._plan_opportunity(partition, opportunity_of(receipt.entity))
        if is_overtaken(before, receipt):
            await self.request_read(receipt.entity, receipt.version_ms)
        if leaves_children(before, receipt):
            await self._look_for_moved(partition, receipt.entity, after)
        await self._plan_heirs(partition, self.sharing.heirs(partition, receipt.entity, before, after))
        if after != before:
            self.links.put(partition, key, after)
            for left_out in newly_left_out(before, after, receipt):
                self.count_left_out(receipt.connection, left_out)
        if receipt.kind not in ("contact", "opportunity"):
            contact = self.links.get(partition, receipt.entity.owner.key)
            if contact is not None and comes_late(before, after, receipt, contact):
                version_ms = max(after.version_ms, self._waiting_version(partition, key))
                await self.request_read(receipt.entity, version_ms, only_moved=True)
        # Also for a link that is as it was: a crash may have lost the rows that are made from it, and kept it.
        self.follower.linked(partition, receipt.entity, after)
        self._record_outbox(partition, receipt, before, is_open=is_open)
        if receipt.reads_again:  # once the link says so: what is read is compared with it
            is_known_gone = before is not None and before.is_gone
            version_ms = max(after.version_ms, self._waiting_version(partition, key))
            await self.request_read(receipt.entity, version_ms, is_known_gone=is_known_gone)

    def _stays_open(self, partition: int, receipt: Receipt, before: LinkRow | None, after: LinkRow) -> bool:
        """Whether what this receipt settles is planned once more: another lead gave something up while it was under way."""
        has_won = before is not None and has_won_back(before, receipt)
        is_contact = receipt.kind == "contact" and bool(receipt.settled)
        return has_won or (is_contact and self.sharing.is_unwritten(partition, receipt.entity, after))

    async def _plan_heirs(self, partition: int, heirs: list[Entity]) -> None:
        """Who shares a contact is planned again, before the link of the lead that wrote it says that it has left.

        After a crash in between, this receipt does it again. What is settled meanwhile is not (`_stays_open`).
        """
        requests = []
        for heir in heirs:
            link = self.links.get(partition, heir.key) or LinkRow()
            if link.settled:
                self.links.put(partition, heir.key, link.model_copy(update={"settled": ""}))
            waiting = self.outbox.get(partition, heir.key)
            if waiting is None or waiting.parked:  # what waits is planned in any case
                version_ms = max(link.version_ms, self._waiting_version(partition, heir.key))
                requests.append(self.request_read(heir, version_ms))
        await asyncio.gather(*requests)

    async def _plan_opportunity(self, partition: int, entity: Entity) -> None:
        """The lead's stage may have changed while another lead wrote the contact."""
        link = self.links.get(partition, entity.key)
        if link is not None and link.settled:
            await self.request_read(entity, max(link.version_ms, self._waiting_version(partition, entity.key)))
            self.links.put(partition, entity.key, link.model_copy(update={"settled": ""}))

    async def _unsettle_children(self, partition: int, owner: Entity, contact_id: str) -> None:
        found = [
            (key, child, unsettled)
            for key, child in self.links.items(partition, f"{owner.lane}:")
            if key != owner.key and (unsettled := unsettle(child, contact_id)) is not None
        ]
        # Asked before the contact's link says that it is there: after a crash in between, this receipt asks again.
        if found:
            requests = (self.request_read(Entity.from_key(key), child.version_ms) for key, child, _ in found)
            await asyncio.gather(*requests)
        for key, _, unsettled in found:
            self.links.put(partition, key, unsettled)

    async def _look_for_moved(self, partition: int, owner: Entity, contact: LinkRow) -> None:
        """What hung on a contact that is another lead's now is read to be deleted there; all else only for whether it moved.

        That includes what still waits to be created. Its opportunity moves to no other lead.
        """
        stays = (owner.key, opportunity_of(owner).key)
        found = [
            (key, child, stays_on_left(child, contact))
            for key, child in self.links.items(partition, f"{owner.lane}:")
            if key not in stays and child.ghl_id is not None and not child.is_deleted
        ]
        known = {*stays, *(key for key, _, _ in found)}
        waiting = [key for key, _ in self.outbox.items(partition, f"{owner.lane}:") if key not in known]
        waiting_links = [(key, self.links.get(partition, key) or LinkRow()) for key in waiting]
        found += [(key, child, stays_on_left(child, contact)) for key, child in waiting_links]
        requests = [
            self.request_read(
                Entity.from_key(key),
                max(child.version_ms, self._waiting_version(partition, key)),
                only_moved=not is_left,
                is_known_gone=is_left,
            )
            for key, child, is_left in found
        ]
        for key, child, is_left in found:  # before Lofty can answer: what it says is compared with them
            if is_left and child.settled:
                self.links.put(partition, key, child.model_copy(update={"settled": ""}))
        await asyncio.gather(*requests)

    def _waiting_version(self, partition: int, key: str) -> int:
        """The version of a state that waits to be written: a read with an earlier one would count as stale, and that be written."""
        row = self.outbox.get(partition, key)
        return row.snapshot.version_ms if row is not None else 0

    def _record_outbox(self, partition: int, receipt: Receipt, before: LinkRow | None, *, is_open: bool) -> None:
        key = receipt.entity.key
        row = self.outbox.get(partition, key)
        wanted = self.settled_as(row.snapshot) if row is not None else ""
        if is_open:
            receipt = receipt.model_copy(update={"settled": ""})  # the row stays: it is planned once more
        remaining = record_outbox(row, receipt, before, wanted=wanted)
        if remaining is None and row is not None:
            self.outbox.delete(partition, key)
        elif remaining is not None and remaining != row:
            self.outbox.put(partition, key, remaining)
