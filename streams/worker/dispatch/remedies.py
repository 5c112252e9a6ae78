"""Applies a remedy of verify, or what a person decided, to one entity in its lane."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.errors import VendorError
from connectors.outcome import Disposition, classify
from streams.messages import Entity, Inspection, Remedy
from streams.worker.dispatch.decisions import DECISIONS, Decisions
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import RequestSlot
from streams.worker.dispatch.repair import NotRepaired, Repair
from streams.worker.dispatch.unknown_leads import UnknownLeads


@dataclass(frozen=True, slots=True)
class Remedies:
    """Each kind of cure has its own part: see `Remedy`."""

    repair: Repair
    decisions: Decisions
    unknown_leads: UnknownLeads

    async def apply(self, location: Location, inspection: Inspection, slot: RequestSlot) -> bool:
        """Apply it. True: by a request to GHL, of which the slot does not know yet. Raises `NotRepaired` and `ConnectorError`."""
        remedy = inspection.remedy
        try:
            entity = Entity.from_key(inspection.entity)
        except ValueError as error:
            raise NotRepaired(str(error)) from None
        if remedy is None or entity.connection != inspection.connection:
            raise NotRepaired("no remedy for an entity of this connection was given")
        if remedy.cure == "remove":
            await self._remove(location, inspection, entity, remedy)
            return True
        if remedy.cure in DECISIONS:
            slot.answered(was_sent=False)
            await self.decisions.record(location, entity, remedy)
        elif remedy.cure == "ask":
            slot.answered(was_sent=False)
            is_gone = inspection.snapshot is not None and inspection.snapshot.is_gone
            ask = self.unknown_leads.ask
            await ask(location, entity, remedy.ghl_id or "", remedy.hanging, is_known_gone=is_gone)
        elif inspection.snapshot is None or inspection.snapshot.entity != entity:
            raise NotRepaired("no snapshot of the entity was given")
        else:
            slot.answered(was_sent=False)
            await self.repair.write_again(location, entity, remedy, inspection.snapshot)
        return False

    async def _remove(self, location: Location, inspection: Inspection, entity: Entity, remedy: Remedy) -> None:
        contact_id, ghl_id = remedy.contact_id or "", remedy.ghl_id or ""
        self.repair.refuse_if_named(location, (entity.key, *inspection.entities), ghl_id)
        if entity.kind == "contact" or not contact_id or not ghl_id:
            raise NotRepaired("only a note, a task or an appointment is ever removed")
        try:
            if remedy.in_calendar:
                await location.client.delete_appointment(ghl_id)
            elif entity.kind == "note":
                await location.client.delete_note(contact_id, ghl_id)
            else:
                await location.client.delete_task(contact_id, ghl_id)
        except VendorError as error:
            if classify(error).disposition is not Disposition.GONE:
                raise
