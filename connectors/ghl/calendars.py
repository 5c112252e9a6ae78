"""Appointments in a location's calendars. All of it is sent with the calendars' own `Version`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.ghl.call import GhlCaller
from connectors.ghl.wire import Calendar, GhlAppointment


class CalendarCalls(GhlCaller):
    """The operations on calendars. There is no upsert and no key of our own: search before creating again."""

    async def get_calendar(self, calendar_id: str) -> Calendar:
        """One calendar, with the users that an appointment in it may be assigned to."""
        return (await self.call("get-calendar", {"calendarId": calendar_id})).one(Calendar, "calendar")

    async def get_appointment(self, appointment_id: str) -> GhlAppointment:
        """One appointment, its times with offset."""
        answer = await self.call("get-appointment", {"eventId": appointment_id})
        return answer.one(GhlAppointment, "event")

    async def list_events(
        self, location_id: str, calendar_id: str, *, from_ms: int, until_ms: int
    ) -> tuple[GhlAppointment, ...]:
        """The appointments of a calendar that start within a span of time (epoch milliseconds)."""
        query = {
            "locationId": location_id,
            "calendarId": calendar_id,
            "startTime": str(from_ms),
            "endTime": str(until_ms),
        }
        return (await self.call("get-calendar-events", query=query)).many(GhlAppointment, "events")

    async def create_appointment(self, fields: Mapping[str, Any]) -> GhlAppointment:
        """A new appointment. Not safe to repeat. The answer has no envelope and no description."""
        return (await self.call("create-appointment", body=fields)).whole(GhlAppointment)

    async def update_appointment(self, appointment_id: str, fields: Mapping[str, Any]) -> None:
        """Change these fields. GHL sets `appointmentStatus` to confirmed when it is not among them."""
        await self.call("edit-appointment", {"eventId": appointment_id}, body=fields)

    async def delete_appointment(self, appointment_id: str) -> None:
        """Delete an appointment, or any other event."""
        await self.call("delete-event", {"eventId": appointment_id}, body={})
