"""What each operation does, for notes, tasks, appointments and the team. Leads have a file of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connectors.lofty.times import parse_time_ms, to_plain
from connectors.sandbox.lofty.lead_rules import LEAD_RULES
from connectors.sandbox.lofty.refusals import bare, coded, invalid
from connectors.sandbox.lofty.requests import LoftyRequest, LoftyResult, Rule
from connectors.sandbox.lofty.state import LoftyRecord

SMALL_PAGE = 25
"""What a list holds when nobody asks for more."""

_TASK_TYPES = ("Other", "Call", "Email", "Text", "Appointment")
_ROLES = ("Agent", "Assistant")


# -- notes ---------------------------------------------------------------------------------------------------


def _list_notes(ask: LoftyRequest) -> LoftyResult:
    lead = ask.lead_in_query()
    with_system = ask.flag("includeSystemNote")
    notes = [
        one.fields
        for one in reversed(ask.team.of_lead("note", lead.id, ask.now))
        if with_system or not one.fields["systemNote"]
    ]
    return LoftyResult({"notes": notes[: ask.number("limit", SMALL_PAGE)]}, parent=lead.id)


def _get_note(ask: LoftyRequest) -> LoftyResult:
    note = ask.record("note", "noteId")
    return LoftyResult({"note": note.fields}, note.id, note.lead_id)


def _create_note(ask: LoftyRequest) -> LoftyResult:
    lead = ask.lead_in_body()
    note = ask.desk.create_note(lead, ask.fields())
    return LoftyResult({"noteId": note.id}, note.id, lead.id, changed=True)


def _update_note(ask: LoftyRequest) -> LoftyResult:
    note = ask.record("note", "noteId")
    if not {"content", "isPin", "leadId"} <= ask.fields().keys():
        raise invalid("content, isPin and leadId are required")
    ask.desk.change(note, ask.fields())
    return LoftyResult(None, note.id, note.lead_id, changed=True)


def _delete_note(ask: LoftyRequest) -> LoftyResult:
    note = ask.record("note", "noteId")
    ask.desk.delete(note)
    return LoftyResult(None, note.id, note.lead_id, changed=True)


# -- tasks and appointments ----------------------------------------------------------------------------------


def _list_tasks(ask: LoftyRequest) -> LoftyResult:
    lead = ask.lead_in_query()
    return LoftyResult({"tasks": [one.fields for one in ask.team.of_lead("task", lead.id, ask.now)]}, parent=lead.id)


def _get_task(ask: LoftyRequest) -> LoftyResult:
    task = ask.record("task", "taskId")
    return LoftyResult({"task": task.fields}, task.id, task.lead_id)


def _create_task(ask: LoftyRequest) -> LoftyResult:
    lead, given = ask.lead_in_body(), ask.fields()
    if missing := [name for name in ("type", "content", "assignedRole", "endAt") if not given.get(name)]:
        raise invalid(f"missing: {', '.join(missing)}")
    if given["type"] not in _TASK_TYPES:
        raise invalid(f"type must be one of {', '.join(_TASK_TYPES)}")
    if given["assignedRole"] not in _ROLES:
        raise invalid(f"assignedRole must be one of {', '.join(_ROLES)}")
    task = ask.desk.create_task(lead, given)
    return LoftyResult({"taskId": task.id}, task.id, lead.id, changed=True)


def _update_task(ask: LoftyRequest) -> LoftyResult:
    task = ask.record("task", "taskId")
    ask.desk.change(task, ask.fields())
    return LoftyResult({"message": "success"}, task.id, task.lead_id, changed=True)


def _delete_task(ask: LoftyRequest) -> LoftyResult:
    task = ask.record("task", "taskId")
    ask.desk.delete(task)
    return LoftyResult({"message": "success"}, task.id, task.lead_id, changed=True)


def _finish_task(ask: LoftyRequest) -> LoftyResult:
    task = ask.record("task", "taskId")
    ask.desk.finish(task)
    return LoftyResult({"message": "success"}, task.id, task.lead_id, changed=True)


def _unfinish_task(ask: LoftyRequest) -> LoftyResult:
    task = ask.record("task", "taskId")
    ask.desk.finish(task, is_finished=False)
    return LoftyResult({"message": "success"}, task.id, task.lead_id, changed=True)


def _list_tasks_v1(ask: LoftyRequest) -> LoftyResult:
    lead = ask.lead_in_query()
    tasks = ask.team.of_lead("task", lead.id, ask.now)
    return LoftyResult({"taskList": [_as_v1(one, lead) for one in tasks]}, parent=lead.id)


def _get_task_v1(ask: LoftyRequest) -> LoftyResult:
    task = ask.record("task", "taskId")
    return LoftyResult({"task": _as_v1(task, ask.team.records["lead"][task.lead_id])}, task.id, task.lead_id)


def _as_v1(task: LoftyRecord, lead: LoftyRecord) -> dict[str, Any]:
    """A task in its older shape: other names, and times as plain text."""
    fields, person = task.fields, lead.fields
    v1 = {name: value for name, value in fields.items() if name not in {"startAt", "endAt", "timeZoneCode", "allDay"}}
    del v1["address"]
    times = {"deadline": "endAt", "finishTime": "finishTime", "createTime": "createTime", "lastUpdate": "lastUpdate"}
    for name, source in times.items():
        at_ms = parse_time_ms(fields[source])
        v1[name] = "" if at_ms is None else to_plain(at_ms)
    return {
        **v1,
        "deleteFlag": False,
        "leadName": f"{person['firstName']} {person['lastName']}".strip(),
        "leadFirstName": person["firstName"],
        "leadLastName": person["lastName"],
        "leadEmail": next(iter(person["emails"]), ""),
        "leadPhone": next(iter(person["phones"]), ""),
    }


def _list_appointments(ask: LoftyRequest) -> LoftyResult:
    lead = ask.lead_in_query()
    return LoftyResult([one.fields for one in ask.team.of_lead("appointment", lead.id, ask.now)], parent=lead.id)


# -- the team ------------------------------------------------------------------------------------------------


def _list_members(ask: LoftyRequest) -> LoftyResult:
    limit, offset = ask.number("limit", SMALL_PAGE), ask.number("offset", 0)
    members = ask.team.members
    metadata = {"collection": "members", "limit": limit, "offset": offset, "total": len(members)}
    return LoftyResult({"_metadata": metadata, "members": members[offset : offset + limit]})


def _get_me(ask: LoftyRequest) -> LoftyResult:
    """The owner of the access: the team's first member. A team without members has one that nobody sees in its list."""
    owner = {"id": 1, "teamId": ask.team.id, "firstName": "Olivia", "lastName": "Owner", "roleName": "Owner"}
    return LoftyResult(ask.team.members[0] if ask.team.members else {**owner, "email": "owner@example.com"})


def _list_custom_fields(ask: LoftyRequest) -> LoftyResult:
    return LoftyResult(ask.team.custom_fields)


def _list_tags(ask: LoftyRequest) -> LoftyResult:
    """Definitions and uses, mixed. Times are ISO 8601 here, other than on a lead."""
    rows: list[dict[str, Any]] = [
        {"tagId": number, "tagName": name, "leadId": 0} for name, number in ask.team.tags.items()
    ]
    for lead in ask.team.records["lead"].values():
        for used in () if lead.is_deleted else lead.fields["tags"]:
            times = {name: used[name].replace("GMT", "Z") for name in ("createTime", "updateTime")}
            rows.append({**used, **times})
    return LoftyResult(rows)


def _list_subscriptions(ask: LoftyRequest) -> LoftyResult:
    return LoftyResult(list(ask.team.subscriptions.values()))


def _create_subscription(ask: LoftyRequest) -> LoftyResult:
    given = ask.fields()
    url = given.get("callbackUrl")
    if not isinstance(url, str):
        raise coded(400, 20049, "Please enter url in right format")
    if given.get("listId") not in range(1, 13):
        raise bare(400, "WEBHOOK_TYPE_ERROR")
    schemes = ("https", "http") if ask.settings.allows_http else ("https",)
    if urlsplit(url).scheme not in schemes or not urlsplit(url).netloc:
        raise bare(400, "WEBHOOK_CALLBACK_URL_INVALID")
    if len(ask.team.subscriptions) >= ask.settings.subscriptions_limit:
        raise bare(400, "WEBHOOK_EXCEED_LIMIT")
    subscribe_id = next(ask.team.ids)
    made = {
        "subscribeId": subscribe_id,
        "teamId": ask.team.id,
        "listId": given["listId"],
        "callbackUrl": url,
        "vendorId": 0,
        "limit": min(int(given.get("limit") or 100), 5000),
        "permissionMode": int(given.get("permissionMode") or 0),
    }
    ask.team.subscriptions[subscribe_id] = made
    return LoftyResult(made, subscribe_id, changed=True)


def _delete_subscription(ask: LoftyRequest) -> LoftyResult:
    subscribe_id = ask.id("subscribeId")
    if ask.team.subscriptions.pop(subscribe_id, None) is None:
        raise bare(400, "WEBHOOK_DELETE_NOT_EXIST")
    return LoftyResult(None, subscribe_id, changed=True)


RULES: Mapping[str, Rule] = {
    **LEAD_RULES,
    "list-notes": _list_notes,
    "get-note": _get_note,
    "create-note": _create_note,
    "update-note": _update_note,
    "delete-note": _delete_note,
    "list-tasks": _list_tasks,
    "get-task": _get_task,
    "create-task": _create_task,
    "update-task": _update_task,
    "delete-task": _delete_task,
    "finish-task": _finish_task,
    "unfinish-task": _unfinish_task,
    "list-tasks-v1": _list_tasks_v1,
    "get-task-v1": _get_task_v1,
    "list-appointments": _list_appointments,
    "get-me": _get_me,
    "list-members": _list_members,
    "list-custom-fields": _list_custom_fields,
    "list-tags": _list_tags,
    "list-subscriptions": _list_subscriptions,
    "create-subscription": _create_subscription,
    "delete-subscription": _delete_subscription,
}
