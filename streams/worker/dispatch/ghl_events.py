"""Judges GHL's events, each in its contact's lane: then nothing of ours is under way there, and the link is what GHL was told.

Most events need no request. One that names no contact is looked for; what seems to be edited is read first.
An event of a contact that no link knows waits a while, for its link may be on its way; after that it is nobody's here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors.errors import ConnectorError, NotSent, VendorError
from connectors.ghl.wire import GhlContact
from connectors.outcome import Disposition, classify
from streams.core.fingerprint import field_hash
from streams.core.progress.repeats import Failure, failure_of
from streams.core.rows import LinkRow
from streams.core.scheduling.dispatcher import Item, Priority
from streams.core.to_ghl.plan import UNKNOWN
from streams.core.to_lofty import EventContext, EventResponse, NeedsRead, respond
from streams.core.to_lofty.rows import BacklinkRow, EventRow, ExternalEditRow
from streams.kafka.batching_producer import Record, RecordTooLarge
from streams.kafka.tables import Table
from streams.mapping.back_sync import WayBack
from streams.messages import Entity, Parked
from streams.messages.ghl_event import GhlEvent
from streams.messages.lofty_command import LoftyCommand
from streams.telemetry.metrics import Metrics
from streams.telemetry.tracing import take_in_hand
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import AGAIN, DONE, DispatchLoop, RequestSlot, WorkResult
from streams.worker.dispatch.receipts import Receipts
from streams.worker.dispatch.retry import Retry
from streams.worker.output import Output

log = logging.getLogger("lofty_ghl.ghl_events")

PREFIX = "@event:"
RANK = 1
"""After the contact's own writes, beside its notes and tasks."""

APPOINTMENTS = ("AppointmentCreate", "AppointmentUpdate")
LINK_WAITS = (5.0, 30.0, 120.0)
"""Seconds to wait for the link of a contact that is not known, then again: its create may be under way."""

MOST_LOOKS = 6
"""How often the contact of a task is looked for: GHL's search lags by some seconds."""

PAGE = 100


@dataclass(frozen=True, slots=True)
class GhlEventProcessor:
    """Everything that judging needs. `request_read` requests a read of a lead from Lofty."""

    loop: DispatchLoop
    locations: Mapping[str, Location]
    backs: Mapping[str, WayBack]
    events: Table[EventRow]
    external_edits: Table[ExternalEditRow]
    backlinks: Table[BacklinkRow]
    links: Table[LinkRow]
    receipts: Receipts
    output: Output
    writes_topic: str
    lofty_partitions: Mapping[str, int]
    request_read: Callable[[Entity, int], object]
    retry: Retry
    metrics: Metrics

    def offer_event(self, key: str, row: EventRow) -> None:
        """Tell the dispatcher that an event waits."""
        place = self._place(row.event)
        if place is None:
            return
        entity = self._entity(row.event, place)
        tenant = entity.connection if entity is not None else place.connection
        wait = (row.not_before_ms - self.output.now_ms()) / 1000
        item = Item(PREFIX + key, _lane(row.event, entity), place.budget, tenant, Priority.LIVE, RANK)
        self.loop.offer_item(item, wait_seconds=wait)

    def handles(self, item: Item) -> bool:
        """Whether an item is an event of GHL."""
        return item.key.startswith(PREFIX)

    async def __call__(self, item: Item, slot: RequestSlot) -> WorkResult:
        """Judge one event, with at most one request."""
        key = item.key.removeprefix(PREFIX)
        place = self.locations[item.tenant]
        row = self.events.get(place.partition, key)
        if row is None:
            return DONE
        event = row.event
        take_in_hand(trace=event.trace, failures=row.attempts)
        try:
            if event.contact is None:
                return await self._find_contact(key, row, place, slot)
            entity = self._entity(event, place)
            if entity is None:
                return await self._wait_for_link(key, row, place)
            if item.lane != entity.lane:
                self.offer_event(key, row)
                return DONE
            place = self.locations[entity.connection]
            scene = self._scene(event, entity, place, row.contact)
            if scene.own is None and event.type in APPOINTMENTS and self._is_in_doubt(entity, place):
                return await self._retry(key, row, place, "it may be an appointment of ours, whose create is in doubt")
            response = respond(scene, self.backs[entity.connection])
            if isinstance(response, NeedsRead):
                scene = await self._look(scene, response, place, event.contact)
                slot.answered()
                self.loop.failures.served(place.budget, event.type, key)
                response = respond(scene, self.backs[entity.connection])
            if isinstance(response, NeedsRead):  # one request a turn: the contact was seen in this one
                await self._remember(key, row, place, scene)
                return AGAIN
        except ConnectorError as error:
            slot.answered(was_sent=not isinstance(error, NotSent))
            return await self._failed(key, row, place, error)
        except RecordTooLarge as error:
            return await self._park(key, row, place, "too large", str(error))
        slot.answered(was_sent=False)
        try:
            await self._carry_out(scene, response, place)
        except RecordTooLarge as error:
            return await self._park(key, row, place, "too large", str(error))
        return await self._end(key, event, place, response.because)

    async def lofty_was_edited(self, entity: Entity, wanted: Mapping[str, str]) -> None:
        """Lofty holds other values in fields that GHL owns: it must be told GHL's. `wanted` are the hashes of Lofty's."""
        place = self.locations[entity.connection]
        link = self.links.get(place.partition, entity.key)
        if link is None or link.ghl_id is None:
            return
        now_ms = self.output.now_ms()
        event = GhlEvent(
            type="LoftyEdit",
            location=place.location_id,
            id=link.ghl_id,
            contact=link.ghl_id,
            at_ms=now_ms,
            accepted_ms=now_ms,
            body={"wanted": dict(wanted)},
        )
        key, row = f"{place.location_id}:LoftyEdit:{link.ghl_id}", EventRow(event=event)
        self.events.put(place.partition, key, row)
        await self.events.flush()
        self.offer_event(key, row)

    def _is_in_doubt(self, entity: Entity, place: Location) -> bool:
        """GHL's events do not tell the text that bears our marker, so nobody knows whose a new appointment is."""
        links = (link for _, link in self.links.items(place.partition, f"{entity.lane}:appointment:"))
        return any(one.intent is not None and one.intent.step == "create appointment" for one in links)

    # -- what an event is about ---------------------------------------------------------------------------

    def _place(self, event: GhlEvent) -> Location | None:
        """A connection of the event's location that hears it. All of them have the same partition and budget."""
        at = (one for one in self.locations.values() if one.location_id == event.location)
        return next((one for one in at if event.type in self.backs[one.connection].types), None)

    def _entity(self, event: GhlEvent, place: Location) -> Entity | None:
        return self._stands_for("contact", event.contact, place) if event.contact else None

    def _stands_for(self, kind: str, ghl_id: str, place: Location) -> Entity | None:
        row = self.backlinks.get(place.partition, f"{kind}:{ghl_id}")
        entity = Entity.from_key(row.entity) if row is not None else None
        return entity if entity is not None and entity.connection in self.locations else None

    def _scene(
        self, event: GhlEvent, entity: Entity, place: Location, contact: Mapping[str, Any] | None = None
    ) -> EventContext:
        kind = next((one for one in ("note", "task", "appointment") if event.type.lower().startswith(one)), "")
        own = self._stands_for(kind, event.id, place) if kind else None
        return EventContext(
            event=event,
            connection=entity.connection,
            lead=entity.lead,
            link=self.links.get(place.partition, entity.key) or LinkRow(),
            own=own,
            own_link=self.links.get(place.partition, own.key) if own is not None else None,
            heard=self.external_edits.get(place.partition, f"{event.contact}"),
            contact=contact,
        )

    async def _look(self, scene: EventContext, look: NeedsRead, place: Location, contact_id: str) -> EventContext:
        """Read what an event is about. A note or task that is gone is found empty; a contact that is gone raises."""
        if look.at == "contact":
            return _seen(scene, await place.client.get_contact(contact_id))
        read = place.client.get_note if look.at == "note" else place.client.get_task
        try:
            found = (await read(contact_id, scene.event.id)).model_dump(by_alias=True)
        except VendorError as error:
            if classify(error).disposition is not Disposition.GONE or "contact" in error.message.lower():
                raise
            found = {}
        return replace(scene, found=found, read_ms=self.output.now_ms())

    async def _remember(self, key: str, row: EventRow, place: Location, scene: EventContext) -> None:
        seen = row.model_copy(update={"contact": dict(scene.contact or {})})
        if (size := len(seen.to_bytes())) > 2 * self.output.parking.limits.state:
            raise RecordTooLarge(self.events.changelog, size, 2 * self.output.parking.limits.state)
        self.events.put(place.partition, key, seen)
        await self.events.flush()

    async def _find_contact(self, key: str, row: EventRow, place: Location, slot: RequestSlot) -> WorkResult:
        """GHL's events of tasks may lack their contact and text: the location's tasks are searched for a new one."""
        event = row.event
        if (known := self._contact_of(event, place)) is not None:
            slot.answered(was_sent=False)
            return await self._found(key, row, event.model_copy(update={"contact": known}), place)
        if not event.type.startswith("Task") or row.attempts >= MOST_LOOKS:
            slot.answered(was_sent=False)
            if event.type == "TaskDelete":
                return await self._end(key, event, place, "not linked")  # what is gone cannot be looked for
            return await self._park(key, row, place, "no contact", "GHL names no contact, and its search finds none")
        title = event.body.get("title")
        search: dict[str, Any] = {"limit": PAGE, "skip": 0}
        if isinstance(title, str) and title.strip():
            search["query"] = title.strip()[:75]
        tasks = await place.client.search_tasks(place.location_id, search)
        slot.answered()
        self.loop.failures.served(place.budget, event.type, key)
        task = next((one for one in tasks if one.id == event.id and one.contact_id), None)
        if task is None:
            return await self._retry(key, row, place, "GHL's search does not show the task yet")
        told = {name: value for name, value in task.model_dump(by_alias=True).items() if value is not None}
        known_event = event.model_copy(update={"contact": task.contact_id, "body": {**told, **event.body}})
        return await self._found(key, row, known_event, place)

    def _contact_of(self, event: GhlEvent, place: Location) -> str | None:
        """The contact of a task that we wrote, or that was looked for before."""
        own = self._stands_for("task", event.id, place)
        if own is not None:
            link = self.links.get(place.partition, own.owner.key)
            return link.ghl_id if link is not None else None
        row = self.backlinks.get(place.partition, f"of:{event.id}")
        return row.entity if row is not None else None

    async def _found(self, key: str, row: EventRow, event: GhlEvent, place: Location) -> WorkResult:
        found = row.model_copy(update={"event": event, "attempts": 0, "not_before_ms": 0})
        self.events.put(place.partition, key, found)
        await self.events.flush()
        self.offer_event(key, found)  # its contact is known now: it is judged in that one's turn
        return AGAIN

    async def _wait_for_link(self, key: str, row: EventRow, place: Location) -> WorkResult:
        if row.attempts >= len(LINK_WAITS):
            return await self._end(key, row.event, place, "not linked")
        return await self._retry(key, row, place, "no link knows this contact yet", LINK_WAITS[row.attempts])

    # -- what follows -------------------------------------------------------------------------------------

    async def _carry_out(self, scene: EventContext, response: EventResponse, place: Location) -> None:
        """First what Lofty shall get, then what we know of GHL: after a crash in between, the same follows once more."""
        await self._send(response.writes)
        contact = Entity.contact(scene.connection, scene.lead)
        if response.fields:
            facts = {"fields": {**scene.link.fields, **response.fields}, "heard": dict(response.base)}
            await self.receipts.settle(
                place.partition, self.receipts.about(contact, "applied", "edited in GHL", **facts)
            )
        if response.restore:
            link = self.links.get(place.partition, contact.key) or LinkRow()
            unknown = {**link.fields, **dict.fromkeys(response.restore, UNKNOWN)}
            doubtful = self.receipts.about(contact, "doubtful", "edited in GHL", fields=unknown)
            await self.receipts.settle(place.partition, doubtful)
            # By now: what was found unchanged meanwhile has moved the version, and a read with an earlier one would be stale.
            self.request_read(contact, (self.links.get(place.partition, contact.key) or link).version_ms)
        if response.completed and scene.own is not None:
            done = {**(scene.own_link or LinkRow()).fields, "completed": field_hash(True)}
            receipt = self.receipts.about(scene.own, "applied", "completed in GHL", fields=done)
            await self.receipts.settle(place.partition, receipt)
        if any(one.about.startswith("task:") for one in response.writes):
            # What tells of its end may not name its contact.
            self.backlinks.put(place.partition, f"of:{scene.event.id}", BacklinkRow(entity=f"{scene.event.contact}"))
            await self.backlinks.flush()
        if response.heard is not None and response.heard != scene.heard:
            self.external_edits.put(place.partition, f"{scene.event.contact}", response.heard)
            await self.external_edits.flush()

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

    async def _end(self, key: str, event: GhlEvent, place: Location, because: str) -> WorkResult:
        self.metrics.events.labels(event.type, because).inc()
        self.events.delete(place.partition, key)
        await self.events.flush()
        return DONE

    # -- what goes wrong ----------------------------------------------------------------------------------

    async def _failed(self, key: str, row: EventRow, place: Location, error: ConnectorError) -> WorkResult:
        outcome = classify(error)
        answer = error if isinstance(error, VendorError) else None
        match self.loop.failures.failed(place.budget, row.event.type, key, error, place.window_seconds):
            case "try again":
                return await self._retry(key, row, place, str(error))
            case "park":
                return await self._park(key, row, place, outcome.name, str(error), answer)
            case "paused":
                return AGAIN
        match outcome.disposition:
            case Disposition.GONE:
                return await self._end(key, row.event, place, "contact gone")
            case Disposition.REFUSED | Disposition.ADOPT:
                return await self._park(key, row, place, outcome.name, str(error), answer)
            case _:
                return await self._retry(key, row, place, str(error), failure=failure_of(error))

    async def give_up(self, item: Item, failure: Failure) -> WorkResult:
        """Park an event that fails in the same way again and again."""
        key, place = item.key.removeprefix(PREFIX), self.locations[item.tenant]
        row = self.events.get(place.partition, key)
        return DONE if row is None else await self._park(key, row, place, failure.cause, failure.message)

    async def _retry(
        self,
        key: str,
        row: EventRow,
        place: Location,
        why: str,
        seconds: float | None = None,
        failure: Failure | None = None,
    ) -> WorkResult:
        wait = self.retry.wait_seconds(row.attempts + 1) if seconds is None else seconds
        postponed = self.retry.postponed(row, wait, why)
        self.events.put(place.partition, key, postponed)
        await self.events.flush()
        return WorkResult.retry(wait, failure)

    async def _park(
        self, key: str, row: EventRow, place: Location, reason: str, why: str, answer: VendorError | None = None
    ) -> WorkResult:
        entity = self._entity(row.event, place)
        parked = Parked(
            stage="respond",
            reason=reason,
            message=why,
            at_ms=self.output.now_ms(),
            source=f"{row.event.type} of location {row.event.location}",
            entity=entity.key if entity is not None else None,
            connection=place.connection,
            status=answer.status if answer else None,
            trace_id=answer.trace_id if answer else None,
            original=Parked.encode(row.event.to_bytes()),
        )
        await self.output.park(parked)
        log.warning("connection %s: an event of GHL is parked (%s): %s", place.connection, row.event.type, why)
        return await self._end(key, row.event, place, "parked")


def _lane(event: GhlEvent, entity: Entity | None) -> str:
    return entity.lane if entity is not None else f"{PREFIX}{event.lane}"


def _seen(scene: EventContext, contact: GhlContact) -> EventContext:
    held = contact.model_dump(by_alias=True, exclude={"custom_fields"})
    held["customFields"] = {one.id: one.value for one in contact.custom_fields}
    return replace(scene, contact=held)
