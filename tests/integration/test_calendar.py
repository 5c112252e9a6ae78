"""Lofty's appointments in a calendar of GHL: they follow, are there once, and no event about them writes to Lofty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.ghl.people import act
from connectors.sandbox.ghl.seeds import seed
from connectors.sandbox.lofty import agent_activity as desk_work
from connectors.sandbox.shared.faults import parse_fault
from streams.settings import parse_settings
from streams.worker.worker import Worker
from tests.integration.stage import ENVIRON, LOCATION, TEAM, Stage, stage
from tests.integration.test_verify import verified
from tests.kafka.broker import Broker

CALENDAR = """
[connections.acme.appointments]
calendar = "calendar"
"""
BACK = """
[connections.acme.back]
appointments = true
tasks = true
"""
BEGIN = 1_800_000_000_000
HOUR = 3_600_000
"""`BEGIN` is 2027-01-15T08:00:00Z; both in milliseconds."""


def book(on: Stage, lead: str, **fields: Any) -> str:
    """An agent books an appointment in Lofty."""
    given = {"descr": "See the house", "deadline": BEGIN, **fields}
    return str(on.edit("create", "appointment", leadId=lead, fields=given).id)


def in_calendar(on: Stage, lead: str) -> list[dict[str, Any]]:
    """What GHL's calendar holds of a lead."""
    return list(on.contacts().get(lead, {}).get("appointments", ()))


def of_lead(on: Stage, lead: str) -> list[dict[str, Any]]:
    """The tasks and appointments that Lofty holds of a lead."""
    records = desk_work.team_of(on.lofty, TEAM).records
    rows = [*records["task"].values(), *records["appointment"].values()]
    return [one.fields for one in rows if str(one.lead_id) == lead and not one.is_deleted]


async def test_an_appointment_of_lofty_stands_in_the_calendar_and_follows(broker: Broker, tmp_path: Path) -> None:
    """Booked, moved, finished, deleted: one appointment, no task, and nothing comes back from GHL's webhooks."""
    async with stage(broker, tmp_path, more=CALENDAR + BACK) as on:
        lead = on.new_lead()
        appointment = book(on, lead)
        await on.until(lambda: in_calendar(on, lead))
        await on.until_quiet()
        booked = in_calendar(on, lead)
        on.edit("update", "appointment", id=appointment, fields={"deadline": BEGIN + HOUR})
        await on.until_quiet()
        moved = in_calendar(on, lead)
        on.edit("finish", "appointment", id=appointment)
        await on.until_quiet()
        finished = in_calendar(on, lead)
        report = await verified(on)
        known = of_lead(on, lead)
        on.edit("delete", "appointment", id=appointment)
        await on.until_quiet()
        left, tasks, receipts = in_calendar(on, lead), on.contacts()[lead]["tasks"], await on.receipts()

    assert [(one["startTime"], one["appointmentStatus"]) for one in booked] == [("2027-01-15T08:00:00Z", "confirmed")]
    assert [(one["startTime"], one["endTime"]) for one in moved] == [("2027-01-15T09:00:00Z", "2027-01-15T09:30:00Z")]
    assert [one["appointmentStatus"] for one in finished] == ["showed"]
    assert (report.exit_code, report.counts) == (0, {"ok": 2})
    assert (left, tasks, len(known)) == ([], [], 1)
    steps = [one.step for one in receipts if one.kind == "appointment" and one.outcome == "applied"]
    assert steps == ["create appointment", "update appointment", "update appointment", "delete appointment"]


@pytest.mark.parametrize("kind", ["drop_after_apply", "drop_before_apply"])
async def test_a_create_whose_answer_is_lost_makes_no_second_one_on_either_side(
    broker: Broker, tmp_path: Path, kind: str
) -> None:
    """The webhook of the lost create has no text, so nobody knows whose it is until it was searched."""
    async with stage(broker, tmp_path, more=CALENDAR + BACK) as on:
        lead = on.new_lead()
        await on.until_quiet()
        on.ghl.faults.add(parse_fault({"kind": kind, "operation": "create-appointment", "times": 2}))
        on.ghl.faults.add(
            parse_fault({"kind": "status", "status": 503, "operation": "get-calendar-events", "times": 2})
        )
        book(on, lead)
        await on.until(lambda: in_calendar(on, lead))
        await on.until_quiet()

        assert len(in_calendar(on, lead)) == 1
        assert on.contacts()[lead]["tasks"] == []
        assert len(of_lead(on, lead)) == 1
        searches = [request for request in on.requests("ghl") if request.operation == "get-calendar-events"]
        assert len(searches) > 2, "two fail, and the search is repeated until one is answered"


async def test_what_is_done_in_ghl_with_an_appointment_of_lofty_stays_there(
    embedded_kafka: Broker, tmp_path: Path
) -> None:
    """Moved by hand it stays so until Lofty's changes; deleted by hand it is booked again with Lofty's next change."""
    async with stage(embedded_kafka, tmp_path, more=CALENDAR + BACK) as on:
        lead = on.new_lead()
        appointment = book(on, lead)
        await on.until(lambda: in_calendar(on, lead))
        await on.until_quiet()
        [booked] = in_calendar(on, lead)
        ids = {"contactId": booked["contactId"], "eventId": booked["id"]}
        by_hand = {"startTime": "2027-02-01T10:00:00Z", "endTime": "2027-02-01T11:00:00Z"}
        act(on.ghl, {"do": "change-appointment", "location": LOCATION, "ids": ids, "body": by_hand})
        await on.until_quiet()
        moved, known = in_calendar(on, lead)[0]["startTime"], of_lead(on, lead)
        on.edit("update", "appointment", id=appointment, fields={"deadline": BEGIN + HOUR})
        await on.until_quiet()
        again = in_calendar(on, lead)
        act(on.ghl, {"do": "remove-appointment", "location": LOCATION, "ids": ids})
        await on.until_quiet()
        removed = in_calendar(on, lead)
        on.edit("update", "appointment", id=appointment, fields={"deadline": BEGIN + 2 * HOUR})
        await on.until_quiet()
        back = in_calendar(on, lead)

    assert (moved, [one["deadline"] for one in known]) == ("2027-02-01T10:00:00Z", [BEGIN])
    assert [one["startTime"] for one in again] == ["2027-01-15T09:00:00Z"]
    assert removed == []
    assert [one["startTime"] for one in back] == ["2027-01-15T10:00:00Z"]


async def test_without_access_to_calendars_only_appointments_wait(broker: Broker, tmp_path: Path) -> None:
    """They are parked with GHL's words, and contacts and tasks go on; with the scope, a change books them."""
    async with stage(broker, tmp_path, more=CALENDAR) as on:
        settings = on.ghl.locations[LOCATION].settings
        scopes = ("contacts.readonly", "contacts.write", "users.readonly", "locations/customFields.readonly")
        object.__setattr__(settings, "scopes", scopes)
        lead = on.new_lead()
        appointment = book(on, lead)
        on.edit("create", "task", leadId=lead, fields={"content": "Call her"})
        await on.until_quiet()
        [parked], tasks = await on.parked(), on.contacts()[lead]["tasks"]
        object.__setattr__(settings, "scopes", None)
        on.edit("update", "appointment", id=appointment, fields={"descr": "See the house again"})
        await on.until(lambda: in_calendar(on, lead))

    assert (parked.reason, parked.entity) == ("no calendar access", f"acme:{lead}:appointment:{appointment}")
    assert "not authorized for this scope" in parked.message
    assert len(tasks) == 1


async def test_the_calendars_team_is_read_with_the_locations_names(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Only its members are ever assigned; Lofty's appointments name no agent by e-mail, so GHL's own rule decides."""
    async with stage(embedded_kafka, tmp_path, more=CALENDAR.replace('"calendar"', '"viewings"')) as on:
        users = seed(on.ghl, {"location": LOCATION, "users": [{"email": "a@x.test"}, {"email": "b@x.test"}]})["users"]
        seed(on.ghl, {"location": LOCATION, "calendars": [{"id": "viewings", "users": users[:1]}]})
        on.reload_directories()
        lead = on.new_lead()
        book(on, lead)
        await on.until(lambda: in_calendar(on, lead))
        team = on.worker.dispatchers.ghl.directories.get("acme").calendar_team
        [booked] = in_calendar(on, lead)

    assert team == {users[0]}
    assert (booked["calendarId"], booked["assignedUserId"]) == ("viewings", "")


async def test_a_calendar_that_is_configured_later_takes_what_comes_after(real_kafka: Broker, tmp_path: Path) -> None:
    """An appointment that is a task stays one and follows; a new one goes into the calendar; none is there twice."""
    async with stage(real_kafka, tmp_path, restarts=True) as on:
        lead = on.new_lead()
        early = book(on, lead, descr="Early")
        await on.until(lambda: on.contacts().get(lead, {}).get("tasks"))
        await on.until_quiet()
        await on.worker.__aexit__(None, None, None)
        with_calendar = parse_settings(on.config + CALENDAR, ENVIRON, source="stage")
        async with Worker(with_calendar, on.given()) as second:
            on.worker, on.settings = second, with_calendar
            await on.until(lambda: second.is_ready)
            late = book(on, lead, descr="Late")
            on.edit("update", "appointment", id=early, fields={"descr": "Early, and moved"})
            await on.until(lambda: in_calendar(on, lead))
            await on.until_quiet()
            report = await verified(on)
            tasks, events = on.contacts()[lead]["tasks"], in_calendar(on, lead)

    assert [one["title"] for one in tasks] == ["Appointment: Early, and moved"]
    assert [one["description"].splitlines()[-1] for one in events] == [f"[lofty-appointment:{late}]"]
    assert report.exit_code == 0, report.as_dict()
