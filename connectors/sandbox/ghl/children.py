"""The rules of what hangs on a contact: notes and tasks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.sandbox.ghl.refusals import child_not_found
from connectors.sandbox.ghl.requests import GhlRequest, GhlResult, Rule
from connectors.sandbox.ghl.state import iso

Rows = dict[str, dict[str, Any]]


def _find(kind: str, rows: Rows, child_id: str) -> dict[str, Any]:
    if child_id not in rows:
        raise child_not_found(kind, child_id)
    return rows[child_id]


def list_notes(ask: GhlRequest) -> GhlResult:
    """The newest first."""
    return GhlResult({"notes": list(reversed(ask.contact().notes.values()))})


def get_note(ask: GhlRequest) -> GhlResult:
    """One note."""
    return GhlResult({"note": _find("Note", ask.contact().notes, ask.ids["id"])}, entity=ask.ids["id"])


def create_note(ask: GhlRequest) -> GhlResult:
    """A new note, each time it is asked for."""
    contact = ask.contact()
    note = {"id": ask.place.new_id(), "dateAdded": iso(ask.now), "contactId": contact.id, **ask.body}
    contact.notes[note["id"]] = note
    return GhlResult({"note": note}, 201, note["id"], True)


def update_note(ask: GhlRequest) -> GhlResult:
    """Changes the given fields."""
    note = _find("Note", ask.contact().notes, ask.ids["id"])
    note.update(ask.body)
    return GhlResult({"note": note}, entity=note["id"], changed=True)


def delete_note(ask: GhlRequest) -> GhlResult:
    """Gone."""
    notes = ask.contact().notes
    del notes[_find("Note", notes, ask.ids["id"])["id"]]
    return GhlResult({"succeded": True}, entity=ask.ids["id"], changed=True)


def _moment(text: str) -> str:
    """A due date as GHL keeps it: in UTC, with milliseconds."""
    moment = datetime.fromisoformat(text)
    return iso((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def list_tasks(ask: GhlRequest) -> GhlResult:
    """All of them, the oldest first."""
    return GhlResult({"tasks": list(ask.contact().tasks.values())})


def get_task(ask: GhlRequest) -> GhlResult:
    """One task."""
    return GhlResult({"task": _find("Task", ask.contact().tasks, ask.ids["taskId"])}, entity=ask.ids["taskId"])


def create_task(ask: GhlRequest) -> GhlResult:
    """A new task, each time it is asked for."""
    contact = ask.contact()
    task = {"id": ask.place.new_id(), "contactId": contact.id, **ask.body}
    task["dueDate"] = _moment(task["dueDate"])
    contact.tasks[task["id"]] = task
    return GhlResult({"task": task}, 201, task["id"], True)


def update_task(ask: GhlRequest) -> GhlResult:
    """Changes the given fields; also how a task is completed."""
    task = _find("Task", ask.contact().tasks, ask.ids["taskId"])
    task.update(ask.body)
    if "dueDate" in ask.body:
        task["dueDate"] = _moment(task["dueDate"])
    return GhlResult({"task": task}, entity=task["id"], changed=True)


def delete_task(ask: GhlRequest) -> GhlResult:
    """Gone."""
    tasks = ask.contact().tasks
    del tasks[_find("Task", tasks, ask.ids["taskId"])["id"]]
    return GhlResult({"succeded": True}, entity=ask.ids["taskId"], changed=True)


def search_tasks(ask: GhlRequest) -> GhlResult:
    """The tasks of a location, narrowed by contact, completion, assignee and title."""
    body = ask.body
    skip, limit = int(body.get("skip", 0)), int(body.get("limit", 25))
    contacts = ask.place.contacts
    asked = (
        [contacts[one] for one in body["contactId"] if one in contacts] if "contactId" in body else contacts.values()
    )
    found = [
        task
        for contact in asked
        if "businessId" not in body or contact.fields.get("businessId") == body["businessId"]
        for task in contact.tasks.values()
        if ("completed" not in body or task["completed"] == body["completed"])
        and ("assignedTo" not in body or task.get("assignedTo") in body["assignedTo"])
        and body.get("query", "").lower() in task["title"].lower()
    ]
    return GhlResult({"tasks": found[skip : skip + limit]})


RULES: Mapping[str, Rule] = {
    "get-all-notes": list_notes,
    "get-note": get_note,
    "create-note": create_note,
    "update-note": update_note,
    "delete-note": delete_note,
    "get-all-tasks": list_tasks,
    "get-task": get_task,
    "create-task": create_task,
    "update-task": update_task,
    "update-task-completed": update_task,
    "delete-task": delete_task,
    "task-search": search_tasks,
}
