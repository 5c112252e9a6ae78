"""What the catalogue promises and no other test shows by itself."""

from __future__ import annotations

from pathlib import Path

from connectors.sandbox.lofty import agent_activity as desk_work
from streams.mapping.lofty_sync import RULE_EVENTS
from tests.integration.stage import TEAM, Stage, stage
from tests.integration.test_calendar import book
from tests.integration.test_way_back import BACK, do, of_lead, settled_lead
from tests.kafka.broker import Broker

RULES = "[connections.acme.back]\ntasks = true\n" + "".join(
    f"""
[[connections.acme.back.rules]]
name = "{event}, task"
on = "{event}"
task = {{ type = "Other", content = "task of {event}" }}
[[connections.acme.back.rules]]
name = "{event}, note"
on = "{event}"
note = "note of {event}"
"""
    for event in RULE_EVENTS
)
BOOKED = {"startTime": "2027-01-02T10:00:00+00:00", "endTime": "2027-01-02T11:00:00+00:00"}
MOVED = {"startTime": "2027-01-03T10:00:00+00:00", "endTime": "2027-01-03T11:00:00+00:00"}


def finished(on: Stage, lead: str) -> list[bool]:
    """Whether a lead's tasks and appointments are done."""
    return [row["finishFlag"] for kind in ("task", "appointment") for row in of_lead(on, kind, lead)]


async def test_each_event_of_a_rule_makes_a_task_and_a_note(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Every event that a rule can name, done in GHL by a person.

    A deleted task's event names no contact: it is known of tasks that are copied.
    """
    async with stage(embedded_kafka, tmp_path, more=RULES) as on:
        lead, contact = await settled_lead(on)

        def made(kind: str) -> set[str]:
            rows = of_lead(on, "note" if kind == "note" else "task", lead)
            return {event for event in RULE_EVENTS for row in rows if f"{kind} of {event}" in row["content"]}

        do(on, "update-contact", {"city": "Austin"}, contactId=contact)
        do(on, "add-tags", {"tags": ["hot"]}, contactId=contact)
        await on.until(lambda: "tag added" in made("task"))
        do(on, "remove-tags", {"tags": ["hot"]}, contactId=contact)
        note = do(on, "create-note", {"body": "likes gardens"}, contactId=contact)["note"]["id"]
        do(on, "update-note", {"body": "likes big gardens"}, contactId=contact, id=note)
        due = {"title": "Send papers", "dueDate": "2027-01-05T09:00:00Z", "completed": False}
        task = do(on, "create-task", due, contactId=contact)["task"]["id"]
        await on.until(lambda: "task created" in made("task"), 120)
        do(on, "update-task-completed", {"completed": True}, contactId=contact, taskId=task)
        booked = do(on, "book-appointment", {"title": "Viewing", **BOOKED}, contactId=contact)["event"]["id"]
        do(on, "change-appointment", MOVED, contactId=contact, eventId=booked)
        do(on, "update-contact", {"dndSettings": {"SMS": {"status": "active"}}}, contactId=contact)
        await on.until(lambda: len(made("task") | made("note")) == len(RULE_EVENTS) - 4, 120)
        do(on, "remove-appointment", contactId=contact, eventId=booked)
        do(on, "delete-task", contactId=contact, taskId=task)
        do(on, "delete-note", contactId=contact, id=note)
        await on.until(lambda: len(made("note")) == len(RULE_EVENTS) - 1, 120)
        do(on, "delete-contact", contactId=contact)
        await on.until(lambda: made("task") == made("note") == set(RULE_EVENTS), 120)
        await on.until_quiet()

        counted = [
            len([row for row in of_lead(on, kind, lead) if " of " in row["content"]]) for kind in ("task", "note")
        ]
        assert counted == [len(RULE_EVENTS)] * 2


async def test_a_copied_task_is_opened_again_with_its_appointment(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Who showed up finishes the task; if that was a mistake, it is open again."""
    async with stage(embedded_kafka, tmp_path, more=BACK) as on:
        lead, contact = await settled_lead(on)
        booked = do(on, "book-appointment", {"title": "Viewing", **BOOKED}, contactId=contact)["event"]["id"]
        do(on, "change-appointment", {"appointmentStatus": "showed"}, contactId=contact, eventId=booked)
        await on.until(lambda: finished(on, lead) == [True])
        await on.until_quiet()
        do(on, "change-appointment", {"appointmentStatus": "confirmed"}, contactId=contact, eventId=booked)
        await on.until(lambda: finished(on, lead) == [False])


async def test_a_changed_task_follows_and_goes(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Its words first, then all of it."""
    async with stage(embedded_kafka, tmp_path) as on:
        lead, _ = await settled_lead(on)
        fields = {"content": "Call back", "type": "Call", "endAt": "2027-01-05T09:00:00+00:00"}
        task = on.edit("create", "task", leadId=lead, fields=fields)
        await on.until(lambda: len(on.contacts()[lead]["tasks"]) == 1)
        await on.until_quiet()
        on.edit("update", "task", id=task.id, fields={"content": "Send papers"})
        await on.until(lambda: "Send papers" in str(on.contacts()[lead]["tasks"]))
        await on.until_quiet()
        on.edit("delete", "task", id=task.id)
        await on.until(lambda: on.contacts()[lead]["tasks"] == [])


async def test_an_appointment_is_a_task_where_no_calendar_is_set(embedded_kafka: Broker, tmp_path: Path) -> None:
    """It is named as what it is."""
    async with stage(embedded_kafka, tmp_path) as on:
        lead, _ = await settled_lead(on)
        book(on, lead)
        await on.until(
            lambda: [task["title"] for task in on.contacts()[lead]["tasks"]] == ["Appointment: See the house"]
        )
        await on.until_quiet()
        assert on.requests("ghl", "POST")[-1].operation == "create-task"


async def test_a_stage_fills_its_field_and_follows(embedded_kafka: Broker, tmp_path: Path) -> None:
    """The stage is in a custom field of the contact; a change of it is one write."""
    async with stage(embedded_kafka, tmp_path) as on:
        lead, _ = await settled_lead(on, stage="New Leads")
        assert on.contacts()[lead]["custom"]["Lofty stage"] == "New Leads"
        before = len(on.requests("ghl", "POST", "PUT", "DELETE"))
        on.edit("update", "lead", id=int(lead), fields={"stage": "Active"})
        await on.until(lambda: on.contacts()[lead]["custom"]["Lofty stage"] == "Active")
        await on.until_quiet()

        writes = [one.operation for one in on.requests("ghl", "POST", "PUT", "DELETE")[before:]]
        assert writes == ["update-contact"]
        assert desk_work.team_of(on.lofty, TEAM).records["lead"][int(lead)].fields["stage"] == "Active"
