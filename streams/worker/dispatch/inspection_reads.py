"""What an inspection reads: the contact with its notes, tasks and appointments in GHL, and what our tables say about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from connectors.errors import VendorError
from connectors.outcome import Disposition, classify
from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_ghl.child_kind import held_as
from streams.core.to_ghl.lead_opportunity import opportunity_of
from streams.core.to_ghl.opportunity import reported_opportunity
from streams.kafka.tables import Table
from streams.messages import Entity, Inspection, Standing
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import RequestSlot
from streams.worker.dispatch.observation import (
    Rows,
    may_be_ours,
    reported_appointments,
    reported_contact,
    reported_notes,
    reported_tasks,
)


@dataclass(slots=True)
class OpenInspection:
    """A question under way: what was found so far. `step` is the next request's number.

    `unread` are the ids of appointments that are still to be read.
    """

    inspection: Inspection
    step: int = 0
    looks: int = 1
    failures: int = 0
    requests: int = 0
    before: dict[str, Standing] | None = None
    unread: list[str] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)

    def answered(self, slot: RequestSlot) -> None:
        """GHL has answered a request of it."""
        slot.answered()
        self.requests += 1


@dataclass(frozen=True, slots=True)
class InspectionReads:
    """Reads for the inspector, one request at a time."""

    links: Table[LinkRow]
    outbox: Table[OutboxRow]

    async def read_next(self, question: OpenInspection, location: Location, contact_id: str, slot: RequestSlot) -> bool:
        """Do one request of reading a contact; True when it was the last."""
        named = {one.ghl_id for one in (question.before or {}).values()}
        try:
            match question.step:
                case 0:
                    question.found["contact"] = reported_contact(await location.client.get_contact(contact_id))
                case 1:
                    question.found["notes"] = reported_notes(await location.client.list_notes(contact_id), named)
                case 2:
                    question.found["tasks"] = reported_tasks(await location.client.list_tasks(contact_id), named)
                case 3:
                    question.found["opportunities"] = await self._opportunities(question, location, contact_id)
                case 4:
                    listed = await location.client.list_appointments(contact_id)
                    question.unread = [one.id for one in listed if may_be_ours(one, named)]
                case _:
                    await self._appointment(question, location, named)
        except VendorError as error:
            if classify(error).disposition is not Disposition.GONE:
                raise
            question.found = {}
            question.answered(slot)
            return True
        question.answered(slot)
        question.step += 1
        if question.step == 3 and not location.rules.stages:
            question.step += 1
        if question.step < 4 or (question.step == 4 and self._looks_into_calendar(question, location)):
            return question.inspection.ghl_id is not None and not question.inspection.with_children
        return not question.unread

    async def _opportunities(self, question: OpenInspection, location: Location, contact_id: str) -> Rows:
        """The one that the link names, by its id: the search lags. Without a link, what the contact has."""
        key = opportunity_of(Entity.contact(question.inspection.connection, question.inspection.lead)).key
        linked = (question.before or {}).get(key, Standing()).ghl_id
        if linked is None:
            page = await location.client.search_opportunities(location.location_id, contact_id=contact_id)
            return tuple(map(reported_opportunity, page.opportunities))
        try:
            return (reported_opportunity(await location.client.get_opportunity(linked)),)
        except VendorError as error:
            if classify(error).disposition is not Disposition.GONE:
                raise
            return ()

    def _looks_into_calendar(self, question: OpenInspection, location: Location) -> bool:
        written = (one.written for one in (question.before or {}).values())
        return location.rules.calendar is not None or any(held_as(names) == "appointment" for names in written)

    async def _appointment(self, question: OpenInspection, location: Location, named: set[str | None]) -> None:
        """Read one by its id: only this answer has its text, and its times with their offset."""
        try:
            read = [await location.client.get_appointment(question.unread.pop())]
        except VendorError as error:
            if classify(error).disposition is not Disposition.GONE:
                raise
            read = []  # deleted since it was listed
        question.found["appointments"] = (*question.found.get("appointments", ()), *reported_appointments(read, named))

    def standings(self, location: Location, keys: tuple[str, ...]) -> dict[str, Standing]:
        """What our tables say about these entities."""
        found = {}
        for key in keys:
            link = self.links.get(location.partition, key) or LinkRow()
            row = self.outbox.get(location.partition, key)
            found[key] = Standing(
                ghl_id=link.ghl_id,
                is_deleted=link.is_deleted,
                settled=link.settled,
                version_ms=link.version_ms,
                written=tuple(sorted(link.fields)),
                tags=link.tags,
                is_pending=row is not None and not row.parked,
                parked=row.parked if row is not None else "",
                refused=link.refused | {name: one.hash for name, one in link.conflicts.items()},
                conflicts=link.conflicts,
                decided=tuple(sorted(link.decided)),
                shares=link.shares,
                is_recalled=bool(link.recalled_ms),
            )
        return found
