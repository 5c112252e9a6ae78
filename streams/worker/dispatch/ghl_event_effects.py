"""What follows from an event of GHL: commands for Lofty, receipts about GHL, and rows that later events need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.core.to_ghl.plan import UNKNOWN
from streams.core.to_lofty import EventContext, EventResponse
from streams.core.to_lofty.opt_outs import close_channels
from streams.core.to_lofty.rows import BacklinkRow, ExternalEditRow
from streams.kafka.batching_producer import Record, RecordTooLarge
from streams.kafka.tables import Table
from streams.messages import Entity
from streams.messages.lofty_command import LoftyCommand
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.receipts import Receipts
from streams.worker.output import Output


@dataclass(frozen=True, slots=True)
class GhlEventEffects:
    """Carries responses out. `request_read` asks Lofty for a lead."""

    links: Table[LinkRow]
    backlinks: Table[BacklinkRow]
    external_edits: Table[ExternalEditRow]
    receipts: Receipts
    output: Output
    writes_topic: str
    lofty_partitions: Mapping[str, int]
    request_read: Callable[[Entity, int], object]

    async def carry_out(self, context: EventContext, response: EventResponse, location: Location) -> None:
        """First store the writes to Lofty, then what we know of GHL: after a crash in between, the same is done again."""
        await self._send(response.writes)
        edited, before = _edited(context)
        if response.takes:
            taken: dict[str, Any] = {"ghl_id": response.takes, "refers_to": context.event.contact, "fields": {}}
            await self.receipts.settle(
                location.partition, self.receipts.about(edited, "applied", "find opportunity", **taken)
            )
        if response.fields:
            facts = {"fields": {**before.fields, **response.fields}, "heard": dict(response.base)}
            receipt = self.receipts.about(edited, "applied", "edited in GHL", **facts, flags=response.flags)
            await self.receipts.settle(location.partition, receipt)
        elif response.flags:
            receipt = self.receipts.about(edited, "unchanged", "edited in GHL", flags=response.flags)
            await self.receipts.settle(location.partition, receipt)
        if response.restore:
            link = self.links.get(location.partition, edited.key) or LinkRow()
            unknown = {**link.fields, **dict.fromkeys(response.restore, UNKNOWN)}
            doubtful = self.receipts.about(edited, "doubtful", "edited in GHL", fields=unknown)
            await self.receipts.settle(location.partition, doubtful)
        if response.restore or response.reads:
            # By now: what was found unchanged meanwhile has moved the version, and a read with an earlier one would be stale.
            self.request_read(edited, (self.links.get(location.partition, edited.key) or before).version_ms)
        if response.completed and context.own is not None:
            done = {**(context.own_link or LinkRow()).fields, "completed": field_hash(True)}
            receipt = self.receipts.about(context.own, "applied", "completed in GHL", fields=done)
            await self.receipts.settle(location.partition, receipt)
        if any(one.about.startswith("task:") for one in response.writes):
            # The event of its deletion may not name its contact.
            self.backlinks.put(
                location.partition, f"of:{context.event.id}", BacklinkRow(entity=f"{context.event.contact}")
            )
            await self.backlinks.flush()
        if response.heard is not None and response.heard != context.heard:
            self.external_edits.put(location.partition, f"{context.event.contact}", response.heard)
            await self.external_edits.flush()

    async def close_in_lofty(self, contact: Entity, channels: frozenset[str]) -> None:
        """A contact has closed these channels in GHL: its lead gets the flags."""
        now_ms = self.output.now_ms()
        await self._send([close_channels(contact, channels, now_ms, now_ms)])

    async def _send(self, writes: Iterable[LoftyCommand]) -> None:
        records = [
            Record(self.writes_topic, self.lofty_partitions[one.connection], one.lane.encode(), one.to_bytes())
            for one in writes
        ]
        for record in records:
            if record.size > self.output.parking.limits.state:
                raise RecordTooLarge(record.topic, record.size, self.output.parking.limits.state)
        if records:
            await self.output.produce(records)


def _edited(context: EventContext) -> tuple[Entity, LinkRow]:
    """What GHL's edit is of, with its link: the lead's opportunity, or its contact."""
    if context.stages is not None and context.own is not None:
        return context.own, context.own_link or LinkRow()
    return Entity.contact(context.connection, context.lead), context.link
