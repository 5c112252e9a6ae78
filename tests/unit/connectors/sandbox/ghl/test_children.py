"""How the sandbox treats notes, tasks and appointments."""

from __future__ import annotations

import pytest

from connectors.errors import VendorError
from connectors.ghl.client import GhlClient
from connectors.outcome import Disposition, classify
from tests.unit.connectors.sandbox.ghl.stage import HERE, Stage

DUE = "2026-10-25T13:00:00+02:00"
TASK = {"title": "Call", "dueDate": DUE, "completed": False}


async def test_each_create_makes_another() -> None:
    """There is no upsert: the same note twice is two notes, the newest first; tasks alike, the oldest first."""
    stage = Stage()
    client, contact_id = stage.client(), stage.contact()
    notes = [await client.create_note(contact_id, {"body": "Hello"}) for _ in range(2)]
    tasks = [await client.create_task(contact_id, TASK) for _ in range(2)]
    assert [note.id for note in await client.list_notes(contact_id)] == [notes[1].id, notes[0].id]
    assert [task.id for task in await client.list_tasks(contact_id)] == [tasks[0].id, tasks[1].id]


async def test_a_note_is_changed_and_deleted() -> None:
    """Fields not named stay."""
    stage = Stage()
    client, contact_id = stage.client(), stage.contact()
    note = await client.create_note(contact_id, {"body": "Hello", "title": "First"})
    await client.update_note(contact_id, note.id, {"body": "Bye"})
    changed = await client.get_note(contact_id, note.id)
    await client.delete_note(contact_id, note.id)
    assert (changed.body, changed.title, await client.list_notes(contact_id)) == ("<p>Bye</p>", "First", ())


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("likes gardens\n\nand cats", "<p>likes gardens and cats</p>"),
        ("first<br>second", "<p>first<br>second</p>"),
        ("<p>first</p><p>second</p>", "<p>first</p><p>second</p>"),
        ("AT&T &lt;500k", "<p>AT&amp;T &lt;500k</p>"),
        ("less <five hundred", "<p>less</p>"),
        ("<p>kind</p><script>alert(1)</script>", "<p>kind</p>"),
    ],
)
async def test_a_note_is_taken_kept_and_given_back_as_html(sent: str, kept: str) -> None:
    """Also a text: its line breaks are white space, and what looks like a tag is one."""
    stage = Stage()
    client, contact_id = stage.client(), stage.contact()
    note = await client.create_note(contact_id, {"body": sent})
    assert ((await client.get_note(contact_id, note.id)).body or "") == kept


async def test_a_task_is_changed_completed_and_deleted() -> None:
    """Due dates are kept in UTC."""
    stage = Stage()
    client, contact_id = stage.client(), stage.contact()
    task = await client.create_task(contact_id, TASK)
    await client.update_task(contact_id, task.id, {"title": "Write"})
    await client.complete_task(contact_id, task.id, completed=True)
    done = await client.get_task(contact_id, task.id)
    await client.delete_task(contact_id, task.id)
    assert (done.title, done.due_date, done.completed) == ("Write", "2026-10-25T11:00:00.000Z", True)
    assert await client.list_tasks(contact_id) == ()


async def _ask(client: GhlClient, kind: str, contact_id: str) -> None:
    match kind:
        case "Note":
            await client.update_note(contact_id, "gone", {"body": "x"})
        case "Task":
            await client.complete_task(contact_id, "gone", completed=True)
        case _:
            await client.get_appointment("gone")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("Note", "Note not found for id:gone"),
        ("Task", "Task not found for id:gone"),
        ("Appointment", "The event id is invalid"),
    ],
)
async def test_a_missing_child_is_told_as_such(kind: str, words: str) -> None:
    """An appointment's words were reported; for notes and tasks no document gives an answer, so it is that of contacts."""
    stage = Stage()
    with pytest.raises(VendorError) as caught:
        await _ask(stage.client(), kind, stage.contact())
    assert (caught.value.status, caught.value.message) == (400, words)
    assert classify(caught.value).disposition is Disposition.GONE


async def test_children_go_with_their_contact() -> None:
    """Nothing can hang on what is gone."""
    stage = Stage()
    client, contact_id = stage.client(), stage.contact()
    await client.delete_contact(contact_id)
    with pytest.raises(VendorError, match="Contact not found"):
        await client.create_note(contact_id, {"body": "x"})


async def test_tasks_are_found_without_their_contact() -> None:
    """By contact, completion, assignee and title; in pages."""
    stage = Stage()
    stage.seed(users=[{"id": "pat", "name": "Pat"}])
    client = stage.client()
    one, two = stage.contact(), stage.contact(email="bo@example.com", phone=None)
    mine = await client.create_task(one, {**TASK, "title": "Call Ann", "assignedTo": "pat"})
    done = await client.create_task(two, {**TASK, "title": "Call Bo", "completed": True})
    assert [task.id for task in await client.search_tasks(HERE, {})] == [mine.id, done.id]
    assert [task.id for task in await client.search_tasks(HERE, {"contactId": [two]})] == [done.id]
    assert [task.id for task in await client.search_tasks(HERE, {"completed": False})] == [mine.id]
    assert [task.id for task in await client.search_tasks(HERE, {"assignedTo": ["pat"]})] == [mine.id]
    assert [task.id for task in await client.search_tasks(HERE, {"query": "ann"})] == [mine.id]
    assert [task.id for task in await client.search_tasks(HERE, {"skip": 1, "limit": 1})] == [done.id]


async def test_a_task_loses_a_user_whom_the_location_does_not_have() -> None:
    """Answered with a 2xx, in a create and in an update; all else of it is kept."""
    stage = Stage()
    stage.seed(users=[{"id": "pat", "name": "Pat"}])
    client, contact = stage.client(), stage.contact()
    task = await client.create_task(contact, {**TASK, "assignedTo": "gone"})
    assert (task.assigned_to, task.title) == (None, TASK["title"])
    assert (await client.update_task(contact, task.id, {"assignedTo": "pat"})).assigned_to == "pat"
    assert (await client.update_task(contact, task.id, {"assignedTo": "gone", "title": "x"})).assigned_to == "pat"


async def test_an_appointment_has_an_offset_by_id_and_none_in_the_contacts_list() -> None:
    """As GHL has it."""
    stage = Stage()
    contact_id = stage.contact(appointments=[{"title": "Viewing", "startTime": "2026-09-25T16:00:00+05:30"}])
    (listed,) = await stage.client().list_appointments(contact_id)
    read = await stage.client().get_appointment(listed.id)
    assert (listed.start_time, read.start_time) == ("2026-09-25 16:00:00", "2026-09-25T16:00:00+05:30")
    assert (read.contact_id, read.appointment_status) == (contact_id, "confirmed")
