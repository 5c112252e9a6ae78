"""The events of GHL that wait in the table `events`: offered to the dispatcher, tried again, parked, or at their end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connectors.errors import VendorError
from streams.core.progress.repeats import Failure
from streams.core.scheduling.dispatcher import Item, Priority
from streams.core.scheduling.retry import Retry
from streams.core.to_lofty import EventContext
from streams.core.to_lofty.rows import EventRow
from streams.kafka.batching_producer import RecordTooLarge
from streams.kafka.tables import Table
from streams.mapping.lofty_sync import LOFTY_STAGE_EDIT, OPT_OUTS_DIFFER, brings_opt_outs
from streams.messages import Entity, Parked
from streams.messages.ghl_event import GhlEvent
from streams.worker.dispatch.ghl_event_contexts import GhlEventContexts
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import DONE, DispatchLoop, WorkResult
from streams.worker.output import Output

log = logging.getLogger("lofty_ghl.ghl_events")

EVENT_PREFIX = "@event:"
RANK = 1
"""After the contact's own writes, beside its notes and tasks."""


@dataclass(frozen=True, slots=True)
class GhlEventQueue:
    """`count(type, result)` counts what ends."""

    events: Table[EventRow]
    loop: DispatchLoop
    contexts: GhlEventContexts
    output: Output
    retry: Retry
    count: Callable[[str, str], None]

    async def put(self, key: str, row: EventRow, location: Location) -> None:
        """Write an event's row, and offer it."""
        self.events.put(location.partition, key, row)
        await self.events.flush()
        self.offer(key, row)

    async def lofty_was_edited(self, entity: Entity, wanted: Mapping[str, str]) -> None:
        """Lofty holds other values in fields that GHL owns, or another stage: it must get GHL's. `wanted` are the hashes of Lofty's."""
        location = self.contexts.locations[entity.connection]
        link = self.contexts.links.get(location.partition, entity.key)
        if link is None or link.ghl_id is None:
            return
        now_ms = self.output.now_ms()
        type_ = LOFTY_STAGE_EDIT if entity.kind == "opportunity" else "LoftyEdit"
        event = GhlEvent(
            type=type_,
            location=location.location_id,
            id=link.ghl_id,
            contact=link.refers_to or link.ghl_id,
            at_ms=now_ms,
            accepted_ms=now_ms,
            body={"wanted": dict(wanted)},
        )
        key, row = f"{location.location_id}:{type_}:{link.ghl_id}", EventRow(event=event)
        await self.put(key, row, location)

    async def opt_outs_differ(self, entity: Entity) -> None:
        """GHL shows other opt-outs than Lofty: they are compared again, on both sides, once nothing of the contact is in flight."""
        location = self.contexts.locations[entity.connection]
        link = self.contexts.links.get(location.partition, entity.key)
        if link is None or link.ghl_id is None:
            return
        now_ms = self.output.now_ms()
        event = GhlEvent(
            type=OPT_OUTS_DIFFER,
            location=location.location_id,
            id=link.ghl_id,
            contact=link.ghl_id,
            at_ms=now_ms,
            accepted_ms=now_ms,
        )
        await self.put(f"{location.location_id}:{OPT_OUTS_DIFFER}:{link.ghl_id}", EventRow(event=event), location)

    def offer(self, key: str, row: EventRow) -> None:
        """Tell the dispatcher that an event waits. One of a connection that is paused waits in its row alone."""
        location = self.contexts.location_of(row.event)
        if location is None:
            return
        entity = self.contexts.entity_of(row.event, location)
        tenant = entity.connection if entity is not None else location.connection
        if not self.contexts.flows(tenant):
            return
        wait = (row.not_before_ms - self.output.now_ms()) / 1000
        priority = Priority.OPT_OUT if brings_opt_outs(row.event.type, row.event.body) else Priority.LIVE
        item = Item(EVENT_PREFIX + key, _lane(row.event, entity), location.budget, tenant, priority, RANK)
        self.loop.offer_item(item, wait_seconds=wait)

    async def keep_contact(self, key: str, row: EventRow, location: Location, context: EventContext) -> None:
        """Keep what was read of a contact for the event's next turn."""
        seen = row.model_copy(update={"contact": dict(context.contact or {})})
        if (size := len(seen.to_bytes())) > 2 * self.output.parking.limits.state:
            raise RecordTooLarge(self.events.changelog, size, 2 * self.output.parking.limits.state)
        self.events.put(location.partition, key, seen)
        await self.events.flush()

    async def end(self, key: str, event: GhlEvent, location: Location, because: str) -> WorkResult:
        """Forget an event: it is judged, or can never be."""
        self.count(event.type, because)
        self.events.delete(location.partition, key)
        await self.events.flush()
        return DONE

    async def retry_later(
        self,
        key: str,
        row: EventRow,
        location: Location,
        why: str,
        seconds: float | None = None,
        failure: Failure | None = None,
    ) -> WorkResult:
        """Try again later: after so many seconds, or after the wait that follows from the attempts."""
        wait = self.retry.wait_seconds(row.attempts + 1) if seconds is None else seconds
        postponed = self.retry.postponed(row, wait, why)
        self.events.put(location.partition, key, postponed)
        await self.events.flush()
        return WorkResult.retry(wait, failure)

    async def park(
        self, key: str, row: EventRow, location: Location, reason: str, why: str, answer: VendorError | None = None
    ) -> WorkResult:
        """Put an event on the topic `parked`, and forget it."""
        entity = self.contexts.entity_of(row.event, location)
        parked = Parked(
            stage="respond",
            reason=reason,
            message=why,
            at_ms=self.output.now_ms(),
            source=f"{row.event.type} of location {row.event.location}",
            entity=entity.key if entity is not None else None,
            connection=location.connection,
            status=answer.status if answer else None,
            trace_id=answer.trace_id if answer else None,
            original=Parked.encode(row.event.to_bytes()),
        )
        await self.output.park(parked)
        log.warning("connection %s: an event of GHL is parked (%s): %s", location.connection, row.event.type, why)
        return await self.end(key, row.event, location, "parked")


def _lane(event: GhlEvent, entity: Entity | None) -> str:
    return entity.lane if entity is not None else f"{EVENT_PREFIX}{event.lane}"
