"""The rules of what hangs on a contact: notes and tasks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.sandbox.ghl.note_html import kept_note
from connectors.sandbox.ghl.refusals import child_not_found
from connectors.sandbox.ghl.requests import GhlRequest, Rule
from connectors.sandbox.ghl.state import iso
from connectors.sandbox.shared.sandbox import RuleResult

Rows = dict[str, dict[str, Any]]


def _find(kind: str, rows: Rows, child_id: str) -> dict[str, Any]:
    if child_id not in rows:
        raise child_not_found(kind, child_id)
    return rows[child_id]


def list_notes(request: GhlRequest) -> RuleResult:
    """The newest first."""
    return RuleResult({"notes": list(reversed(request.contact().notes.values()))})


def get_note(request: GhlRequest) -> RuleResult:
    """One note."""
    return RuleResult({"note": _find("Note", request.contact().notes, request.ids["id"])}, entity=request.ids["id"])


def create_note(request: GhlRequest) -> RuleResult:
    """A new note, each time it is asked for."""
    contact = request.contact()
    note = {
        "id": request.location.new_id(),
        "dateAdded": iso(request.now),
        "contactId": contact.id,
        **_as_html(request),
    }
    contact.notes[note["id"]] = note
    return RuleResult({"note": note}, 201, note["id"], True)


def _as_html(request: GhlRequest) -> dict[str, Any]:
    body = dict(request.body)
    return {**body, "body": kept_note(body["body"])} if isinstance(body.get("body"), str) else body


def update_note(request: GhlRequest) -> RuleResult:
    """Changes the given fields."""
    note = _find("Note", request.contact().notes, request.ids["id"])
    note.update(_as_html(request))
    return RuleResult({"note": note}, entity=note["id"], changed=True)


def delete_note(request: GhlRequest) -> RuleResult:
    """Gone."""
    notes = request.contact().notes
    del notes[_find("Note", notes, request.ids["id"])["id"]]
    return RuleResult({"succeded": True}, entity=request.ids["id"], changed=True)


def _moment(text: str) -> str:
    """A due date as GHL keeps it: in UTC, with milliseconds."""
    moment = datetime.fromisoformat(text)
    return iso((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def list_tasks(request: GhlRequest) -> RuleResult:
    """All of them, the oldest first."""
    return RuleResult({"tasks": list(request.contact().tasks.values())})


def get_task(request: GhlRequest) -> RuleResult:
    """One task."""
    return RuleResult(
        {"task": _find("Task", request.contact().tasks, request.ids["taskId"])}, entity=request.ids["taskId"]
    )


def create_task(request: GhlRequest) -> RuleResult:
    """A new task, each time it is asked for."""
    contact = request.contact()
    task = {"id": request.location.new_id(), "contactId": contact.id, **_with_known_user(request)}
    task["dueDate"] = _moment(task["dueDate"])
    contact.tasks[task["id"]] = task
    return RuleResult({"task": task}, 201, task["id"], True)


def _with_known_user(request: GhlRequest) -> dict[str, Any]:
    """A user whom the location does not have is dropped without a word, as of a contact."""
    body = dict(request.body)
    if body.get("assignedTo") and body["assignedTo"] not in request.location.users:
        del body["assignedTo"]
    return body


def update_task(request: GhlRequest) -> RuleResult:
    """Changes the given fields; also how a task is completed."""
    task = _find("Task", request.contact().tasks, request.ids["taskId"])
    task.update(_with_known_user(request))
    if "dueDate" in request.body:
        task["dueDate"] = _moment(task["dueDate"])
    return RuleResult({"task": task}, entity=task["id"], changed=True)


def delete_task(request: GhlRequest) -> RuleResult:
    """Gone."""
    tasks = request.contact().tasks
    del tasks[_find("Task", tasks, request.ids["taskId"])["id"]]
    return RuleResult({"succeded": True}, entity=request.ids["taskId"], changed=True)


def search_tasks(request: GhlRequest) -> RuleResult:
    """The tasks of a location, narrowed by contact, completion, assignee and title."""
    body = request.body
    skip, limit = int(body.get("skip", 0)), int(body.get("limit", 25))
    contacts = request.location.contacts
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
    return RuleResult({"tasks": found[skip : skip + limit]})


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
