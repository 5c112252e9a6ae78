"""What an event of GHL is about: its location and entity, and what the tables and GHL say about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors.errors import VendorError
from connectors.ghl.wire import GhlContact
from connectors.outcome import Disposition, classify
from streams.core.rows import LinkRow
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.lead_opportunity import opportunity_of
from streams.core.to_ghl.opportunity import PIPELINE, reported_opportunity
from streams.core.to_lofty import EventContext, NeedsRead
from streams.core.to_lofty.rows import BacklinkRow, ExternalEditRow
from streams.kafka.tables import Table
from streams.mapping.lofty_sync import OF_A_STAGE, STAGE_EVENTS, LoftySyncRules
from streams.messages import Entity
from streams.messages.ghl_event import GhlEvent
from streams.worker.dispatch.location import Location

APPOINTMENTS = ("AppointmentCreate", "AppointmentUpdate")


@dataclass(frozen=True, slots=True)
class GhlEventContexts:
    """Finds what is known about an event. `directory` are a location's names. `backs` are the rules of each connection's Lofty sync; `flows` is false for one that is paused."""

    locations: Mapping[str, Location]
    backs: Mapping[str, LoftySyncRules]
    backlinks: Table[BacklinkRow]
    links: Table[LinkRow]
    external_edits: Table[ExternalEditRow]
    now_ms: Callable[[], int]
    flows: Callable[[str], bool] = lambda _connection: True
    directory: Callable[[str], Directory] = lambda _connection: Directory()

    def is_create_in_doubt(self, context: EventContext, location: Location) -> bool:
        """Whether a new appointment or opportunity may be ours: GHL's events do not contain a marker of ours."""
        if context.event.type in STAGE_EVENTS:
            return context.own_link is not None and context.own_link.intent is not None
        if context.own is not None or context.event.type not in APPOINTMENTS:
            return False
        entity = Entity.contact(context.connection, context.lead)
        links = (link for _, link in self.links.items(location.partition, f"{entity.lane}:appointment:"))
        return any(one.intent is not None and one.intent.step == "create appointment" for one in links)

    def location_of(self, event: GhlEvent) -> Location | None:
        """A connection of the event's location that wants it. All of them have the same partition and budget."""
        at = [one for one in self.locations.values() if one.location_id == event.location]
        wanting = [one for one in at if self.backs[one.connection].wants(event.type, event.body)]
        return next((one for one in wanting if self.flows(one.connection)), next(iter(wanting), None))

    def entity_of(self, event: GhlEvent, location: Location) -> Entity | None:
        """The entity of the event's contact; None where no link knows it."""
        return self._entity_behind("contact", event.contact, location) if event.contact else None

    def _entity_behind(self, kind: str, ghl_id: str, location: Location) -> Entity | None:
        row = self.backlinks.get(location.partition, f"{kind}:{ghl_id}")
        entity = Entity.from_key(row.entity) if row is not None else None
        return entity if entity is not None and entity.connection in self.locations else None

    def context_of(
        self, event: GhlEvent, entity: Entity, location: Location, contact: Mapping[str, Any] | None = None
    ) -> EventContext:
        """What is known about an event before anything is read. `contact` is what was read for it in an earlier turn."""
        if event.type in OF_A_STAGE:
            return self._of_opportunity(event, entity, location)
        kind = next((one for one in ("note", "task", "appointment") if event.type.lower().startswith(one)), "")
        own = self._entity_behind(kind, event.id, location) if kind else None
        return EventContext(
            event=event,
            connection=entity.connection,
            lead=entity.lead,
            link=self.links.get(location.partition, entity.key) or LinkRow(),
            own=own,
            own_link=self.links.get(location.partition, own.key) if own is not None else None,
            heard=self.external_edits.get(location.partition, f"{event.contact}"),
            contact=contact,
        )

    def _of_opportunity(self, event: GhlEvent, entity: Entity, location: Location) -> EventContext:
        """What is known about an event of an opportunity: all that it is about is the lead's own, if there is one."""
        own = opportunity_of(entity)
        return EventContext(
            event=event,
            connection=entity.connection,
            lead=entity.lead,
            link=self.links.get(location.partition, entity.key) or LinkRow(),
            own=own,
            own_link=self.links.get(location.partition, own.key),
            stages=location.rules.stages,
            directory=self.directory(entity.connection),
        )

    async def read(self, context: EventContext, needed: NeedsRead, location: Location, contact_id: str) -> EventContext:
        """Read what an event is about. What hangs on a contact and is gone is found empty; a contact that is gone raises."""
        client, event_id = location.client, context.event.id
        if needed.at == "contact":
            return _with_contact(context, await client.get_contact(contact_id))
        if needed.at == "opportunities":
            pipeline = str(context.event.body.get(PIPELINE))
            page = await client.search_opportunities(location.location_id, contact_id=contact_id, pipeline_id=pipeline)
            return replace(context, listed=tuple(one.id for one in page.opportunities if one.contact_id == contact_id))
        try:
            if needed.at == "opportunity":
                found = reported_opportunity(await client.get_opportunity(event_id))
            else:
                read = client.get_note if needed.at == "note" else client.get_task
                found = (await read(contact_id, event_id)).model_dump(by_alias=True)
        except VendorError as error:
            if classify(error).disposition is not Disposition.GONE or "contact" in error.message.lower():
                raise
            found = {}
        return replace(context, found=found, read_ms=self.now_ms())

    def contact_of(self, event: GhlEvent, location: Location) -> str | None:
        """The contact of a task or opportunity that we wrote, or of a task that was looked for before."""
        kind = "opportunity" if event.type in STAGE_EVENTS else "task"
        own = self._entity_behind(kind, event.id, location)
        if own is not None:
            link = self.links.get(location.partition, own.owner.key)
            return link.ghl_id if link is not None else None
        row = self.backlinks.get(location.partition, f"of:{event.id}")
        return row.entity if row is not None else None


def _with_contact(context: EventContext, contact: GhlContact) -> EventContext:
    held = contact.model_dump(by_alias=True, exclude={"custom_fields"})
    held["customFields"] = {one.id: one.value for one in contact.custom_fields}
    return replace(context, contact=held)
