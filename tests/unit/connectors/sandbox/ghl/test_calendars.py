"""Calendars in the sandbox: what a contact's appointments are, and what GHL refuses."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import VendorError
from connectors.outcome import Disposition, classify
from connectors.sandbox.ghl import LocationSettings
from tests.unit.connectors.sandbox.ghl.stage import HERE, Stage

TIMES = {"startTime": "2026-10-25T10:00:00Z", "endTime": "2026-10-25T11:00:00Z"}
FREE = {"ignoreFreeSlotValidation": True}


def appointment(contact: str, **more: Any) -> dict[str, Any]:
    return {"calendarId": "calendar", "locationId": HERE, "contactId": contact, "title": "Viewing", **TIMES, **more}


async def test_an_edit_without_a_status_confirms_the_appointment() -> None:
    """Measured by third parties."""
    stage = Stage()
    client = stage.client()
    made = await client.create_appointment(appointment(stage.contact(), appointmentStatus="noshow"))
    await stage.ask("PUT", f"/calendars/events/appointments/{made.id}", b'{"title": "Again"}', version="2021-04-15")
    read = await client.get_appointment(made.id)
    assert (read.title, read.appointment_status) == ("Again", "confirmed")


async def test_the_description_is_shown_by_id_and_by_calendar_but_not_by_contact() -> None:
    """As GHL's documents have it."""
    stage = Stage()
    client, contact = stage.client(), stage.contact()
    made = await client.create_appointment(appointment(contact, description="[lofty-appointment:7]"))
    (by_contact,) = await client.list_appointments(contact)
    day = 1_792_922_400_000  # 2026-10-25T10:00:00Z
    (by_calendar,) = await client.list_events(HERE, "calendar", from_ms=day, until_ms=day)
    assert await client.list_events(HERE, "calendar", from_ms=day + 1, until_ms=day + 2) == ()
    assert (by_contact.id, by_contact.description) == (made.id, None)
    assert (by_calendar.id, by_calendar.description) == (made.id, "[lofty-appointment:7]")


async def test_a_taken_slot_is_refused_unless_it_shall_be_ignored() -> None:
    """`ignoreFreeSlotValidation`."""
    stage = Stage()
    client, contact = stage.client(), stage.contact()
    await client.create_appointment(appointment(contact))
    with pytest.raises(VendorError, match="no longer available"):
        await client.create_appointment(appointment(contact))
    assert (await client.create_appointment(appointment(contact, **FREE))).id


async def test_only_the_calendars_team_can_be_assigned() -> None:
    """The rest of the location is refused."""
    stage = Stage()
    stage.seed(calendars=[{"id": "viewings", "users": ["pat"]}])
    client, contact = stage.client(), stage.contact()
    assert (await client.get_calendar("viewings")).users == {"pat"}
    wanted = appointment(contact, calendarId="viewings")
    with pytest.raises(VendorError, match="not part of calendar team"):
        await client.create_appointment({**wanted, "assignedUserId": "jo"})
    assert (await client.create_appointment({**wanted, "assignedUserId": "pat"})).id


async def test_what_is_wrong_with_a_calendar_waits_alone() -> None:
    """A missing scope or a calendar that is not there is no reason to stop the location's contacts."""
    narrow = Stage(locations=(LocationSettings(HERE, ("pit-here",), scopes=("contacts.readonly", "contacts.write")),))
    with pytest.raises(VendorError, match="scope") as no_scope:
        await narrow.client().create_appointment(appointment("anybody"))
    stage = Stage()
    with pytest.raises(VendorError, match="not found") as nowhere:
        await stage.client().create_appointment(appointment(stage.contact(), calendarId="nowhere"))
    with pytest.raises(VendorError, match="Contact not found") as nobody:
        await stage.client().create_appointment(appointment("nobody"))
    rows = [classify(one.value) for one in (no_scope, nowhere, nobody)]
    assert [one.name for one in rows] == ["no calendar access", "no such calendar", "not found"]
    assert [one.disposition for one in rows] == [Disposition.REFUSED, Disposition.REFUSED, Disposition.GONE]


async def test_a_deleted_appointment_is_gone() -> None:
    """And a second deletion says so."""
    stage = Stage()
    client, contact = stage.client(), stage.contact()
    made = await client.create_appointment(appointment(contact))
    await client.delete_appointment(made.id)
    with pytest.raises(VendorError) as caught:
        await client.delete_appointment(made.id)
    assert classify(caught.value).disposition is Disposition.GONE
